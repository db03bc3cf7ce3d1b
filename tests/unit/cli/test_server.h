// A Unix socket that answers requests with canned texts, on a thread of its own, one connection after the other. Every
// request is remembered; one that nobody foresaw gets a problem document that names it.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>
#include <array>
#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/base/json.h"
#include "host/base/text.h"
#include "host/base/unique_fd.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::cli {

struct SeenRequest {
  std::string line;  // "GET /api/v1/instances"
  std::string head;
  std::string body;
};

class TestServer {
 public:
  TestServer() : socket_(folder_.path() / "longhaul.sock") {
    listener_ = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.native().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 16) == 0);
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
    stop_ = UniqueFd{pair[0]};
    stopped_ = UniqueFd{pair[1]};
    thread_ = std::thread([this] { serve(); });
  }
  ~TestServer() {
    stop_.reset();
    thread_.join();
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  const std::filesystem::path& socket() const { return socket_; }

  // The next answer to this line; the last one given stays.
  void answer(const std::string& line, int status, const Json& body) {
    const std::string text = dumpJson(body);
    raw(line, fmt::format("HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status,
                          status < 400 ? "application/json" : "application/problem+json", text.size(), text));
  }
  void raw(const std::string& line, std::string bytes) {
    const std::lock_guard lock(mutex_);
    answers_[line].push_back(std::move(bytes));
  }
  // Sends this before it has read anything of a request, and closes.
  void sayAtOnce(std::string bytes) {
    const std::lock_guard lock(mutex_);
    at_once_ = std::move(bytes);
  }

  std::vector<SeenRequest> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const SeenRequest& request : seen())
      lines.push_back(request.line);
    return lines;
  }

 private:
  void serve() {
    while (true) {
      std::array<pollfd, 2> entries{{{listener_.get(), POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
      if (::poll(entries.data(), entries.size(), -1) < 0) continue;
      if (entries[1].revents != 0) return;
      const UniqueFd peer{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!peer) continue;
      std::string at_once;
      {
        const std::lock_guard lock(mutex_);
        at_once = at_once_;
      }
      send(peer.get(), at_once.empty() ? answerTo(readRequest(peer.get())) : at_once);
    }
  }

  static SeenRequest readRequest(int fd) {
    std::string text;
    std::array<char, 65'536> buffer{};
    SeenRequest request;
    std::size_t wanted = std::string::npos;
    while (text.size() < wanted) {
      const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
      const std::size_t end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const std::size_t length = text.find("Content-Length: ");
      wanted = end + 4;
      if (length < end) {
        const std::size_t at = length + std::string_view("Content-Length: ").size();
        wanted += static_cast<std::size_t>(parseInt(text.substr(at, text.find('\r', at) - at)).value_or(0));
      }
    }
    const std::size_t end = text.find("\r\n\r\n");
    request.head = text.substr(0, end);
    request.body = end == std::string::npos ? "" : text.substr(end + 4);
    request.line = text.substr(0, text.find(" HTTP/1.1"));
    return request;
  }

  std::string answerTo(SeenRequest request) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request);
    auto& waiting = answers_[request.line];
    if (waiting.empty()) {
      const std::string text = dumpJson({{"detail", "nobody foresaw: " + request.line}, {"code", "INTERNAL"}});
      return fmt::format("HTTP/1.1 599 X\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n{}",
                         text.size(), text);
    }
    std::string bytes = waiting.front();
    if (waiting.size() > 1) waiting.pop_front();
    return bytes;
  }

  static void send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  test::TempFolder folder_;
  std::filesystem::path socket_;
  UniqueFd listener_, stop_, stopped_;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<std::string>> answers_;
  std::string at_once_;
  std::vector<SeenRequest> seen_;
  std::thread thread_;
};

}  // namespace longhaul::host::cli
