#include "host/worker/http_exchange.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "host/worker/kept_text.h"
#include "host/worker/last_error.h"
#include "longhaul/sdk/detail/http_rules.hpp"

namespace longhaul::host::worker {

using protocol::HttpKind;

namespace {

constexpr std::size_t kGiveBackBytes = kHttpWindowBytes / 4;  // so many at a time: few records, and never none left
constexpr std::uint32_t kSwitching = 101;
constexpr std::uint32_t kCloseNormal = 1000, kCloseGoingAway = 1001, kCloseFailure = 1011;

std::string_view viewOf(longhaul_text_t text) {
  return text.data == nullptr ? std::string_view{} : std::string_view{text.data, text.size};
}

longhaul_status_t failed(longhaul_status_t status, std::string_view text) {
  setLastError(text);
  return status;
}
longhaul_status_t failed(const longhaul::detail::HttpFault& fault) {
  return failed(fault.status, fault.text);
}
longhaul_status_t gone() {
  return failed(LONGHAUL_CLOSED, "the client is gone, or the host waits for it no longer");
}
longhaul_status_t invalid(std::string_view text) {
  return failed(LONGHAUL_INVALID, text);
}

}  // namespace

HttpExchange::HttpExchange(std::mutex& mutex, HttpOutbox& outbox, const protocol::HttpRecord& open,
                           const protocol::HttpOpen& head)
    : mutex_(mutex), outbox_(outbox), number_(open.request), head_bytes_(open.payload) {
  // The texts lie in the payload: the same places of the copy.
  const auto kept = [&](std::string_view text) {
    return longhaul_text_t{head_bytes_.data() + (text.data() - open.payload.data()), text.size()};
  };
  fields_.reserve(head.fields.size());
  for (const protocol::HttpFieldView& field : head.fields) {
    fields_.push_back({kept(field.name), kept(field.value)});
    if (field.name == "sec-websocket-protocol") offered_ = viewOf(fields_.back().value);
  }
  request_.struct_size = sizeof request_;
  request_.field_count = static_cast<std::uint32_t>(fields_.size());
  request_.fields = fields_.data();
  request_.method = kept(head.method);
  request_.path = kept(head.path);
  if (head.query) request_.query = kept(*head.query);
  request_.request_uri = kept(head.request_uri);
  request_.scheme = kept(head.scheme);
  request_.host = kept(head.host);
  request_.client_address = kept(head.client_address);
  if (head.user) request_.user = kept(*head.user);
  request_.content_length = head.content_length;
  request_.is_web_socket = head.is_web_socket;
  body_ended_ = (open.flags & protocol::kHttpNoBody) != 0;

  table_.struct_size = sizeof table_;
  table_.self = this;
  table_.read = [](void* self, void* buffer, std::size_t size) {
    return static_cast<HttpExchange*>(self)->read(buffer, size);
  };
  table_.respond = [](void* self, std::uint32_t status, const longhaul_http_field_t* fields, std::size_t count,
                      std::int64_t content_length) {
    return static_cast<HttpExchange*>(self)->respond(status, fields, count, content_length);
  };
  table_.write = [](void* self, const void* bytes, std::size_t size) {
    if (bytes == nullptr && size > 0) return invalid("write: bytes is NULL");
    return static_cast<HttpExchange*>(self)->write({static_cast<const char*>(bytes), size});
  };
  table_.acceptWebSocket = [](void* self, longhaul_text_t subprotocol) {
    return static_cast<HttpExchange*>(self)->accept(viewOf(subprotocol));
  };
  table_.receive = [](void* self, std::int64_t timeout_ms, std::int32_t* kind, longhaul_sink_t* message) {
    return static_cast<HttpExchange*>(self)->receive(timeout_ms, kind, message);
  };
  table_.send = [](void* self, std::int32_t kind, longhaul_text_t message) {
    return static_cast<HttpExchange*>(self)->send(kind, viewOf(message));
  };
  table_.close = [](void* self, std::uint32_t code, longhaul_text_t reason) {
    return static_cast<HttpExchange*>(self)->close(code, viewOf(reason));
  };
}

// ---------------------------------------------------------------- from the channel

bool HttpExchange::take(const protocol::HttpRecord& record) {
  changed_.notify_all();
  switch (record.kind) {
    case HttpKind::Body:
      taken_window_ -= static_cast<std::int64_t>(record.payload.size());
      if (body_ended_ || taken_window_ < 0 || request_.is_web_socket != 0) return false;
      if (body_read_ == body_.size()) {
        body_.clear();
        body_read_ = 0;
      }
      body_ += record.payload;
      return true;
    case HttpKind::BodyEnd:
      return !std::exchange(body_ended_, true);
    case HttpKind::Window: {
      const auto bytes = protocol::decodeHttpWindow(record.payload);
      if (bytes) window_ += *bytes;
      return bytes.has_value();
    }
    case HttpKind::Cancel:
      cancelled_ = true;
      return true;
    case HttpKind::Message: {
      if (status_ != kSwitching || peer_closed_) return status_ == kSwitching;
      auto added = parts_.add(record);
      if (std::holds_alternative<protocol::Violation>(added)) return false;
      if (const auto* whole = std::get_if<protocol::HttpMessageParts::Whole>(&added)) {
        if (taken_window_ <= 0) return false;
        taken_window_ -= static_cast<std::int64_t>(whole->message.size()) + protocol::kHttpMessageCost;
        messages_.push_back({whole->binary, std::string{whole->message}});
      }
      return true;
    }
    case HttpKind::Close:
      peer_closed_ = true;
      return true;
    default:
      return false;
  }
}

void HttpExchange::endsSoon() {
  ends_ = true;
  changed_.notify_all();
}

// ---------------------------------------------------------------- its thread

void HttpExchange::begin() {
  if (body_ended_ || request_.is_web_socket != 0) return;
  std::unique_lock lock{mutex_};
  taken_window_ = static_cast<std::int64_t>(kHttpWindowBytes);
  protocol::appendHttpWindow(held_, number_, static_cast<std::uint32_t>(kHttpWindowBytes));
  flush(lock);
}

bool HttpExchange::flush(std::unique_lock<std::mutex>& lock) {
  if (held_.empty()) return true;
  const std::uint64_t up_to = outbox_.append(held_);
  held_.clear();
  lock.unlock();
  const bool sent = outbox_.flush(up_to);
  lock.lock();
  return sent;
}

std::uint64_t HttpExchange::finish(longhaul_status_t status, std::string_view fault) {
  std::string_view failure = fault;
  if (cancelled_) {
    held_.clear();
  } else if (status_ == kSwitching) {
    if (!closed_) {
      // A worker that ends is no failure of the handler that it interrupts.
      const std::uint32_t code = ends_ && !peer_closed_                    ? kCloseGoingAway
                                 : status < 0 && status != LONGHAUL_CLOSED ? kCloseFailure
                                                                           : kCloseNormal;
      protocol::appendHttpClose(held_, number_, static_cast<std::uint16_t>(code), {});
    }
    failure = {};
  } else if (status_ == 0) {
    putHead(status < 0 ? 500 : 204, {}, 0);
    failure = {};
  } else if (failure.empty() && status < 0) {
    failure = "the plugin failed in the middle of its answer";
  } else if (failure.empty() && hasBody() && content_length_ >= 0 &&
             written_ < static_cast<std::uint64_t>(content_length_)) {
    failure = "the plugin's answer has fewer bytes than it said";
  }
  if (failure.empty()) {
    protocol::appendHttpRecord(held_, {HttpKind::End, 0, number_, {}});
  } else {
    protocol::appendHttpRecord(held_, {HttpKind::Failed, 0, number_, failure.substr(0, kErrorTextBytesMax)});
  }
  return outbox_.append(held_);
}

bool HttpExchange::hasBody() const {
  return viewOf(request_.method) != "HEAD" && longhaul::detail::statusHasBody(status_);
}

void HttpExchange::putHead(std::uint32_t status, const std::vector<protocol::HttpFieldView>& fields,
                           std::int64_t content_length) {
  status_ = status;
  content_length_ = content_length;
  std::string payload;
  protocol::encode(protocol::HttpHead{status, content_length, fields}, payload);
  protocol::appendHttpRecord(held_, {HttpKind::Head, 0, number_, payload});
}

void HttpExchange::giveBack(std::size_t bytes) {
  to_give_back_ += bytes;
  if (to_give_back_ < kGiveBackBytes) return;
  taken_window_ += static_cast<std::int64_t>(to_give_back_);
  protocol::appendHttpWindow(held_, number_, static_cast<std::uint32_t>(to_give_back_));
  to_give_back_ = 0;
}

std::int64_t HttpExchange::read(void* buffer, std::size_t size) {
  if (buffer == nullptr || size == 0) return invalid("read: there is no room to read into");
  std::unique_lock lock{mutex_};
  if (status_ == kSwitching) return invalid("read: it is a WebSocket: receive");
  if (!flush(lock)) return gone();
  changed_.wait(lock, [&] { return cancelled_ || body_ended_ || body_read_ < body_.size(); });
  if (cancelled_) return gone();
  const std::size_t count = std::min(size, body_.size() - body_read_);
  std::memcpy(buffer, body_.data() + body_read_, count);
  body_read_ += count;
  if (body_read_ == body_.size() && body_.capacity() > kHttpWindowBytes / 2) {
    body_ = std::string{};  // of a large one: most requests need less
    body_read_ = 0;
  }
  if (count > 0 && !body_ended_) giveBack(count);
  return flush(lock) ? static_cast<std::int64_t>(count) : gone();
}

longhaul_status_t HttpExchange::respond(std::uint32_t status, const longhaul_http_field_t* fields,
                                        std::size_t field_count, std::int64_t content_length) {
  if (const auto fault = longhaul::detail::checkHttpHead(status, fields, field_count, content_length); fault.status < 0)
    return failed(fault);
  std::vector<protocol::HttpFieldView> views;
  std::vector<std::string> names;  // in lower case
  names.reserve(field_count);
  views.reserve(field_count);
  for (std::size_t i = 0; i < field_count; ++i) {
    std::string& name = names.emplace_back(viewOf(fields[i].name));
    std::transform(name.begin(), name.end(), name.begin(), longhaul::detail::lowerAscii);
    views.push_back({name, viewOf(fields[i].value)});
  }
  std::unique_lock lock{mutex_};
  if (status_ != 0) return invalid("respond: it was answered with " + std::to_string(status_) + " already");
  if (cancelled_) return gone();
  putHead(status, views, content_length);
  // Of a known length: it leaves with the first bytes, or with the end.
  return content_length >= 0 || flush(lock) ? LONGHAUL_OK : gone();
}

longhaul_status_t HttpExchange::write(std::string_view bytes) {
  std::unique_lock lock{mutex_};
  if (status_ == 0) return invalid("write: respond comes first");
  if (status_ == kSwitching) return invalid("write: it is a WebSocket: send");
  if (!bytes.empty() && !longhaul::detail::statusHasBody(status_))
    return invalid("write: an answer with status " + std::to_string(status_) + " has no body");
  if (content_length_ >= 0 && written_ + bytes.size() > static_cast<std::uint64_t>(content_length_)) {
    return invalid("write: " + std::to_string(written_ + bytes.size()) + " bytes, its content_length said " +
                   std::to_string(content_length_));
  }
  if (cancelled_) return gone();
  written_ += bytes.size();
  if (!hasBody()) return LONGHAUL_OK;
  while (!bytes.empty()) {
    if (window_ <= 0 && !flush(lock)) return gone();
    changed_.wait(lock, [&] { return cancelled_ || window_ > 0; });
    if (cancelled_) return gone();
    const std::size_t count = std::min(bytes.size(), static_cast<std::size_t>(window_));
    window_ -= static_cast<std::int64_t>(count);
    protocol::appendHttpBody(held_, number_, bytes.substr(0, count));
    bytes.remove_prefix(count);
    if (held_.size() >= kPacketBytesMax && !flush(lock)) return gone();
  }
  return flush(lock) ? LONGHAUL_OK : gone();
}

longhaul_status_t HttpExchange::accept(std::string_view subprotocol) {
  std::unique_lock lock{mutex_};
  if (request_.is_web_socket == 0) return invalid("acceptWebSocket: the client asks for none");
  if (status_ != 0) return invalid("acceptWebSocket: it was answered with " + std::to_string(status_) + " already");
  if (const auto fault = longhaul::detail::checkSubprotocol(subprotocol, offered_); fault.status < 0)
    return failed(fault);
  if (cancelled_) return gone();
  std::vector<protocol::HttpFieldView> fields;
  if (!subprotocol.empty()) fields.push_back({"sec-websocket-protocol", subprotocol});
  putHead(kSwitching, fields, -1);
  taken_window_ = static_cast<std::int64_t>(kHttpWindowBytes);
  protocol::appendHttpWindow(held_, number_, static_cast<std::uint32_t>(kHttpWindowBytes));
  return flush(lock) ? LONGHAUL_OK : gone();
}

longhaul_status_t HttpExchange::receive(std::int64_t timeout_ms, std::int32_t* kind, longhaul_sink_t* sink) {
  std::unique_lock lock{mutex_};
  if (status_ != kSwitching) return invalid("receive: no WebSocket was taken up");
  const auto is_over = [&] { return cancelled_ || closed_ || ends_; };
  const auto has_news = [&] { return is_over() || peer_closed_ || !messages_.empty(); };
  if (timeout_ms < 0) {
    changed_.wait(lock, has_news);
  } else if (!changed_.wait_for(lock, std::chrono::milliseconds{std::min<std::int64_t>(timeout_ms, 86'400'000)},
                                has_news)) {
    return failed(LONGHAUL_TIMEOUT, "receive: no message came in time");
  }
  if (is_over() || messages_.empty()) return failed(LONGHAUL_CLOSED, "the WebSocket is closed");
  const Message message = std::move(messages_.front());
  messages_.pop_front();
  giveBack(message.bytes.size() + static_cast<std::size_t>(protocol::kHttpMessageCost));
  const bool sent = flush(lock);
  lock.unlock();
  if (!sent) return gone();
  if (kind != nullptr) *kind = message.binary ? LONGHAUL_HTTP_BINARY : LONGHAUL_HTTP_TEXT;
  if (sink != nullptr) sink->put(sink->self, textOf(message.bytes));
  return LONGHAUL_OK;
}

longhaul_status_t HttpExchange::send(std::int32_t kind, std::string_view message) {
  if (const auto fault = longhaul::detail::checkMessage(kind, message); fault.status < 0) return failed(fault);
  std::unique_lock lock{mutex_};
  if (status_ != kSwitching) return invalid("send: no WebSocket was taken up");
  const auto is_over = [&] { return cancelled_ || closed_ || peer_closed_; };
  changed_.wait(lock, [&] { return is_over() || window_ > 0; });
  if (is_over()) return failed(LONGHAUL_CLOSED, "the WebSocket is closed");
  window_ -= static_cast<std::int64_t>(message.size()) + protocol::kHttpMessageCost;
  protocol::appendHttpMessage(held_, number_, kind == LONGHAUL_HTTP_BINARY, message);
  return flush(lock) ? LONGHAUL_OK : gone();
}

longhaul_status_t HttpExchange::close(std::uint32_t code, std::string_view reason) {
  if (const auto fault = longhaul::detail::checkClose(code, reason); fault.status < 0) return failed(fault);
  std::unique_lock lock{mutex_};
  if (status_ != kSwitching) return invalid("close: no WebSocket was taken up");
  if (cancelled_ || std::exchange(closed_, true)) return failed(LONGHAUL_CLOSED, "the WebSocket is closed");
  protocol::appendHttpClose(held_, number_, static_cast<std::uint16_t>(code), reason);
  changed_.notify_all();
  return flush(lock) ? LONGHAUL_OK : gone();
}

}  // namespace longhaul::host::worker
