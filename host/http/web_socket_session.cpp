#include "host/http/web_socket_session.h"

#include <algorithm>
#include <utility>

namespace longhaul::host::http {

using services::kHttpMessageCost;

WebSocketSession::WebSocketSession(std::unique_ptr<services::HttpExchange> exchange, std::int64_t window,
                                   PassageSide& side, TimerQueue& timers)
    : exchange_(std::move(exchange)),
      window_(window),
      side_(side),
      timers_(timers),
      reader_(WebSocketReader::From::Client, kMessageBytesMaxHttp) {
  armPing();
}

WebSocketSession::~WebSocketSession() {
  timers_.cancel(timer_);
}

void WebSocketSession::armPing() {
  timers_.cancel(timer_);
  timer_ = timers_.after(kWebSocketPing, [this] {
    timer_ = TimerId::None;
    onQuiet();
  });
}

// One that is not read from at present cannot be asked.
void WebSocketSession::onQuiet() {
  if (!exchange_) return;
  if (pinged_ && mayRead()) return side_.cut();
  if (mayRead()) {
    pinged_ = true;
    side_.write(pingFrame({}));
  }
  armPing();
}

bool WebSocketSession::mayRead() const {
  return exchange_ && window_ > 0 && side_.unsentBytes() <= kWebSocketUnsentMax;
}

void WebSocketSession::take(std::string& input, bool ended) {
  if (!input.empty() && std::exchange(pinged_, false)) armPing();
  std::size_t taken = 0;
  while (mayRead()) {
    WebSocketReader::Step step = reader_.read(std::string_view(input).substr(taken));
    taken += step.taken;
    if (step.kind == WebSocketReader::Kind::NeedMore) break;
    handle(step);
  }
  const bool wants_more = mayRead();
  if (exchange_) input.erase(0, taken);
  if (ended && wants_more) side_.cut();
}

void WebSocketSession::handle(WebSocketReader::Step& step) {
  switch (step.kind) {
    case WebSocketReader::Kind::Message:
      window_ -= static_cast<std::int64_t>(step.text.size() + kHttpMessageCost);
      received_bytes_ += step.text.size();
      return exchange_->sendMessage(step.message_kind, step.text);
    case WebSocketReader::Kind::Ping:
      return side_.write(pongFrame(step.text));
    case WebSocketReader::Kind::Close:
      return endBoth(step.code, step.text);
    case WebSocketReader::Kind::Failed:
      return endBoth(reader_.fault().code, reader_.fault().reason);
    case WebSocketReader::Kind::Pong:
    case WebSocketReader::Kind::NeedMore:
      return;
  }
}

void WebSocketSession::onSent(std::size_t bytes) {
  const std::size_t freed = side_.unsentBytes() == 0 ? unsent_cost_ : std::min(unsent_cost_, bytes);
  unsent_cost_ -= freed;
  if (exchange_ && freed > 0) exchange_->consumed(freed);
  // What was held back until the client reads.
  if (exchange_ && side_.unsentBytes() == 0) side_.resume();
}

void WebSocketSession::addWindow(std::size_t bytes) {
  window_ += static_cast<std::int64_t>(bytes);
  side_.resume();
}

void WebSocketSession::send(services::HttpMessageKind kind, std::string_view message) {
  if (!exchange_) return;
  unsent_cost_ += message.size() + kHttpMessageCost;
  side_.write(messageFrame(kind, message));
}

void WebSocketSession::endBoth(std::uint16_t code, std::string_view reason) {
  if (exchange_) exchange_->close(code, reason);
  end(code, reason);
}

void WebSocketSession::end(std::uint16_t code, std::string_view reason) {
  if (!exchange_) return;
  timers_.cancel(std::exchange(timer_, TimerId::None));
  exchange_.reset();
  side_.write(closeFrame(code, reason));
  side_.finish(false);
}

}  // namespace longhaul::host::http
