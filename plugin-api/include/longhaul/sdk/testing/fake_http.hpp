// An HTTP client in place of the host: one request goes to the plugin's longhaul.http/1, and what it did comes back.
//
//   longhaul::testing::HttpCall call{"POST", "/hook?source=a"};
//   call.fields.push_back({"content-type", "application/json"});
//   call.body = R"({"a": 1})";
//   const auto answer = run.http(call);        // PluginRun; on the test's thread
//   CHECK(answer.status == 200);
#ifndef LONGHAUL_SDK_TESTING_FAKE_HTTP_HPP
#define LONGHAUL_SDK_TESTING_FAKE_HTTP_HPP

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhaul/http.h"
#include "longhaul/sdk/http.hpp"

namespace longhaul::testing {

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";  // path and query, behind /instance/execute/NAME
  std::vector<HttpField> fields{};
  std::string body{};
  std::string user{};
  std::string client_address = "192.0.2.1";
  bool chunked = false;                                                  // its length is not told
  std::size_t read_bytes_max = std::numeric_limits<std::size_t>::max();  // what one read gives
  std::size_t client_takes = std::numeric_limits<std::size_t>::max();    // of the answer's body; then it is gone
  bool is_web_socket = false;
  std::vector<WebSocketMessage> messages{};  // what the client sends; then it closes, or `reply` decides
  // What the client sends back for each message of the plugin.
  std::function<std::vector<WebSocketMessage>(const WebSocketMessage&)> reply{};
};

struct HttpAnswer {
  int status = 0;  // 101: a WebSocket was taken up; 0: the plugin could not be asked
  std::vector<HttpField> fields;
  std::int64_t content_length = -1;
  std::string body;
  bool is_whole = false;  // false: the client sees that something is missing
  std::vector<WebSocketMessage> messages;
  std::uint32_t close_code = 0;
  std::string subprotocol, close_reason;
  Status returned = Status::kInternal;  // what handle gave
  std::string error;                    // after a failure: the log's last line of level error

  std::optional<std::string> field(std::string_view name) const {
    for (const HttpField& each : fields)
      if (detail::sameIgnoringCase(each.name, name)) return each.value;
    return std::nullopt;
  }
};

// The host's rules for one exchange. Any thread.
class FakeExchange {
 public:
  explicit FakeExchange(HttpCall call) : call_(std::move(call)) {
    for (const WebSocketMessage& message : call_.messages)
      incoming_.push_back(message);
  }

  HttpAnswer run(const longhaul_http_t& table, longhaul_plugin_t* plugin) {
    std::vector<longhaul_http_field_t> fields;
    for (const HttpField& field : call_.fields)
      fields.push_back({detail::textOf(field.name), detail::textOf(field.value)});
    const std::size_t mark = call_.target.find('?');
    const std::string_view target = call_.target;
    const std::string uri = "/instance/execute/fake" + call_.target;
    longhaul_http_request_t request{};
    request.struct_size = sizeof request;
    request.field_count = static_cast<std::uint32_t>(fields.size());
    request.fields = fields.data();
    request.method = detail::textOf(call_.method);
    request.path = detail::textOf(target.substr(0, mark));
    if (mark != std::string_view::npos) request.query = detail::textOf(target.substr(mark + 1));
    request.request_uri = detail::textOf(uri);
    request.scheme = detail::textOf("http");
    request.host = detail::textOf("localhost");
    request.client_address = detail::textOf(call_.client_address);
    if (!call_.user.empty()) request.user = detail::textOf(call_.user);
    request.content_length = call_.chunked ? -1 : static_cast<std::int64_t>(call_.body.size());
    request.is_web_socket = call_.is_web_socket ? 1 : 0;
    longhaul_http_exchange_t exchange{};
    exchange.struct_size = sizeof exchange;
    exchange.self = this;
    exchange.read = [](void* self, void* buffer, std::size_t size) { return of(self).read(buffer, size); };
    exchange.respond = [](void* self, std::uint32_t status, const longhaul_http_field_t* given, std::size_t count,
                          std::int64_t length) { return of(self).respond(status, given, count, length); };
    exchange.write = [](void* self, const void* bytes, std::size_t size) {
      return of(self).write({static_cast<const char*>(bytes), size});
    };
    exchange.acceptWebSocket = [](void* self, longhaul_text_t subprotocol) {
      return of(self).accept(detail::viewOf(subprotocol));
    };
    exchange.receive = [](void* self, std::int64_t timeout_ms, std::int32_t* kind, longhaul_sink_t* message) {
      return of(self).receive(timeout_ms, kind, message);
    };
    exchange.send = [](void* self, std::int32_t kind, longhaul_text_t message) {
      return of(self).send(kind, detail::viewOf(message));
    };
    exchange.close = [](void* self, std::uint32_t code, longhaul_text_t reason) {
      return of(self).close(code, detail::viewOf(reason));
    };
    const longhaul_status_t status = table.handle(plugin, &request, &exchange);
    return finish(status);
  }

 private:
  static FakeExchange& of(void* self) { return *static_cast<FakeExchange*>(self); }

