// One connection with a peer in the test's own hands, over a real socket pair. Single-threaded.
#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/connection.h"
#include "host/http/response.h"

namespace longhaul::host::test {

// "POST /x ab" for each request, answered with the same text; /later is answered by answerLater().
class Wire {
 public:
  explicit Wire(http::PassageDoor* door = nullptr) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    client = UniqueFd{ends[0]};
    connection = std::make_unique<http::Connection>(
        loop, http::plainTransport(UniqueFd{ends[1]}), http::Peer{.uid = 7, .role = Role::Admin}, handler,
        [this] { connection.reset(); }, door);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN) return;  // the server has closed
      if (count < 0) step();
    }
  }
  void step() {
    bool once = false;
    loop.post([&] { once = true; });
    loop.runUntil([&] { return once; }, std::chrono::seconds{10});
  }
  // Reads what came; true: until `text` is in it.
  bool receives(std::string_view text) {
    return loop.runUntil([&] { return read(), received.find(text) != std::string::npos; }, std::chrono::seconds{10});
  }
  bool isClosed() {
    return loop.runUntil([&] { return read(), ended; }, std::chrono::seconds{10});
  }
  void read() {
    std::array<char, 65536> buffer;
    ssize_t count = 0;
    while ((count = ::recv(client.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
      received.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) ended = true;
  }
  std::size_t count(std::string_view text) const {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = received.find(text, at)) != std::string::npos; at += text.size())
      ++found;
    return found;
  }

  EventLoop loop;
  UniqueFd client;
  std::vector<std::string> requests;
  http::Connection::Respond later;
  bool cancelled = false;
  std::string received;
  bool ended = false;
  http::Connection::Handler handler = [this](const http::Request& request, const http::Peer&,
                                             http::Connection::Respond respond) {
    requests.push_back(request.method + " " + request.target + " " + request.body);
    if (request.target == "/later") {
      later = std::move(respond);
      return std::function<void()>{[this] { cancelled = true; }};
    }
    respond({.content_type = "text/plain", .body = requests.back()});
    return std::function<void()>{};
  };
  std::unique_ptr<http::Connection> connection;
};

}  // namespace longhaul::host::test
