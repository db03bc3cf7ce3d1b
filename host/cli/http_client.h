// HTTP/1.1 over the daemon's Unix socket, or over TCP and TLS: one request, one answer, one connection. Blocking with a
// deadline, or as an exchange whose descriptor the caller polls, for several at once. One thread at a time. What the
// other side sends is bounded (limits.h). Connections are cheap on a Unix socket, so none is kept.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "host/base/result.h"
#include "host/cli/daemon_address.h"

namespace longhaul::host::cli {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // encoded: "/api/v1/instances?name=edge-%2A"
  std::string body{};
  std::string content_type = "application/json";
  bool stream = false;  // the answer goes on without an end: no bound of its size
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
};

class HttpExchange {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Connects and sends the whole request. CLOSED: nobody answers there, or not any more; NOT_GRANTED: this user may not
  // open the socket, or the certificate is not to be trusted; TIMEOUT.
  static Result<HttpExchange> start(const DaemonAddress& address, const HttpRequest& request, Deadline deadline);
  HttpExchange(HttpExchange&&) noexcept;
  HttpExchange& operator=(HttpExchange&&) noexcept;
  ~HttpExchange();

  int fd() const;
  // Reads what is there, without waiting. Nothing: the answer is not whole yet. CLOSED: the connection ended before.
  Result<std::optional<HttpAnswer>> receive();
  // Of an answer that goes on: what of its body came since, without waiting. CLOSED at its end. Not with receive().
  Result<std::string> receiveSome();
  // 0: its header is not whole yet.
  int status() const;
  // Waits for the whole answer; TIMEOUT at the deadline.
  Result<HttpAnswer> finish(Deadline deadline);

 private:
  struct State;
  explicit HttpExchange(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Everything but letters, digits and "-._~" as %XX.
std::string percentEncoded(std::string_view text);

}  // namespace longhaul::host::cli
