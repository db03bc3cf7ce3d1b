#include "host/http/route_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <ctime>

#include "host/http/route_limits.h"
#include "host/http/session_cookie.h"

namespace longhaul::host::http {
namespace {

using services::HttpField;

// The host's own: a plugin's are not taken over.
constexpr std::array<std::string_view, 14> kHosts{"connection",
                                                  "keep-alive",
                                                  "proxy-connection",
                                                  "te",
                                                  "trailer",
                                                  "transfer-encoding",
                                                  "upgrade",
                                                  "http2-settings",
                                                  "content-length",
                                                  "date",
                                                  "sec-websocket-accept",
                                                  "sec-websocket-extensions",
                                                  "service-worker-allowed",
                                                  "clear-site-data"};

bool isClean(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); });
}

// Empty where the status has no usual one.
std::string_view phraseOf(int status) {
  const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  if (known == boost::beast::http::status::unknown) return {};
  const auto phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

bool isSession(const HttpField& field) {
  return equalsIgnoringCase(field.name, "set-cookie") && setsSession(field.value);
}

// Appends all but the host's own and those that `is_left_out` says.
template <class LeftOut>
Result<void> append(std::string& bytes, const std::vector<HttpField>& fields, LeftOut is_left_out) {
  std::size_t size = 0;
  for (const HttpField& field : fields) {
    if (!isToken(field.name)) return Error{Code::Invalid, "the answer has a field whose name is not a word"};
    if (!isClean(field.value)) {
      return Error{Code::Invalid, fmt::format("the answer's field {} has a control character", field.name)};
    }
    size += field.name.size() + field.value.size();
    const bool is_hosts = std::any_of(kHosts.begin(), kHosts.end(), [&](std::string_view name) {
      return std::equal(field.name.begin(), field.name.end(), name.begin(), name.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
      });
    });
    if (is_hosts || is_left_out(field)) continue;
    bytes.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  if (size > kAnswerHeaderBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("the answer's fields have {} bytes, at most {} are taken", size, kAnswerHeaderBytesMax)};
  }
  return {};
}

}  // namespace

Result<AnswerHead> writeAnswerHead(const RouteRequest& request, int status, const std::vector<HttpField>& fields,
                                   std::int64_t content_length, bool keep_alive, std::string_view date) {
  if (status < 200 || status > 599) {
    return Error{Code::Invalid, fmt::format("the answer's status is {}, not one of 200 to 599", status)};
  }
  AnswerHead head;
  head.bytes = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, phraseOf(status), date);
  if (auto added = append(head.bytes, fields, isSession); !added) return std::move(added).error();
  // Whatever the plugin answers is of another origin than the dashboard, whose site it is on.
  head.bytes +=
      "Content-Security-Policy: sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts\r\n";

  const bool has_none = status == 204 || status == 304;
  if (status == 205) content_length = 0;
  if (has_none) {
    head.framing = Framing::None;
  } else if (content_length >= 0) {
    head.bytes += fmt::format("Content-Length: {}\r\n", content_length);
    head.framing = Framing::Length;
  } else {
    head.bytes += "Transfer-Encoding: chunked\r\n";
    head.framing = Framing::Chunks;
  }
  if (request.is_head) head.framing = Framing::None;
  if (!keep_alive) head.bytes += "Connection: close\r\n";
  head.bytes += "\r\n";
  return head;
}

Result<std::string> writeUpgrade(const RouteRequest& request, const std::vector<HttpField>& fields,
                                 std::string_view date) {
  std::string bytes = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nDate: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n",
      date, webSocketAccept(request.web_socket_key));
  int chosen_count = 0;
  const auto is_left_out = [&](const HttpField& field) {
    if (!equalsIgnoringCase(field.name, "sec-websocket-protocol")) return isSession(field);
    const auto& offered = request.web_socket_protocols;
    chosen_count += std::find(offered.begin(), offered.end(), field.value) == offered.end() ? 2 : 1;
    return isSession(field);
  };
  if (auto added = append(bytes, fields, is_left_out); !added) return std::move(added).error();
  if (chosen_count > 1) return Error{Code::Invalid, "the plugin chose a subprotocol that the client did not offer"};
  return bytes + "\r\n";
}

std::string httpDate(std::int64_t seconds) {
  constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace longhaul::host::http
