// What may stand in an answer, and how a WebSocket may be closed. The worker and the fake both hold a plugin to it. Any
// thread; pure.
#ifndef LONGHAUL_SDK_DETAIL_HTTP_RULES_HPP
#define LONGHAUL_SDK_DETAIL_HTTP_RULES_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "longhaul/http.h"
#include "longhaul/sdk/detail/json_object.hpp"
#include "longhaul/types.h"

namespace longhaul::detail {

// OK, or what the call returns and its sentence.
struct HttpFault {
  longhaul_status_t status = LONGHAUL_OK;
  std::string text;
};

inline std::string_view httpView(longhaul_text_t text) noexcept {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

inline char lowerAscii(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline bool sameIgnoringCase(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lowerAscii(a[i]) != lowerAscii(b[i])) return false;
  return true;
}

// RFC 9110's token: names of fields, methods, subprotocols.
inline bool isHttpToken(std::string_view text) noexcept {
  for (const char c : text) {
    const bool is_alphanumeric = (c >= '0' && c <= '9') || (lowerAscii(c) >= 'a' && lowerAscii(c) <= 'z');
    if (!is_alphanumeric && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}
inline bool isHttpFieldValue(std::string_view text) noexcept {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
  }
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  return text.empty() || (!is_blank(text.front()) && !is_blank(text.back()));
}
// Of one connection, or the host's own.
inline bool isHostsField(std::string_view name) noexcept {
  for (const std::string_view own :
       {"connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol"})
    if (sameIgnoringCase(name, own)) return true;
  return false;
}

inline bool statusHasBody(std::uint32_t status) noexcept {
  return status != 204 && status != 304;
}

inline HttpFault checkHttpHead(std::uint32_t status, const longhaul_http_field_t* fields, std::size_t field_count,
                               std::int64_t content_length) {
  if (status < 200 || status > 599)
    return {LONGHAUL_INVALID, "respond: status " + std::to_string(status) + ", 200 to 599 is wanted"};
  if (content_length < -1)
    return {LONGHAUL_INVALID, "respond: a content_length of " + std::to_string(content_length) + ", or -1 if unknown"};
  if (field_count > 0 && fields == nullptr) return {LONGHAUL_INVALID, "respond: fields is NULL"};
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < field_count; ++i) {
    const std::string_view name = httpView(fields[i].name), value = httpView(fields[i].value);
    bytes += name.size() + value.size() + 4;
    if (bytes > LONGHAUL_HTTP_HEADER_BYTES_MAX)
      return {LONGHAUL_TOO_LARGE,
              "respond: fields of more than " + std::to_string(LONGHAUL_HTTP_HEADER_BYTES_MAX) + " bytes"};
    if (!isHttpToken(name)) return {LONGHAUL_INVALID, "respond: field " + std::to_string(i + 1) + " has no name"};
    if (isHostsField(name)) return {LONGHAUL_INVALID, "respond: the host sets the field " + std::string(name)};
    if (!isHttpFieldValue(value))
      return {LONGHAUL_INVALID,
              "respond: the value of the field " + std::string(name) + " holds control bytes or blanks around it"};
  }
  return {};
}

// `offered`: the client's field sec-websocket-protocol.
inline HttpFault checkSubprotocol(std::string_view subprotocol, std::string_view offered) {
  if (subprotocol.empty()) return {};
  while (!offered.empty()) {
    const std::size_t comma = offered.find(',');
    std::string_view one = offered.substr(0, comma);
    offered = comma == std::string_view::npos ? std::string_view() : offered.substr(comma + 1);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t'))
      one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t'))
      one.remove_suffix(1);
    if (one == subprotocol && isHttpToken(one)) return {};
  }
  return {LONGHAUL_INVALID,
          "acceptWebSocket: the client does not offer the subprotocol \"" + std::string(subprotocol) + "\""};
}

inline bool isUtf8Text(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8Size(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

inline HttpFault checkMessage(std::int32_t kind, std::string_view message) {
  if (kind != LONGHAUL_HTTP_TEXT && kind != LONGHAUL_HTTP_BINARY)
    return {LONGHAUL_INVALID, "send: kind " + std::to_string(kind) + " is neither text nor binary"};
  if (message.size() > LONGHAUL_HTTP_MESSAGE_BYTES_MAX)
    return {LONGHAUL_TOO_LARGE, "send: a message of " + std::to_string(message.size()) + " bytes, at most " +
                                    std::to_string(LONGHAUL_HTTP_MESSAGE_BYTES_MAX) + " are taken"};
  if (kind == LONGHAUL_HTTP_TEXT && !isUtf8Text(message)) return {LONGHAUL_INVALID, "send: a text that is not UTF-8"};
  return {};
}

inline HttpFault checkClose(std::uint32_t code, std::string_view reason) {
  const bool is_code =
      (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
  if (!is_code) return {LONGHAUL_INVALID, "close: code " + std::to_string(code) + " is none that may be sent"};
  if (reason.size() > 123 || !isUtf8Text(reason))
    return {LONGHAUL_INVALID, "close: a reason is UTF-8 of at most 123 bytes"};
  return {};
}

}  // namespace longhaul::detail

#endif