  HttpAnswer finish(longhaul_status_t status) {
    const std::lock_guard lock(mutex_);
    answer_.returned = static_cast<Status>(status);
    if (answer_.status == 0) {
      answer_.status = status < 0 ? 500 : 204;
      answer_.content_length = 0;
      answer_.is_whole = true;
    } else if (answer_.status == 101) {
      if (answer_.close_code == 0) answer_.close_code = status < 0 ? 1011 : 1000;
      answer_.is_whole = status >= 0;
    } else {
      const bool has_all = !hasBody() || answer_.content_length < 0 ||
                           answer_.body.size() == static_cast<std::size_t>(answer_.content_length);
      answer_.is_whole = status >= 0 && has_all && !gone_;
    }
    return std::move(answer_);
  }
  bool hasBody() const {
    return call_.method != "HEAD" && detail::statusHasBody(static_cast<std::uint32_t>(answer_.status));
  }

  std::int64_t read(void* buffer, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (gone_) return LONGHAUL_CLOSED;
    const std::size_t count = std::min({size, call_.read_bytes_max, call_.body.size() - read_});
    if (count > 0) std::memcpy(buffer, call_.body.data() + read_, count);
    read_ += count;
    return static_cast<std::int64_t>(count);
  }
  longhaul_status_t respond(std::uint32_t status, const longhaul_http_field_t* fields, std::size_t count,
                            std::int64_t length) {
    const std::lock_guard lock(mutex_);
    if (gone_) return LONGHAUL_CLOSED;
    if (answer_.status != 0) return LONGHAUL_INVALID;
    if (const auto fault = detail::checkHttpHead(status, fields, count, length); fault.status < 0) return fault.status;
    answer_.status = static_cast<int>(status);
    answer_.content_length = length;
    for (std::size_t i = 0; i < count; ++i)
      answer_.fields.push_back(
          {std::string(detail::viewOf(fields[i].name)), std::string(detail::viewOf(fields[i].value))});
    return LONGHAUL_OK;
  }
  longhaul_status_t write(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (gone_) return LONGHAUL_CLOSED;
    if (answer_.status == 0 || answer_.status == 101) return LONGHAUL_INVALID;
    if (!bytes.empty() && !detail::statusHasBody(static_cast<std::uint32_t>(answer_.status))) return LONGHAUL_INVALID;
    written_ += bytes.size();
    if (answer_.content_length >= 0 && written_ > static_cast<std::size_t>(answer_.content_length))
      return LONGHAUL_INVALID;
    if (!hasBody()) return LONGHAUL_OK;
    const std::size_t taken = std::min(bytes.size(), call_.client_takes - answer_.body.size());
    answer_.body.append(bytes.substr(0, taken));
    gone_ = taken < bytes.size();
    return gone_ ? LONGHAUL_CLOSED : LONGHAUL_OK;
  }
  longhaul_status_t accept(std::string_view subprotocol) {
    const std::lock_guard lock(mutex_);
    if (!call_.is_web_socket || answer_.status != 0) return LONGHAUL_INVALID;
    std::string_view offered;
    for (const HttpField& field : call_.fields)
      if (detail::sameIgnoringCase(field.name, "sec-websocket-protocol")) offered = field.value;
    if (const auto fault = detail::checkSubprotocol(subprotocol, offered); fault.status < 0) return fault.status;
    answer_.status = 101;
    answer_.subprotocol = subprotocol;
    return LONGHAUL_OK;
  }
  longhaul_status_t receive(std::int64_t timeout_ms, std::int32_t* kind, longhaul_sink_t* sink) {
    std::unique_lock lock(mutex_);
    if (answer_.status != 101) return LONGHAUL_INVALID;
    if (incoming_.empty() && call_.reply && answer_.close_code == 0 && timeout_ms >= 0) {
      changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return !incoming_.empty(); });
      if (incoming_.empty()) return LONGHAUL_TIMEOUT;
    }
    if (incoming_.empty()) return LONGHAUL_CLOSED;
    const WebSocketMessage message = std::move(incoming_.front());
    incoming_.pop_front();
    lock.unlock();
    if (kind != nullptr) *kind = message.is_text ? LONGHAUL_HTTP_TEXT : LONGHAUL_HTTP_BINARY;
    if (sink != nullptr) sink->put(sink->self, detail::textOf(message.bytes));
    return LONGHAUL_OK;
  }
  longhaul_status_t send(std::int32_t kind, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (answer_.status != 101) return LONGHAUL_INVALID;
    if (answer_.close_code != 0) return LONGHAUL_CLOSED;
    if (const auto fault = detail::checkMessage(kind, bytes); fault.status < 0) return fault.status;
    answer_.messages.push_back({kind == LONGHAUL_HTTP_TEXT, std::string(bytes)});
    if (call_.reply)
      for (WebSocketMessage& each : call_.reply(answer_.messages.back()))
        incoming_.push_back(std::move(each));
    changed_.notify_all();
    return LONGHAUL_OK;
  }
  longhaul_status_t close(std::uint32_t code, std::string_view reason) {
    const std::lock_guard lock(mutex_);
    if (answer_.status != 101) return LONGHAUL_INVALID;
    if (answer_.close_code != 0) return LONGHAUL_CLOSED;
    if (const auto fault = detail::checkClose(code, reason); fault.status < 0) return fault.status;
    answer_.close_code = code;
    answer_.close_reason = reason;
    return LONGHAUL_OK;
  }

  HttpCall call_;
  HttpAnswer answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<WebSocketMessage> incoming_;
  std::size_t read_ = 0;
  std::size_t written_ = 0;
  bool gone_ = false;
};

}  // namespace longhaul::testing

#endif
