#include "host/supervisor/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::supervisor;
using catalog::Transport;

namespace {

constexpr InstanceId kEdge{1};
constexpr InstanceId kOther{2};
constexpr int kBufferBytes = 1 << 20;

config::WantedListener wanted(Transport transport, const std::string& address, const std::string& name = "in") {
  auto parsed = config::parseAddress(Json(address));
  REQUIRE(parsed);
  return {transport, *parsed, "listen", name};
}

std::uint16_t portOf(const ListenerView& view) {
  return static_cast<std::uint16_t>(std::stoi(view.address.substr(view.address.rfind(':') + 1)));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool connects(std::uint16_t port) {
  const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in address = loopback(port);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void sendDatagram(std::uint16_t port, std::string_view text) {
  const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in address = loopback(port);
  REQUIRE(::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                   sizeof address) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("a listener keeps its socket and its real port until it is trimmed or closed") {
  Listeners listeners{kBufferBytes};
  const Listeners::Wanted both{wanted(Transport::Tcp, "127.0.0.1:0"), wanted(Transport::Udp, "127.0.0.1:0", "in-udp")};
  REQUIRE(listeners.bind(kEdge, "edge", both));
  const auto views = listeners.views(kEdge);
  REQUIRE(views.size() == 2);
  CHECK(views[0].transport == "tcp");
  CHECK(portOf(views[0]) != 0);
  CHECK(views[1].receive_buffer_bytes > 0);
  CHECK(connects(portOf(views[0])));

  SECTION("bound again: nothing changes") {
    REQUIRE(listeners.bind(kEdge, "edge", both));
    CHECK(listeners.views(kEdge).size() == 2);
    CHECK(listeners.views(kEdge)[0].address == views[0].address);
  }
  SECTION("workers get them in the order of what is wanted, with their names") {
    const auto passed = listeners.passed(kEdge, {both[1], both[0]});
    REQUIRE(passed.size() == 2);
    CHECK(passed[0].name == "in-udp");
    CHECK(passed[1].name == "in");
    CHECK(passed[0].fd >= 0);
  }
  SECTION("a new address is bound beside the old one, which is closed by trim") {
    const Listeners::Wanted next{wanted(Transport::Tcp, "127.0.0.2:0")};
    REQUIRE(listeners.bind(kEdge, "edge", next));
    CHECK(listeners.views(kEdge).size() == 3);
    CHECK(connects(portOf(views[0])));
    listeners.trim(kEdge, next);
    REQUIRE(listeners.views(kEdge).size() == 1);
    CHECK_FALSE(connects(portOf(views[0])));
  }
  SECTION("closed: the address is free for another instance") {
    listeners.closeAll(kEdge);
    CHECK(listeners.views(kEdge).empty());
    CHECK(listeners.bind(kOther, "other", {wanted(Transport::Tcp, views[0].address)}));
  }
}

TEST_CASE("an address that another instance holds is refused by its name") {
  Listeners listeners{kBufferBytes};
  REQUIRE(listeners.bind(kEdge, "edge-2", {wanted(Transport::Udp, "127.0.0.1:0")}));
  const std::string address = listeners.views(kEdge)[0].address;
  const auto refused = listeners.bind(kOther, "edge-3", {wanted(Transport::Udp, address)});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == address +
                                       "/udp (parameter listen) is held by the instance edge-2: give one of them "
                                       "another address");
  CHECK(listeners.holderOf("udp", address) == "edge-2");
  CHECK(listeners.holderOf("tcp", address).empty());
  CHECK(listeners.bind(kOther, "edge-3", {wanted(Transport::Tcp, address)}));
}

TEST_CASE(
    "every address of a port is listened on while the instance's old worker still has one of them, and the reverse") {
  const auto [before, after] = GENERATE(std::pair{"127.0.0.1:", ":"}, std::pair{":", "127.0.0.1:"});
  const auto transport = GENERATE(Transport::Tcp, Transport::Udp);
  Listeners listeners{kBufferBytes};
  Listeners::Wanted old{wanted(transport, before + std::string("0"))};
  REQUIRE(listeners.bind(kEdge, "edge", old));
  const std::string port = std::to_string(portOf(listeners.views(kEdge)[0]));
  listeners.closeAll(kEdge);
  old = {wanted(transport, before + port)};
  REQUIRE(listeners.bind(kEdge, "edge", old));
  const UniqueFd workers{::dup(listeners.passed(kEdge, old)[0].fd)};
  const Listeners::Wanted next{wanted(transport, after + port)};
  const auto bound = listeners.bind(kEdge, "edge", next);
  INFO(before << " " << (bound ? "" : bound.error().message));
  REQUIRE(bound);
  CHECK(listeners.views(kEdge).size() == 2);
  // Nobody else gets in between, and the new one stays.
  CHECK_FALSE(Listeners{kBufferBytes}.bind(kOther, "other", next));
  listeners.trim(kEdge, next);
  CHECK(listeners.views(kEdge).size() == 1);
  if (transport == Transport::Tcp) CHECK(connects(static_cast<std::uint16_t>(std::stoi(port))));
}

TEST_CASE("an address that another program holds is refused with the system's reason") {
  const UniqueFd taken{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address = loopback(0);
  REQUIRE(::bind(taken.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(taken.get(), 1) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);

  Listeners listeners{kBufferBytes};
  const auto refused =
      listeners.bind(kEdge, "edge", {wanted(Transport::Tcp, "127.0.0.1:" + std::to_string(ntohs(address.sin_port)))});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("Address already in use"));
  CHECK(listeners.views(kEdge).empty());
}

TEST_CASE("what a plugin did to a shared socket is undone") {
  Listeners listeners{kBufferBytes};
  const Listeners::Wanted both{wanted(Transport::Tcp, "127.0.0.1:0"), wanted(Transport::Udp, "127.0.0.1:0", "udp")};
  REQUIRE(listeners.bind(kEdge, "edge", both));
  const auto views = listeners.views(kEdge);
  const auto passed = listeners.passed(kEdge, both);
  CHECK(listeners.heal(kEdge).empty());

  SECTION("a shutdown listener takes connections again") {
    REQUIRE(::shutdown(passed[0].fd, SHUT_RDWR) == 0);
    REQUIRE_FALSE(connects(portOf(views[0])));
    CHECK(listeners.heal(kEdge).size() == 1);
    CHECK(connects(portOf(views[0])));
    CHECK(listeners.views(kEdge)[0].address == views[0].address);
  }
  SECTION("by the socket that the next worker has already") {
    const UniqueFd tcp{::dup(passed[0].fd)};
    const UniqueFd udp{::dup(passed[1].fd)};
    const sockaddr_in nobody = loopback(9);
    REQUIRE(::shutdown(tcp.get(), SHUT_RDWR) == 0);
    REQUIRE(::connect(udp.get(), reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody) == 0);
    CHECK(listeners.heal(kEdge).size() == 2);
    CHECK(connects(portOf(views[0])));
    CHECK(UniqueFd{::accept4(tcp.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)});
    sendDatagram(portOf(views[1]), "heard");
    char bytes[16];
    CHECK(::recv(udp.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 5);
  }
  SECTION("options that starve the next worker are as they were") {
    const linger reset{1, 0};
    const int much = 65536;
    REQUIRE(::setsockopt(passed[0].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    REQUIRE(::setsockopt(passed[0].fd, SOL_SOCKET, SO_RCVLOWAT, &much, sizeof much) == 0);
    CHECK(listeners.heal(kEdge).empty());
    linger now{};
    int least = 0;
    socklen_t size = sizeof now;
    REQUIRE(::getsockopt(passed[0].fd, SOL_SOCKET, SO_LINGER, &now, &size) == 0);
    size = sizeof least;
    REQUIRE(::getsockopt(passed[0].fd, SOL_SOCKET, SO_RCVLOWAT, &least, &size) == 0);
    CHECK(now.l_onoff == 0);
    CHECK(least == 1);
    CHECK(connects(portOf(views[0])));
  }
  SECTION("a connected UDP socket hears everyone again") {
    const sockaddr_in nobody = loopback(9);
    REQUIRE(::connect(passed[1].fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody) == 0);
    CHECK(listeners.heal(kEdge).size() == 1);
    sendDatagram(portOf(views[1]), "heard");
    char bytes[16];
    const int fd = listeners.passed(kEdge, both)[1].fd;
    CHECK(::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) == 5);
  }
}

TEST_CASE("a Unix listener that was shut down is opened again") {
  test::TempFolder folder;
  const auto unix_in = wanted(Transport::Unix, (folder.path() / "in.sock").string());
  Listeners listeners{kBufferBytes};
  REQUIRE(listeners.bind(kEdge, "edge", {unix_in}));
  CHECK(listeners.heal(kEdge).empty());
  REQUIRE(::shutdown(listeners.passed(kEdge, {unix_in})[0].fd, SHUT_RDWR) == 0);
  CHECK(listeners.heal(kEdge).size() == 1);

  const UniqueFd peer{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_in.address.unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  CHECK(::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

TEST_CASE("a Unix listener that cannot be bound names its path, what is in its way, and what mends that") {
  const test::TempFolder folder;
  Listeners listeners{kBufferBytes};
  const auto refusal = [&](const std::filesystem::path& path) {
    const auto refused = listeners.bind(kEdge, "edge", {wanted(Transport::Unix, path.string())});
    REQUIRE_FALSE(refused);
    INFO(refused.error().message);
    CHECK_THAT(refused.error().message, Catch::Contains(path.string() + " (parameter listen)"));
    CHECK_THAT(refused.error().message, !Catch::Contains("port") && !Catch::Contains("/unix"));
    return refused.error().message;
  };
  CHECK_THAT(refusal(folder / "gone" / "in.sock"),
             Catch::Contains("the folder " + (folder / "gone").native() + " is missing: make it"));
  std::ofstream(folder / "file") << "x";
  CHECK_THAT(refusal(folder / "file" / "in.sock"), Catch::Contains((folder / "file").native() + " is no folder"));
  CHECK_THAT(refusal(folder / "file"), Catch::Contains("a file that is no socket is there: remove it"));
}

TEST_CASE("datagrams that found the buffer full are counted") {
  Listeners listeners{4096};
  REQUIRE(listeners.bind(kEdge, "edge", {wanted(Transport::Udp, "127.0.0.1:0")}));
  const std::uint16_t port = portOf(listeners.views(kEdge)[0]);
  for (int i = 0; i < 100; ++i)
    sendDatagram(port, std::string(1000, 'x'));
  CHECK(listeners.views(kEdge)[0].dropped_count > 0);
}

TEST_CASE("a Unix listener replaces the file that a dead program left, and removes its own") {
  test::TempFolder folder;
  const std::string path = (folder.path() / "in.sock").string();
  const auto unix_in = wanted(Transport::Unix, path);
  {
    Listeners dead{kBufferBytes};
    REQUIRE(dead.bind(kEdge, "edge", {unix_in}));
    REQUIRE(::rename(path.c_str(), (path + ".kept").c_str()) == 0);
  }
  REQUIRE(::rename((path + ".kept").c_str(), path.c_str()) == 0);
  {
    Listeners listeners{kBufferBytes};
    REQUIRE(listeners.bind(kEdge, "edge", {unix_in}));
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}
