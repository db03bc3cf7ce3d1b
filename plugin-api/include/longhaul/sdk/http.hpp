// A plugin that answers HTTP requests and WebSockets, on longhaul/http.h: derive from HttpHandler beside Plugin or
// CommandPlugin, and name "longhaul.http/1" in the manifest's capabilities.
//
//   class Door : public longhaul::Plugin, public longhaul::HttpHandler {
//    public:
//     using Plugin::Plugin;
//     void handle(longhaul::HttpRequest& request, longhaul::HttpResponse& response) override {
//       if (request.method() != "POST") throw longhaul::HttpError(405, "POST only");
//       response.send(200, request.body(), "application/json");
//     }
//     void longRunningExecution() override { stopToken().wait(); }
//   };
//
// handle() runs on threads of the worker's own, beside the loop and at most 64 at once. What it throws before the
// answer began is the answer: HttpError its own, anything else 500, with the text in the instance's log; afterwards the
// connection is cut.
#ifndef LONGHAUL_SDK_HTTP_HPP
#define LONGHAUL_SDK_HTTP_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhaul/http.h"
#include "longhaul/sdk/detail/guard.hpp"
#include "longhaul/sdk/detail/http_rules.hpp"
#include "longhaul/sdk/outcome.hpp"
#include "longhaul/sdk/plugin.hpp"
#include "longhaul/sdk/values.hpp"

namespace longhaul {

struct HttpField {
  std::string name;
  std::string value;
};

// Thrown by a handler: the client gets this status and the text.
class HttpError : public std::runtime_error {
 public:
  HttpError(int status, const std::string& text, std::vector<HttpField> more = {})
      : std::runtime_error(text), status_(status), fields_(std::move(more)) {}
  int status() const noexcept { return status_; }
  const std::vector<HttpField>& fields() const noexcept { return fields_; }

