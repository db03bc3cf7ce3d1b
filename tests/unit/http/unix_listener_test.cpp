#include "host/http/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "host/base/limits.h"
#include "host/http/server.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::http {
namespace {

UniqueFd connectTo(const std::filesystem::path& path) {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

TEST_CASE("The socket has mode 0660, says who connects, and is gone with the listener") {
  const test::TempFolder folder;
  EventLoop loop;
  std::optional<Peer> peer;
  {
    auto listener = UnixListener::create(loop, folder / "s", [&](UniqueFd, Peer who) { peer = who; });
    REQUIRE(listener);
    struct stat status {};
    REQUIRE(::stat((folder / "s").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0660U);
    const UniqueFd client = connectTo(folder / "s");
    REQUIRE(client);
    REQUIRE(loop.runUntil([&] { return peer.has_value(); }, std::chrono::seconds{10}));
    CHECK(peer->uid == ::geteuid());
    CHECK(peer->role == Role::Admin);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "s"));
}

TEST_CASE("Peers that hold all connections leave some for who can end that") {
  const std::size_t most = kHttpConnectionsMax - kHttpConnectionsKept;
  CHECK(Server::takes(most - 1, Role::Read));
  CHECK_FALSE(Server::takes(most, Role::Read));
  CHECK_FALSE(Server::takes(most, Role::Operate));
  CHECK(Server::takes(kHttpConnectionsMax - 1, Role::Admin));
  CHECK_FALSE(Server::takes(kHttpConnectionsMax, Role::Admin));
}

TEST_CASE("A socket that nobody listens on any more is replaced") {
  const test::TempFolder folder;
  {
    const UniqueFd stale{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder / "s").c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  EventLoop loop;
  CHECK(UnixListener::create(loop, folder / "s", [](UniqueFd, Peer) {}));
}

TEST_CASE("Another daemon, another kind of file and too long a path are refused with a sentence") {
  const test::TempFolder folder;
  EventLoop loop;
  const auto ignore = [](UniqueFd, Peer) {};
  const auto first = UnixListener::create(loop, folder / "s", ignore);
  REQUIRE(first);
  const auto second = UnixListener::create(loop, folder / "s", ignore);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("another daemon listens on") == 0);
  CHECK(connectTo(folder / "s"));

  test::writeText(folder / "file", "kept");
  const auto file = UnixListener::create(loop, folder / "file", ignore);
  REQUIRE_FALSE(file);
  CHECK(file.error().message.find("is no socket") != std::string::npos);
  CHECK(test::readText(folder / "file") == "kept");

  const auto too_long = UnixListener::create(loop, folder / std::string(120, 'a'), ignore);
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().message.find("at most 107") != std::string::npos);
}

TEST_CASE("A listener does not remove the socket of its successor") {
  const test::TempFolder folder;
  EventLoop loop;
  const auto ignore = [](UniqueFd, Peer) {};
  auto first = UnixListener::create(loop, folder / "s", ignore);
  REQUIRE(first);
  std::filesystem::remove(folder / "s");
  const auto second = UnixListener::create(loop, folder / "s", ignore);
  REQUIRE(second);
  first->reset();
  CHECK(std::filesystem::exists(folder / "s"));
}

}  // namespace
}  // namespace longhaul::host::http
