#include "host/http/route_passage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/http/response.h"

namespace longhaul::host::http {
namespace {

BodyReader readerOf(const RouteRequest& request) {
  return request.chunked ? BodyReader::ofChunks(kRouteBodyBytesMax)
                         : BodyReader::ofLength(static_cast<std::uint64_t>(request.asked.content_length));
}

}  // namespace

RoutePassage::RoutePassage(RouteRequest request, services::InstanceHttp& port, PassageSide& side, TimerQueue& timers,
                           RouteCounts& counts)
    : request_(std::move(request)),
      instance_(request_.asked.instance),
      is_web_socket_(request_.asked.is_web_socket),
      side_(side),
      timers_(timers),
      counts_(counts),
      body_(readerOf(request_)),
      began_at_(timers.now()) {
  ++counts_.of(instance_).under_way_count;
  exchange_ = port.open(std::move(request_.asked), *this);
}

RoutePassage::~RoutePassage() {
  over(status_, socket_ && socket_->isOver());
  timers_.cancel(timer_);
}

// Counted once. What no instance answered because there is none is counted under no name.
void RoutePassage::over(int status, bool whole) {
  if (std::exchange(is_over_, true)) return;
  RouteCounts::Counts& begun = counts_.of(instance_);
  --begun.under_way_count;
  RouteCounts::Counts& counts = status == 404 && !head_ ? counts_.of({}) : begun;
  if (!whole) ++counts.cut_count;
  if (status >= 100 && status < 600) ++counts.answers[static_cast<std::size_t>(status / 100 - 1)];
  counts.body_bytes += body_bytes_ + (socket_ ? socket_->receivedBytes() : 0);
  counts.answer_bytes += answer_bytes_;
  counts.time += timers_.now() - began_at_;
  counts_.forgetIfUnused(instance_);
}

bool RoutePassage::keepsAlive() const {
  return request_.keep_alive && body_ended_ && !is_web_socket_ && !side_.isDraining();
}

// ---- The client's side

void RoutePassage::take(std::string& input, bool ended) {
  if (socket_) return socket_->take(input, ended);
  if (!exchange_) return;
  // What comes before the instance took the WebSocket up is left where it is.
  if (!is_web_socket_) takeBody(input, ended);
}

void RoutePassage::takeBody(std::string& input, bool ended) {
  std::size_t taken = 0;
  bool waits = false;
  while (!body_.isDone()) {
    const auto room = static_cast<std::size_t>(std::max<std::int64_t>(window_, 0));
    const BodyReader::Step step = body_.read(std::string_view(input).substr(taken), room);
    if (step.state == BodyReader::State::Failed) {
      return refuse(body_.refusal().status, body_.refusal().detail, 0);
    }
    taken += step.taken;
    waits = step.state == BodyReader::State::NeedMore;
    if (step.state != BodyReader::State::Piece) break;
    window_ -= static_cast<std::int64_t>(step.piece.size());
    body_bytes_ += step.piece.size();
    exchange_->sendBody(step.piece);
  }
  input.erase(0, taken);
  waitForBody(!body_.isDone() && waits && window_ > 0, taken);
  if (taken > 0) request_.expects_continue = false;
  if (body_.isDone() && !std::exchange(body_ended_, true)) return exchange_->endBody();
  if (!body_.isDone() && waits && ended) side_.cut();
}

// The client is waited for while the instance waits, and only then.
void RoutePassage::waitForBody(bool waits, std::size_t came) {
  if (timer_ != TimerId::None) {
    if (waits && came == 0) return;
    timers_.cancel(std::exchange(timer_, TimerId::None));
    patience_.spend(timers_.now() - waits_since_, came);
  }
  if (!waits) return;
  waits_since_ = timers_.now();
  timer_ = timers_.after(patience_.left(), [this] {
    timer_ = TimerId::None;
    refuse(408, "the body comes too slowly", 0);
  });
}

void RoutePassage::onSent(std::size_t bytes) {
  if (socket_) return socket_->onSent(bytes);
  const std::size_t freed = side_.unsentBytes() == 0 ? unsent_ : std::min(unsent_, bytes);
  unsent_ -= freed;
  if (exchange_ && freed > 0) exchange_->consumed(freed);
}

void RoutePassage::drain() {
  if (socket_) socket_->endBoth(1001, "the host stops");
}

// ---- The instance's side

void RoutePassage::onWindow(std::size_t bytes) {
  if (socket_) return socket_->addWindow(bytes);
  window_ += static_cast<std::int64_t>(bytes);
  side_.resume();
  if (!exchange_ || head_ || body_.isDone() || window_ <= 0) return;
  if (!std::exchange(request_.expects_continue, false)) return;
  side_.write("HTTP/1.1 100 Continue\r\n\r\n");
  side_.flush();
}

void RoutePassage::beginWebSocket(const std::vector<services::HttpField>& fields) {
  if (!is_web_socket_) return failed("the plugin took up a WebSocket that nobody asked for");
  auto bytes = writeUpgrade(request_, fields, httpDate(wallNowUs() / 1'000'000));
  if (!bytes) return failed(bytes.error().message);
  head_ = AnswerHead{};
  status_ = 101;
  socket_ = std::make_unique<WebSocketSession>(std::move(exchange_), window_, side_, timers_);
  side_.write(*bytes);
  side_.flush();
  side_.resume();
}

void RoutePassage::onHead(int status, std::vector<services::HttpField> fields, std::int64_t content_length) {
  if (!exchange_) return;
  if (head_) return failed("the plugin answered twice");
  if (status == 101) return beginWebSocket(fields);
  keep_alive_ = keepsAlive();
  auto head = writeAnswerHead(request_, status, fields, content_length, keep_alive_, httpDate(wallNowUs() / 1'000'000));
  if (!head) return failed(head.error().message);
  head_ = std::move(*head);
  status_ = status;
  answer_left_ = content_length;
  side_.write(head_->bytes);
}

void RoutePassage::onBody(std::string_view bytes) {
  if (!exchange_ || bytes.empty()) return;
  if (!head_) return failed("the plugin answered with a body before its status");
  answer_bytes_ += bytes.size();
  if (head_->framing == Framing::None) return exchange_->consumed(bytes.size());
  if (head_->framing == Framing::Length) {
    answer_left_ -= static_cast<std::int64_t>(bytes.size());
    if (answer_left_ < 0) return failed("the answer is longer than its content-length");
    side_.write(bytes);
  } else {
    side_.write(fmt::format("{:x}\r\n", bytes.size()));
    side_.write(bytes);
    side_.write("\r\n");
  }
  unsent_ += bytes.size();
}

void RoutePassage::onEnd() {
  if (socket_) return socket_->end(1000, {});
  if (!exchange_) return;
  if (!head_) return failed("the plugin gave no answer");
  if (head_->framing == Framing::Length && answer_left_ > 0) return failed("the answer is shorter than it said");
  if (head_->framing == Framing::Chunks) side_.write("0\r\n\r\n");
  exchange_.reset();
  timers_.cancel(std::exchange(timer_, TimerId::None));
  over(status_, true);
  side_.finish(keep_alive_);
}

void RoutePassage::onFailed(const services::HttpFailure& failure) {
  if (RouteCounts::Counts& counts = counts_.of(instance_); failure.status != 404) {
    counts.failed_at_us = wallNowUs();
    counts.failed_status = failure.status;
    counts.failure = failure.detail;
  }
  if (socket_) return socket_->end(1011, failure.detail);
  if (exchange_) refuse(failure.status, failure.detail, failure.retry_after_s);
}

// What has begun cannot be taken back: the client sees that the answer is not whole.
void RoutePassage::refuse(int status, const std::string& detail, int retry_after_s) {
  exchange_.reset();
  timers_.cancel(std::exchange(timer_, TimerId::None));
  if (head_) {
    over(status_, false);
    return side_.cut();
  }
  Response response = problem(status, detail);
  response.retry_after = false;
  if (retry_after_s > 0) response.fields.emplace_back("Retry-After", std::to_string(retry_after_s));
  const bool keep = keepsAlive();
  over(status, true);
  side_.write(serialize(response, request_.is_head, keep));
  side_.finish(keep);
}

void RoutePassage::onMessage(services::HttpMessageKind kind, std::string_view message) {
  if (!socket_) return;
  answer_bytes_ += message.size();
  socket_->send(kind, message);
}

void RoutePassage::onClose(std::uint16_t code, std::string_view reason) {
  if (!socket_) return;
  over(status_, true);
  socket_->end(code, reason);
}

}  // namespace longhaul::host::http
