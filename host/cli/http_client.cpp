#include "host/cli/http_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>

#include "host/base/limits.h"
#include "host/base/unique_fd.h"
#include "host/cli/output.h"

namespace longhaul::host::cli {
namespace {

namespace http = boost::beast::http;
using Deadline = HttpExchange::Deadline;

Error closedEarly() {
  return withHint({Code::Closed,
                   "the daemon closed the connection before it had answered: whether it did what was "
                   "asked is unknown"},
                  "its log tells why it ended; ask again when it runs");
}

Error notReachable(const std::filesystem::path& socket, int error_number) {
  const char* why = error_number == ENOENT         ? "there is no such socket"
                    : error_number == ECONNREFUSED ? "nobody listens on it"
                                                   : std::strerror(error_number);  // NOLINT: one thread
  if (error_number == EACCES || error_number == EPERM) {
    return withHint({Code::NotGranted, fmt::format("this user may not open the daemon's socket {}", socket.native())},
                    fmt::format("ask as root, or as a member of the socket's group (ls -l {})", socket.native()));
  }
  return withHint({Code::Closed, fmt::format("no daemon answers at {}: {}", socket.native(), why)},
                  "start it with longhauld; a daemon elsewhere is named by --address unix:PATH or LONGHAUL_ADDRESS");
}

// TIMEOUT when the deadline comes first.
Result<void> await(int fd, short events, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Error{Code::Timeout, "the daemon did not answer in time: the outcome is unknown"};
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return systemError("poll", errno);
  }
}

Result<UniqueFd> connectTo(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = socket.native();
  if (path.size() > kUnixPathBytesMax) {
    return Error{Code::Invalid, fmt::format("the socket's path {} has {} bytes, the system takes at most {}", path,
                                            path.size(), kUnixPathBytesMax)};
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return systemError("socket", errno);
  // Connecting to a Unix socket waits only while the daemon's backlog is full; with SO_SNDTIMEO not for ever.
  const timeval limit{.tv_sec = std::chrono::seconds{kAnswerTimeout}.count(), .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EAGAIN) return Error{Code::Timeout, fmt::format("the daemon at {} takes no connections", path)};
    if (errno != EINTR) return notReachable(socket, errno);
  }
  return fd;
}

std::string textOf(const HttpRequest& request) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: */*\r\n",
                                 request.method, request.target);
  if (!request.body.empty()) text += fmt::format("Content-Type: {}\r\n", request.content_type);
  if (!request.body.empty() || request.method != "GET") {
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  return text + "\r\n" + request.body;
}

}  // namespace

struct HttpExchange::State {
  UniqueFd fd;
  http::response_parser<http::string_body> parser;
  std::string unparsed;

  // Gives the parser what it can take; INVALID when that is not HTTP.
  Result<void> parse() {
    while (!unparsed.empty() && !parser.is_done()) {
      boost::system::error_code error;
      const std::size_t taken = parser.put(boost::asio::buffer(unparsed), error);
      unparsed.erase(0, taken);
      if (error == http::error::need_more) return {};
      if (error == http::error::body_limit) {
        return Error{Code::TooLarge, fmt::format("the answer has more than {} bytes", kAnswerBytesMax)};
      }
      if (error) {
        return Error{Code::Invalid, fmt::format("what answers on the socket does not speak HTTP ({}); is it longhauld?",
                                                error.message())};
      }
      if (taken == 0) return {};
    }
    return {};
  }

  HttpAnswer answer() {
    auto message = parser.release();
    HttpAnswer answer;
    answer.status = static_cast<int>(message.result_int());
    answer.content_type = std::string(message[http::field::content_type]);
    answer.body = std::move(message.body());
    return answer;
  }
};

HttpExchange::HttpExchange(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpExchange::HttpExchange(HttpExchange&&) noexcept = default;
HttpExchange& HttpExchange::operator=(HttpExchange&&) noexcept = default;
HttpExchange::~HttpExchange() = default;

int HttpExchange::fd() const {
  return state_->fd.get();
}

Result<HttpExchange> HttpExchange::start(const std::filesystem::path& socket, const HttpRequest& request,
                                         Deadline deadline) {
  auto fd = connectTo(socket);
  if (!fd) return std::move(fd).error();
  auto state = std::make_unique<State>();
  state->fd = std::move(fd).value();
  state->parser.eager(true);
  if (request.stream) {
    state->parser.body_limit(boost::none);
  } else {
    state->parser.body_limit(kAnswerBytesMax);
  }
  const std::string text = textOf(request);
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(state->fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      if (auto ready = await(state->fd.get(), POLLOUT, deadline); !ready) return ready.error();
    } else if (errno == EPIPE || errno == ECONNRESET) {
      break;  // it may have answered and closed, without reading all: the answer says why
    } else if (errno != EINTR) {
      return systemError("send", errno);
    }
  }
  return HttpExchange{std::move(state)};
}

Result<std::optional<HttpAnswer>> HttpExchange::receive() {
  std::array<char, 65'536> buffer;  // NOLINT: filled by recv
  while (true) {
    const ssize_t count = ::recv(state_->fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return std::optional<HttpAnswer>{};
    if (count < 0 && errno != ECONNRESET) return systemError("recv", errno);
    if (count <= 0) {
      boost::system::error_code error;
      if (state_->parser.got_some()) state_->parser.put_eof(error);
      if (error || !state_->parser.is_done()) return closedEarly();
      return std::optional(state_->answer());
    }
    state_->unparsed.append(buffer.data(), static_cast<std::size_t>(count));
    if (auto parsed = state_->parse(); !parsed) return parsed.error();
    if (state_->parser.is_done()) return std::optional(state_->answer());
  }
}

int HttpExchange::status() const {
  return state_->parser.is_header_done() ? static_cast<int>(state_->parser.get().result_int()) : 0;
}

Result<std::string> HttpExchange::receiveSome() {
  std::array<char, 65'536> buffer;  // NOLINT: filled by recv
  const ssize_t count = ::recv(state_->fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return std::string{};
  if (count <= 0) return closedEarly();
  state_->unparsed.append(buffer.data(), static_cast<std::size_t>(count));
  if (auto parsed = state_->parse(); !parsed) return parsed.error();
  return std::exchange(state_->parser.get().body(), {});
}

Result<HttpAnswer> HttpExchange::finish(Deadline deadline) {
  while (true) {
    auto answer = receive();
    if (!answer) return std::move(answer).error();
    if (*answer) return std::move(**answer);
    if (auto ready = await(fd(), POLLIN, deadline); !ready) return ready.error();
  }
}

std::string percentEncoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace longhaul::host::cli
