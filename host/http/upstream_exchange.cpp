#include "host/http/upstream_exchange.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "host/base/check.h"
#include "host/http/route_limits.h"
#include "host/http/upstream_limits.h"

namespace longhaul::host::http {
namespace {

using services::HttpFailure;
using services::HttpMessageKind;
using services::kHttpMessageCost;

constexpr std::size_t kReadBytes = 16U << 10;

std::string newKey() {
  std::array<unsigned char, 16> bytes{};
  LONGHAUL_CHECK(::RAND_bytes(bytes.data(), bytes.size()) == 1, "the system has no random numbers");
  std::array<unsigned char, 25> text{};
  const int size = ::EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

// Done twice it does no more than once, and has nothing to send that would be gone: it may be sent anew.
bool isRepeatable(const services::HttpAsked& asked) {
  const bool is_safe = asked.method == "GET" || asked.method == "HEAD" || asked.method == "OPTIONS";
  return is_safe && asked.content_length == 0 && !asked.is_web_socket;
}

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketName nameOf(const UpstreamAddress& address) {
  SocketName name;
  if (!address.unix_path.empty()) {
    auto* un = reinterpret_cast<sockaddr_un*>(&name.storage);
    un->sun_family = AF_UNIX;
    const std::size_t size = std::min(address.unix_path.size(), sizeof un->sun_path - 1);
    std::memcpy(un->sun_path, address.unix_path.data(), size);
    name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + 1);
  } else if (auto* in = reinterpret_cast<sockaddr_in*>(&name.storage);
             ::inet_pton(AF_INET, address.host.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(address.port);
    name.size = sizeof *in;
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&name.storage);
    name.storage = {};
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &in6->sin6_addr);
    name.size = sizeof *in6;
  }
  return name;
}

}  // namespace

