// A client of HTTP servers on Unix sockets, the same for both sides of a comparison: requests of one kind over many
// connections, one under way on each, from one thread. Usage: http_load SOCKET PATH CONNECTIONS SECONDS. Any answer but
// 200 with a content-length ends it: a figure of refusals is none.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <string_view>

#include "tests/bench/yardsticks/yardstick.h"

namespace {

using namespace longhaul::bench;

struct Client {
  int fd = -1;
  std::uint64_t began = 0;
  std::string input;
};

int connectTo(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) fail("the path is too long");
  std::strcpy(address.sun_path, path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail(path);
  return fd;
}

void ask(Client& client, const std::string& request) {
  client.began = now();
  if (::send(client.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    fail("send");
  }
}

// The answer is whole.
bool isWhole(const std::string& input) {
  const auto end = input.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  std::string head = input.substr(0, end + 2);
  for (char& c : head)
    c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const auto at = head.find(kLength);
  if (!head.starts_with("http/1.1 200 ") || at == std::string::npos) {
    std::fprintf(stderr, "http_load: %s\n", input.c_str());
    std::exit(1);
  }
  std::size_t length = 0;
  std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), length);
  return input.size() >= end + 4 + length;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fputs("usage: http_load SOCKET PATH CONNECTIONS SECONDS\n", stderr), 2;
  const std::string request = std::string("GET ") + argv[2] + " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
  std::vector<Client> clients(static_cast<std::size_t>(std::atoi(argv[3])));
  const int poll = ::epoll_create1(0);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].fd = connectTo(argv[1]);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event) != 0) fail("epoll_ctl");
  }
  std::vector<std::uint64_t> samples;
  const std::uint64_t began = now();
  const std::uint64_t until = began + static_cast<std::uint64_t>(std::atof(argv[4]) * 1e9);
  for (Client& client : clients)
    ask(client, request);
  std::size_t open_count = clients.size();
  while (open_count > 0) {
    epoll_event events[64];
    const int count = ::epoll_wait(poll, events, 64, 10000);
    if (count == 0) return std::fputs("http_load: no answer within 10 s\n", stderr), 1;
    for (int i = 0; i < count; ++i) {
      Client& client = clients[events[i].data.u64];
      char buffer[16384];
      const ssize_t got = ::recv(client.fd, buffer, sizeof buffer, 0);
      if (got <= 0) fail("recv");
      client.input.append(buffer, static_cast<std::size_t>(got));
      if (!isWhole(client.input)) continue;
      client.input.clear();
      const std::uint64_t at = now();
      samples.push_back(at - client.began);
      if (at < until) {
        ask(client, request);
      } else {
        --open_count;
      }
    }
  }
  const double seconds = static_cast<double>(now() - began) / 1e9;
  const auto count = static_cast<double>(samples.size());
  report(count / seconds, quantile(samples, 0.5), quantile(samples, 0.99));
}