 private:
  int status_;
  std::vector<HttpField> fields_;
};

// Percent-decoded, "+" as a blank where `form`; what is no escape stays as it is.
inline std::string percentDecoded(std::string_view text, bool form = false) {
  const auto digit = [](char c) {
    const char lower = detail::lowerAscii(c);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(form && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

// The pairs of application/x-www-form-urlencoded, in their order: a query's or a body's.
inline std::vector<std::pair<std::string, std::string>> formValues(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    out.emplace_back(percentDecoded(pair.substr(0, equals), true),
                     equals == std::string_view::npos ? std::string() : percentDecoded(pair.substr(equals + 1), true));
  }
  return out;
}

namespace detail {

// One request's two tables, and the server's for the text of a failure.
struct HttpSides {
  const longhaul_http_request_t& request;
  const longhaul_http_exchange_t& exchange;
  Server server;

  [[noreturn]] void fail(longhaul_status_t status, const char* call) const {
    throw Error(static_cast<Status>(status), call, server.lastError());
  }
  void check(longhaul_status_t status, const char* call) const {
    if (status < 0) fail(status, call);
  }
};

}  // namespace detail

// What was asked. Valid during handle(); views likewise. Any thread.
class HttpRequest {
 public:
  explicit HttpRequest(const detail::HttpSides& sides) noexcept : sides_(sides) {}

  std::string_view method() const noexcept { return detail::viewOf(raw().method); }
  // What follows /instance/execute/NAME: "/…", still percent-encoded.
  std::string_view path() const noexcept { return detail::viewOf(raw().path); }
  // Without "?"; empty also where there was none.
  std::string_view query() const noexcept { return detail::viewOf(raw().query); }
  std::string_view requestUri() const noexcept { return detail::viewOf(raw().request_uri); }
  std::string_view scheme() const noexcept { return detail::viewOf(raw().scheme); }
  std::string_view host() const noexcept { return detail::viewOf(raw().host); }
  std::string_view clientAddress() const noexcept { return detail::viewOf(raw().client_address); }
  // Who was let in; empty: nobody was asked for.
  std::string_view user() const noexcept { return detail::viewOf(raw().user); }
  std::int64_t contentLength() const noexcept { return raw().content_length; }  // -1: unknown
  bool isWebSocket() const noexcept { return raw().is_web_socket != 0; }

  // The first field of this name, in any case.
  std::optional<std::string_view> field(std::string_view name) const noexcept {
    for (std::uint32_t i = 0; i < raw().field_count; ++i)
      if (detail::sameIgnoringCase(detail::viewOf(raw().fields[i].name), name))
        return detail::viewOf(raw().fields[i].value);
    return std::nullopt;
  }
  std::vector<HttpField> fields() const {
    std::vector<HttpField> out;
    for (std::uint32_t i = 0; i < raw().field_count; ++i)
      out.push_back(
          {std::string(detail::viewOf(raw().fields[i].name)), std::string(detail::viewOf(raw().fields[i].value))});
    return out;
  }
  // A value of the query, decoded.
  std::optional<std::string> parameter(std::string_view name) const {
    for (auto& [key, value] : formValues(query()))
      if (key == name) return std::move(value);
    return std::nullopt;
  }

  // The next bytes of the body, at most `size`; 0: its end. Waits for the client. Throws Error.
  std::size_t read(void* buffer, std::size_t size) const {
    const std::int64_t count = sides_.exchange.read(sides_.exchange.self, buffer, size);
    if (count < 0) sides_.fail(static_cast<longhaul_status_t>(count), "read");
    return static_cast<std::size_t>(count);
  }
  // The whole body, or what is left of it. A larger one: HttpError 413.
  std::string body(std::size_t bytes_max = 1U << 20) const {
    if (contentLength() > 0 && static_cast<std::uint64_t>(contentLength()) > bytes_max) refuse(bytes_max);
    std::string out;
    char buffer[16U << 10];
    while (const std::size_t count = read(buffer, sizeof buffer)) {
      if (out.size() + count > bytes_max) refuse(bytes_max);
      out.append(buffer, count);
    }
    return out;
  }

 private:
  const longhaul_http_request_t& raw() const noexcept { return sides_.request; }
  [[noreturn]] static void refuse(std::size_t bytes_max) {
    throw HttpError(413, "the body has more than " + std::to_string(bytes_max) + " bytes");
  }

  const detail::HttpSides& sides_;
};

struct WebSocketMessage {
  bool is_text = true;
  std::string bytes;
};

// A WebSocket that was taken up. Valid during handle(). Any thread; a thread may send while another waits in receive.
class WebSocket {
 public:
  enum class Received { kMessage, kTimeout, kClosed };

  explicit WebSocket(const detail::HttpSides& sides) noexcept : sides_(&sides) {}

  // Nothing: the other side closed.
  std::optional<WebSocketMessage> receive() const {
    WebSocketMessage message;
    return wait(-1, message) == Received::kMessage ? std::optional(std::move(message)) : std::nullopt;
  }
  Received receive(WebSocketMessage& message, std::chrono::milliseconds timeout) const {
    return wait(timeout.count() < 0 ? 0 : timeout.count(), message);
  }
  void send(std::string_view text) const { say(LONGHAUL_HTTP_TEXT, text); }
  void sendBinary(std::string_view bytes) const { say(LONGHAUL_HTTP_BINARY, bytes); }
  void close(std::uint32_t code = 1000, std::string_view reason = "") const {
    sides_->check(sides_->exchange.close(sides_->exchange.self, code, detail::textOf(reason)), "close");
  }

 private:
  Received wait(std::int64_t timeout_ms, WebSocketMessage& message) const {
    std::int32_t kind = 0;
    longhaul_sink_t sink{
        [](void* self, longhaul_text_t text) { *static_cast<std::string*>(self) = detail::viewOf(text); },
        &message.bytes};
    const longhaul_status_t status = sides_->exchange.receive(sides_->exchange.self, timeout_ms, &kind, &sink);
    if (status == LONGHAUL_TIMEOUT) return Received::kTimeout;
    if (status == LONGHAUL_CLOSED) return Received::kClosed;
    sides_->check(status, "receive");
    message.is_text = kind == LONGHAUL_HTTP_TEXT;
    return Received::kMessage;
  }
  void say(std::int32_t kind, std::string_view message) const {
    sides_->check(sides_->exchange.send(sides_->exchange.self, kind, detail::textOf(message)), "send");
  }

  const detail::HttpSides* sides_;
};

// The answer. Valid during handle(). Each throws Error; CLOSED: the client is gone, let it out of the handler.
class HttpResponse {
 public:
  explicit HttpResponse(const detail::HttpSides& sides) noexcept : sides_(sides) {}

  // The whole answer.
  void send(int status, std::string_view body, std::string_view content_type = "text/plain; charset=utf-8",
            const std::vector<HttpField>& more = {}) {
    std::vector<HttpField> fields = more;
    if (!content_type.empty() && !body.empty()) fields.push_back({"content-type", std::string(content_type)});
    begin(status, fields, static_cast<std::int64_t>(body.size()));
    if (!body.empty()) write(body);
  }

  // Begins an answer that is written piece by piece. content_length -1: unknown.
  void begin(int status, const std::vector<HttpField>& fields = {}, std::int64_t content_length = -1) {
    std::vector<longhaul_http_field_t> raw;
    raw.reserve(fields.size());
    for (const HttpField& field : fields)
      raw.push_back({detail::textOf(field.name), detail::textOf(field.value)});
    sides_.check(sides_.exchange.respond(sides_.exchange.self, status < 0 ? 0U : static_cast<std::uint32_t>(status),
                                         raw.data(), raw.size(), content_length),
                 "respond");
    has_begun_ = true;
  }
  void write(std::string_view bytes) const {
    sides_.check(sides_.exchange.write(sides_.exchange.self, bytes.data(), bytes.size()), "write");
  }

  WebSocket acceptWebSocket(std::string_view subprotocol = {}) {
    sides_.check(sides_.exchange.acceptWebSocket(sides_.exchange.self, detail::textOf(subprotocol)), "acceptWebSocket");
    has_begun_ = true;
    return WebSocket(sides_);
  }
  bool hasBegun() const noexcept { return has_begun_; }

 private:
  const detail::HttpSides& sides_;
  bool has_begun_ = false;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual void handle(HttpRequest& request, HttpResponse& response) = 0;
};

namespace detail {

// The table of one plugin class that derives from HttpHandler.
template <class Derived>
struct HttpGlue {
  static const longhaul_http_t* table() noexcept {
    static constexpr longhaul_http_t kTable = {sizeof(longhaul_http_t), 0, &handle};
    return &kTable;
  }

 private:
  static longhaul_status_t handle(longhaul_plugin_t* raw, const longhaul_http_request_t* request,
                                  const longhaul_http_exchange_t* exchange) {
    auto& plugin = *static_cast<Derived*>(reinterpret_cast<Plugin*>(raw));
    const HttpSides sides{*request, *exchange, static_cast<Plugin&>(plugin).server_};
    longhaul_sink_t log{&logged, const_cast<Server*>(&sides.server)};
    bool client_gone = false;
    const longhaul_status_t status = guardInto(&log, "handle", [&] {
      HttpRequest asked(sides);
      HttpResponse response(sides);
      try {
        static_cast<HttpHandler&>(plugin).handle(asked, response);
      } catch (const HttpError& refusal) {
        if (response.hasBegun()) throw;
        response.send(refusal.status(), std::string(refusal.what()) + "\n", "text/plain; charset=utf-8",
                      refusal.fields());
      } catch (const Error& error) {
        if (error.status() != Status::kClosed) throw;
        client_gone = true;  // no fault of the plugin
      }
    });
    return client_gone ? static_cast<longhaul_status_t>(Status::kClosed) : status;
  }
  static void logged(void* self, longhaul_text_t text) noexcept {
    const auto& server = *static_cast<const Server*>(self);
    try {
      server.error("handle threw: " + std::string(viewOf(text)));
    } catch (...) {
      server.error(viewOf(text));
    }
  }
};

template <class Derived>
const void* httpOf() noexcept {
  if constexpr (std::is_base_of_v<HttpHandler, Derived>) return HttpGlue<Derived>::table();
  return nullptr;
}

}  // namespace detail
}  // namespace longhaul

#endif