std::string toText(const UpstreamAddress& address) {
  if (!address.unix_path.empty()) return fmt::format("unix:{}", address.unix_path);
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

UpstreamExchange::UpstreamExchange(EventLoop& loop, UpstreamAddress address, services::HttpAsked asked,
                                   services::HttpEvents& events, std::unique_ptr<UpstreamOwner> owner)
    : loop_(loop),
      address_(std::move(address)),
      asked_(std::move(asked)),
      events_(events),
      owner_(std::move(owner)),
      key_(asked_.is_web_socket ? newKey() : std::string()),
      head_(writeUpstreamRequest(asked_, key_)),
      window_(kUpstreamWindowBytes),
      messages_(WebSocketReader::From::Server, kMessageBytesMaxHttp) {
  loop_.post([this, alive = Alive(alive_)] {
    if (alive.lock() && phase_ == Phase::Waiting) begin();
  });
}

UpstreamExchange::~UpstreamExchange() {
  loop_.timers().cancel(timer_);
  watch_.reset();
  owner_->over();
}

void UpstreamExchange::refuse(HttpFailure failure) {
  phase_ = Phase::Over;
  loop_.post([this, failure = std::move(failure), alive = Alive(alive_)] {
    if (alive.lock()) events_.onFailed(failure);
  });
}

void UpstreamExchange::setTimer(Duration after, std::function<void()> then) {
  loop_.timers().cancel(timer_);
  timer_ = loop_.timers().after(after, [this, then = std::move(then)] {
    timer_ = TimerId::None;
    then();
  });
}

// ---------------------------------------------------------------- the connection

void UpstreamExchange::begin() {
  began_at_ = loop_.timers().now();
  output_ = head_ + output_;
  owed_ += kUpstreamWindowBytes;
  // One whose request must not be done twice gets a connection of its own: it meets none that is just being closed.
  if (isRepeatable(asked_)) {
    if (UniqueFd idle = owner_->takeIdle()) {
      reused_ = true;
      attach(std::move(idle));
      return connected();
    }
  }
  connect();
}

void UpstreamExchange::attach(UniqueFd fd) {
  watch_.reset();
  fd_ = std::move(fd);
  read_pending_ = write_pending_ = peer_ended_ = false;
  watch_ = loop_.watch(
      fd_.get(), [this] { onReadable(); }, [this] { onWritable(); });
}

void UpstreamExchange::connect() {
  phase_ = Phase::Connecting;
  const SocketName name = nameOf(address_);
  UniqueFd fd{::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail(503, fmt::format("no connection can be made: {}", ::strerrordesc_np(errno)), 1);
  const int on = 1;
  if (name.storage.ss_family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int failed = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name.storage), name.size) == 0 ? 0 : errno;
  if (failed == EAGAIN) {  // of a Unix socket: nobody takes what waits there
    if (loop_.timers().now() - began_at_ >= kUpstreamConnectTimeout) {
      return fail(503, "takes no connection: its queue has been full for 10 s", 1);
    }
    return setTimer(kUpstreamConnectAgain, [this] { connect(); });
  }
  if (failed != 0 && failed != EINPROGRESS) {
    return fail(502, fmt::format("takes no connection: {}", ::strerrordesc_np(failed)));
  }
  attach(std::move(fd));
  if (failed == 0) return connected();
  setTimer(kUpstreamConnectTimeout, [this] { fail(503, "takes no connection: its queue has been full for 10 s", 1); });
  wantWrite();
}

void UpstreamExchange::connected() {
  phase_ = Phase::Head;
  waitForAnswer();
  wantWrite();
  wantRead();
}

void UpstreamExchange::waitForAnswer() {
  setTimer(kUpstreamAnswerTimeout, [this] { fail(504, "did not answer within 60 s"); });
}

void UpstreamExchange::wantWrite() {
  if (write_pending_ || !watch_) return;
  write_pending_ = true;
  watch_->waitWritable();
}

void UpstreamExchange::onWritable() {
  write_pending_ = false;
  if (phase_ == Phase::Connecting) {
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return fail(502, fmt::format("takes no connection: {}", ::strerrordesc_np(failed)));
    return connected();
  }
  // A server may answer and close before it has read all: what it answered is read, and says why.
  if (!flush()) {
    output_.clear();
    sent_ = 0;
    peer_ended_ = peer_ended_ || phase_ == Phase::Messages;
    return wantRead();
  }
  if (sent_ < output_.size()) return wantWrite();
  grant();
}

bool UpstreamExchange::flush() {
  while (sent_ < output_.size()) {
    const ssize_t count = ::send(fd_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    sent_ += static_cast<std::size_t>(count);
    if (phase_ == Phase::Head) waitForAnswer();  // from the request's last byte on
  }
  output_.clear();
  sent_ = 0;
  owed_ += std::exchange(queued_cost_, 0);
  return true;
}

void UpstreamExchange::grant() {
  const std::size_t bytes = std::exchange(owed_, 0);
  if (bytes > 0 && phase_ != Phase::Over) events_.onWindow(bytes);
}

// ---------------------------------------------------------------- the request

void UpstreamExchange::sendBody(std::string_view bytes) {
  if (phase_ == Phase::Over || bytes.empty()) return;
  queued_cost_ += bytes.size();
  if (asked_.content_length < 0) {
    output_ += fmt::format("{:x}\r\n", bytes.size());
    output_.append(bytes).append("\r\n");
  } else {
    output_.append(bytes);
  }
  if (phase_ != Phase::Waiting && phase_ != Phase::Connecting) wantWrite();
}

void UpstreamExchange::endBody() {
  if (phase_ == Phase::Over || body_ended_) return;
  body_ended_ = true;
  if (asked_.content_length < 0) output_ += "0\r\n\r\n";
  if (phase_ != Phase::Waiting && phase_ != Phase::Connecting) wantWrite();
}

std::uint32_t UpstreamExchange::mask() {
  std::array<unsigned char, 4> bytes{};
  LONGHAUL_CHECK(::RAND_bytes(bytes.data(), bytes.size()) == 1, "the system has no random numbers");
  std::uint32_t mask = 0;
  std::memcpy(&mask, bytes.data(), sizeof mask);
  return mask;
}

void UpstreamExchange::sendMessage(HttpMessageKind kind, std::string_view message) {
  if (phase_ != Phase::Messages || closing_) return;
  queued_cost_ += message.size() + kHttpMessageCost;
  output_ += messageFrame(kind, message, mask());
  wantWrite();
}

// Its caller may end the exchange at once: what the socket takes has left by then.
void UpstreamExchange::close(std::uint16_t code, std::string_view reason) {
  if (phase_ != Phase::Messages || closing_) return;
  closing_ = true;
  output_ += closeFrame(code, reason, mask());
  if (flush() && !output_.empty()) wantWrite();
}

// ---------------------------------------------------------------- the answer

void UpstreamExchange::wantRead() {
  if (read_pending_ || !watch_ || window_ <= 0) return;
  read_pending_ = true;
  watch_->waitReadable();
}

void UpstreamExchange::consumed(std::size_t bytes) {
  window_ += static_cast<std::int64_t>(bytes);
  if (phase_ != Phase::Body && phase_ != Phase::Messages) return;
  // What is in the input already has no other occasion.
  if (!input_.empty() || peer_ended_) {
    loop_.post([this, alive = Alive(alive_)] {
      if (alive.lock()) process();
    });
  }
  wantRead();
}

void UpstreamExchange::onReadable() {
  read_pending_ = false;
  if (phase_ == Phase::Over) return;
  std::array<char, kReadBytes> buffer;
  const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return wantRead();
  if (count <= 0) {
    peer_ended_ = true;
  } else {
    input_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  process();
}

void UpstreamExchange::process() {
  const Alive alive = alive_;
  for (bool more = true; more;) {
    switch (phase_) {
      case Phase::Head:
        more = readHead();
        break;
      case Phase::Body:
        more = readBody();
        break;
      case Phase::Messages:
        more = readMessage();
        break;
      default:
        return;
    }
    if (!alive.lock()) return;
  }
  if (phase_ == Phase::Over) return;
  if (peer_ended_ && window_ > 0) return ended();
  if (!peer_ended_) wantRead();
}

bool UpstreamExchange::readHead() {
  const auto end = input_.find("\r\n\r\n");
  if (end == std::string::npos || end + 4 > kUpstreamHeaderBytesMax) {
    if (input_.size() <= kUpstreamHeaderBytesMax) return false;
    fail(502, fmt::format("answered with a header over {} bytes", kUpstreamHeaderBytesMax));
    return false;
  }
  auto answer = readUpstreamAnswer(std::string_view(input_).substr(0, end + 4), asked_, key_);
  input_.erase(0, end + 4);
  if (!answer) {
    fail(502, std::move(answer).error().message);
    return false;
  }
  answer_ = std::move(*answer);
  if (answer_.status < 200 && answer_.status != 101) {
    if (++interim_count_ <= kUpstreamInterimMax) return true;
    fail(502, fmt::format("sent more than {} answers of 1xx", kUpstreamInterimMax));
    return false;
  }
  if (answer_.status == 101) {
    phase_ = Phase::Messages;
    loop_.timers().cancel(std::exchange(timer_, TimerId::None));
    owed_ += kUpstreamWindowBytes;
    const Alive alive = alive_;
    events_.onHead(101, std::move(answer_.fields), -1);
    if (!alive.lock()) return false;
    grant();
    return alive.lock() != nullptr;
  }
  phase_ = Phase::Body;
  setTimer(kUpstreamBodyTimeout, [this] { fail(504, "sent nothing more of its answer for 5 min"); });
  if (answer_.body == UpstreamBody::Length || answer_.body == UpstreamBody::None) {
    body_ = BodyReader::ofLength(
        answer_.body == UpstreamBody::None ? 0 : static_cast<std::uint64_t>(answer_.content_length));
  } else if (answer_.body == UpstreamBody::Chunks) {
    body_ = BodyReader::ofChunks(kRouteBodyBytesMax);
  }
  events_.onHead(answer_.status, std::move(answer_.fields), answer_.content_length);
  return true;
}

bool UpstreamExchange::readBody() {
  if (!body_) {  // until the end of the connection
    const std::size_t count = std::min(input_.size(), static_cast<std::size_t>(std::max<std::int64_t>(window_, 0)));
    if (count == 0) return false;
    const std::string piece = input_.substr(0, count);
    input_.erase(0, count);
    window_ -= static_cast<std::int64_t>(count);
    setTimer(kUpstreamBodyTimeout, [this] { fail(504, "sent nothing more of its answer for 5 min"); });
    events_.onBody(piece);
    return true;
  }
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(window_, 0));
  const BodyReader::Step step = body_->read(input_, room);
  switch (step.state) {
    case BodyReader::State::NeedMore:
      input_.erase(0, step.taken);
      return false;
    case BodyReader::State::NeedRoom:
      input_.erase(0, step.taken);
      loop_.timers().cancel(std::exchange(timer_, TimerId::None));  // it is the client that is waited for
      return false;
    case BodyReader::State::Failed:
      fail(502, fmt::format("sent a body that is none: {}", body_->refusal().detail));
      return false;
    case BodyReader::State::Done:
      input_.erase(0, step.taken);
      finish();
      return false;
    case BodyReader::State::Piece:
      break;
  }
  const std::string piece(step.piece);
  input_.erase(0, step.taken);
  window_ -= static_cast<std::int64_t>(piece.size());
  setTimer(kUpstreamBodyTimeout, [this] { fail(504, "sent nothing more of its answer for 5 min"); });
  events_.onBody(piece);
  return true;
}

bool UpstreamExchange::readMessage() {
  if (window_ <= 0) return false;
  WebSocketReader::Step step = messages_.read(input_);
  input_.erase(0, step.taken);
  switch (step.kind) {
    case WebSocketReader::Kind::NeedMore:
      return false;
    case WebSocketReader::Kind::Message:
      window_ -= static_cast<std::int64_t>(step.text.size() + kHttpMessageCost);
      events_.onMessage(step.message_kind, step.text);
      return true;
    case WebSocketReader::Kind::Ping:
      if (output_.size() - sent_ < kWebSocketUnsentMax) output_ += pongFrame(step.text, mask());
      wantWrite();
      return true;
    case WebSocketReader::Kind::Pong:
      return true;
    case WebSocketReader::Kind::Close:
      if (!closing_) output_ += closeFrame(step.code, "", mask());
      (void)flush();
      phase_ = Phase::Over;
      watch_.reset();
      events_.onClose(step.code, step.text);
      return false;
    case WebSocketReader::Kind::Failed:
      break;
  }
  const WebSocketFault fault = messages_.fault();
  output_ += closeFrame(fault.code, fault.reason, mask());
  (void)flush();
  fail(502, fmt::format("broke the WebSocket: {}", fault.reason));
  return false;
}

void UpstreamExchange::ended() {
  if (phase_ == Phase::Messages) return fail(502, "ended the connection of the WebSocket without closing it");
  if (phase_ == Phase::Body) {
    if (!body_) return finish();
    return fail(502, "ended the connection in the middle of its answer");
  }
  if (tryAgain()) return;
  fail(502, input_.empty() ? "ended the connection without an answer"
                           : "ended the connection in the middle of its answer's header");
}

// A connection that was kept may be closed by its server at any moment: then nothing of this request was seen.
bool UpstreamExchange::tryAgain() {
  if (!reused_ || !input_.empty() || interim_count_ > 0) return false;
  reused_ = false;
  output_ = head_;
  sent_ = 0;
  watch_.reset();
  fd_.reset();
  connect();
  return true;
}

void UpstreamExchange::finish() {
  phase_ = Phase::Over;
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  watch_.reset();
  const bool asked_whole = body_ended_ && output_.empty();
  if (answer_.keep_alive && asked_whole && input_.empty() && !peer_ended_) owner_->keepIdle(std::move(fd_));
  fd_.reset();
  events_.onEnd();
}

// `what`: what the server did, as the rest of a sentence.
void UpstreamExchange::fail(int status, std::string what, int retry_after_s) {
  if (phase_ == Phase::Over) return;
  phase_ = Phase::Over;
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  watch_.reset();
  fd_.reset();
  events_.onFailed({.status = status,
                    .detail = fmt::format("the plugin's own HTTP server {}", what),
                    .retry_after_s = retry_after_s});
}

}  // namespace longhaul::host::http
