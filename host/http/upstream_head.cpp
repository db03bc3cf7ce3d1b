#include "host/http/upstream_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "host/http/header_check.h"
#include "host/http/route_request.h"
#include "host/http/upstream_limits.h"

namespace longhaul::host::http {
namespace {

using services::HttpAsked;
using services::HttpField;

Error wrong(std::string_view what) {
  return Error{Code::Invalid, fmt::format("gave an answer that is none: {}", what)};
}

std::string lowered(std::string_view text) {
  std::string all(text);
  for (char& c : all) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return all;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// "HTTP/1.1 200 OK"; the phrase may be missing, as some servers have it.
Result<void> readStatusLine(std::string_view line, UpstreamAnswer& answer) {
  const std::string_view version = line.substr(0, 8);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return wrong("it does not begin with \"HTTP/1.1\"");
  if (version == "HTTP/1.0") answer.keep_alive = false;
  const std::string_view code = line.substr(std::min<std::size_t>(line.size(), 8), 4);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (code.size() != 4 || code[0] != ' ' || !std::all_of(code.begin() + 1, code.end(), is_digit) ||
      (line.size() > 12 && line[12] != ' ')) {
    return wrong("its first line has no status of three digits");
  }
  answer.status = (code[1] - '0') * 100 + (code[2] - '0') * 10 + (code[3] - '0');
  if (answer.status < 100 || answer.status > 599) return wrong(fmt::format("the status is {}", answer.status));
  return {};
}

// The fields that say where the answer ends, and those of the handshake.
struct Seen {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool upgrades = false;  // Upgrade: websocket
  bool connection_upgrade = false;
  std::optional<std::string> accept;
  bool accept_twice = false;
  bool extensions = false;
  std::vector<std::string> named{};  // by Connection
};

Result<void> readLength(std::string_view value, Seen& seen) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  const bool is_number = !value.empty() && value.front() >= '0' && value.front() <= '9' &&
                         end == value.data() + value.size() && error == std::errc{} && length <= INT64_MAX;
  if (!is_number || seen.length) return wrong("Content-Length is there twice or is not one decimal number");
  seen.length = length;
  return {};
}

Result<void> readField(std::string_view line, UpstreamAnswer& answer, Seen& seen) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !isToken(line.substr(0, colon))) {
    return wrong("a header field's name is not a word followed by a colon");
  }
  std::string name = lowered(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-length") return readLength(value, seen);
  if (name == "transfer-encoding") {
    if (seen.chunked || lowered(value) != "chunked") return wrong("its transfer coding is not \"chunked\", once");
    seen.chunked = true;
    return {};
  }
  if (name == "connection") {
    for (const std::string_view item : listItems(value)) {
      seen.named.push_back(lowered(item));
      if (seen.named.back() == "close") answer.keep_alive = false;
      if (seen.named.back() == "upgrade") seen.connection_upgrade = true;
    }
    return {};
  }
  if (name == "upgrade") {
    seen.upgrades = seen.upgrades || equalsIgnoringCase(value, "websocket");
    return {};
  }
  if (name == "sec-websocket-accept") {
    seen.accept_twice = seen.accept.has_value();
    seen.accept = value;
    return {};
  }
  if (name == "sec-websocket-extensions") {
    seen.extensions = true;
    return {};
  }
  answer.fields.push_back({std::move(name), std::string(value)});
  return {};
}

Result<void> checkHandshake(const HttpAsked& asked, std::string_view key, const Seen& seen) {
  if (!asked.is_web_socket) return wrong("it takes up a WebSocket that nobody asked for");
  if (!seen.upgrades || !seen.connection_upgrade) return wrong("101 without \"Upgrade: websocket\"");
  if (seen.accept_twice || seen.accept != webSocketAccept(key)) {
    return wrong("Sec-WebSocket-Accept is not the answer to this key");
  }
  if (seen.extensions) return wrong("it chose an extension of WebSocket that was not offered");
  return {};
}

bool isHopByHop(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames{"keep-alive", "proxy-connection", "proxy-authenticate",
                                                   "te",         "trailer",          "http2-settings"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

std::string writeUpstreamRequest(const HttpAsked& asked, std::string_view key) {
  std::string head = fmt::format("{} {}{}{} HTTP/1.1\r\nHost: {}\r\n", asked.method, asked.path, asked.query ? "?" : "",
                                 asked.query.value_or(""), asked.host);
  auto fields = asked.fields;
  dropField(fields, "x-forwarded-user");  // who was let in is said here, and not by the client
  for (const HttpField& field : fields)
    head.append(field.name).append(": ").append(field.value).append("\r\n");
  if (!asked.user.empty()) head.append("X-Forwarded-User: ").append(asked.user).append("\r\n");
  if (!key.empty()) {
    head.append("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    head.append(key).append("\r\n");
  } else if (asked.content_length < 0) {
    head.append("Transfer-Encoding: chunked\r\n");
  } else if (asked.content_length > 0 || asked.method == "POST" || asked.method == "PUT" || asked.method == "PATCH") {
    head.append(fmt::format("Content-Length: {}\r\n", asked.content_length));
  }
  return head.append("\r\n");
}

Result<UpstreamAnswer> readUpstreamAnswer(std::string_view bytes, const HttpAsked& asked, std::string_view key) {
  if (!hasCleanLines(bytes)) {
    return wrong("its header has a control character, or a line that does not end with CR LF");
  }
  UpstreamAnswer answer;
  Seen seen;
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = bytes.find("\r\n", at);
    const std::string_view line = bytes.substr(at, end - at);
    at = end + 2;
    if (line.empty()) break;
    if (++count > kUpstreamFieldsMax + 1) return wrong(fmt::format("it has more than {} fields", kUpstreamFieldsMax));
    if (count > 1 && (line.front() == ' ' || line.front() == '\t')) return wrong("a field is folded over two lines");
    auto read = count == 1 ? readStatusLine(line, answer) : readField(line, answer, seen);
    if (!read) return std::move(read).error();
  }
  if (count == 0) return wrong("it begins with an empty line");
  if (seen.chunked && (seen.length || !answer.keep_alive)) {
    // With "Connection: close" chunks are well said; of HTTP/1.0 they are not.
    if (seen.length) return wrong("Content-Length and Transfer-Encoding say two lengths");
    if (bytes.starts_with("HTTP/1.0")) return wrong("HTTP/1.0 has no chunks");
  }
  if (answer.status == 101) {
    if (auto good = checkHandshake(asked, key, seen); !good) return std::move(good).error();
  }
  std::erase_if(answer.fields, [&](const HttpField& field) {
    return isHopByHop(field.name) || std::find(seen.named.begin(), seen.named.end(), field.name) != seen.named.end();
  });
  if (seen.length) answer.content_length = static_cast<std::int64_t>(*seen.length);
  const bool has_none = answer.status < 200 || answer.status == 204 || answer.status == 304 || asked.method == "HEAD";
  if (has_none) {
    answer.body = UpstreamBody::None;
  } else if (seen.chunked) {
    answer.body = UpstreamBody::Chunks;
  } else if (seen.length) {
    answer.body = UpstreamBody::Length;
  } else {
    answer.body = UpstreamBody::UntilClose;
    answer.keep_alive = false;
  }
  return answer;
}

}  // namespace longhaul::host::http
