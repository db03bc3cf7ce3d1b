#include "host/cli/http_client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
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
#include "host/cli/stream.h"

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

Result<UniqueFd> connectToSocket(const std::filesystem::path& socket) {
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

struct FreeAddresses {
  void operator()(addrinfo* each) const { ::freeaddrinfo(each); }
};

Result<UniqueFd> connectToHost(const DaemonAddress& address, Deadline deadline) {
  addrinfo* found = nullptr;
  addrinfo wanted{};
  wanted.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  const int failed = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> addresses{found};
  if (failed != 0) {
    return withHint(
        {Code::Closed, fmt::format("{} is no host that can be found: {}", address.host, ::gai_strerror(failed))},
        "look at --address and LONGHAUL_ADDRESS");
  }
  int error_number = ECONNREFUSED;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    UniqueFd fd{::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) continue;
    if (::connect(fd.get(), each->ai_addr, each->ai_addrlen) != 0) {
      error_number = errno;
      if (errno != EINPROGRESS) continue;
      if (auto ready = awaitReady(fd.get(), POLLOUT, deadline); !ready) return ready.error();
      socklen_t size = sizeof error_number;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error_number, &size);
      if (error_number != 0) continue;
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
  }
  return withHint({Code::Closed, fmt::format("no daemon answers at {}: {}", address.text(),
                                             std::strerror(error_number))},  // NOLINT: one thread
                  "http.listen of its configuration says where it listens");
}

Result<std::unique_ptr<Stream>> connectTo(const DaemonAddress& address, Deadline deadline) {
  auto fd = address.isUnix() ? connectToSocket(address.socket) : connectToHost(address, deadline);
  if (!fd) return std::move(fd).error();
  if (address.is_tls) return tlsStream(std::move(fd).value(), address, deadline);
  return plainStream(std::move(fd).value());
}

std::string textOf(const HttpRequest& request, const DaemonAddress& address) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: */*\r\n", request.method,
                                 request.target, address.hostField());
  if (!address.token.empty()) text += fmt::format("Authorization: Bearer {}\r\n", address.token);
  if (!request.body.empty()) text += fmt::format("Content-Type: {}\r\n", request.content_type);
  if (!request.body.empty() || request.method != "GET") {
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  return text + "\r\n" + request.body;
}

}  // namespace

struct HttpExchange::State {
  std::unique_ptr<Stream> stream;
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
  return state_->stream->fd();
}

Result<HttpExchange> HttpExchange::start(const DaemonAddress& address, const HttpRequest& request, Deadline deadline) {
  auto stream = connectTo(address, deadline);
  if (!stream) return std::move(stream).error();
  auto state = std::make_unique<State>();
  state->stream = std::move(stream).value();
  state->parser.eager(true);
  if (request.stream) {
    state->parser.body_limit(boost::none);
  } else {
    state->parser.body_limit(kAnswerBytesMax);
  }
  const std::string text = textOf(request, address);
  for (std::size_t sent = 0; sent < text.size();) {
    const auto moved = state->stream->write(std::string_view(text).substr(sent));
    if (moved.state == Stream::Moved::State::Some) {
      sent += moved.bytes;
    } else if (moved.state == Stream::Moved::State::Wait) {
      if (auto ready = awaitReady(state->stream->fd(), moved.wait_for, deadline); !ready) return ready.error();
    } else {
      break;  // it may have answered and closed, without reading all: the answer says why
    }
  }
  return HttpExchange{std::move(state)};
}

Result<std::optional<HttpAnswer>> HttpExchange::receive() {
  std::array<char, 65'536> buffer;  // NOLINT: filled by read
  while (true) {
    const auto moved = state_->stream->read(buffer);
    if (moved.state == Stream::Moved::State::Wait) return std::optional<HttpAnswer>{};
    if (moved.state != Stream::Moved::State::Some) {
      boost::system::error_code error;
      if (state_->parser.got_some()) state_->parser.put_eof(error);
      if (error || !state_->parser.is_done()) return closedEarly();
      return std::optional(state_->answer());
    }
    state_->unparsed.append(buffer.data(), moved.bytes);
    if (auto parsed = state_->parse(); !parsed) return parsed.error();
    if (state_->parser.is_done()) return std::optional(state_->answer());
  }
}

int HttpExchange::status() const {
  return state_->parser.is_header_done() ? static_cast<int>(state_->parser.get().result_int()) : 0;
}

// Until there is nothing: what TLS holds already would not wake a poll().
Result<std::string> HttpExchange::receiveSome() {
  std::array<char, 65'536> buffer;  // NOLINT: filled by read
  std::string some;
  while (true) {
    const auto moved = state_->stream->read(buffer);
    if (moved.state == Stream::Moved::State::Wait) return some;
    if (moved.state != Stream::Moved::State::Some) {
      if (some.empty()) return closedEarly();
      return some;  // the next call tells of the end
    }
    state_->unparsed.append(buffer.data(), moved.bytes);
    if (auto parsed = state_->parse(); !parsed) return parsed.error();
    some += std::exchange(state_->parser.get().body(), {});
  }
}

Result<HttpAnswer> HttpExchange::finish(Deadline deadline) {
  while (true) {
    auto answer = receive();
    if (!answer) return std::move(answer).error();
    if (*answer) return std::move(**answer);
    if (auto ready = awaitReady(fd(), POLLIN, deadline); !ready) return ready.error();
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
