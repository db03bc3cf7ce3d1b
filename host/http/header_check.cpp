#include "host/http/header_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "host/base/limits.h"
#include "host/http/route_limits.h"

namespace longhaul::host::http {
namespace {

bool isTokenChar(unsigned char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(static_cast<char>(c)) != std::string_view::npos;
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}
std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::optional<Refusal> readRequestLine(std::string_view line, Header& header) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Refusal{400, "the request line is not \"METHOD target HTTP/1.1\""};
  }
  header.method = line.substr(0, first);
  header.target = line.substr(first + 1, last - first - 1);
  if (!isToken(header.method)) return Refusal{400, "the method is not a word"};
  if (line.substr(last + 1) != "HTTP/1.1") return Refusal{400, "the version is not HTTP/1.1"};
  if (header.target.size() > kHttpTargetBytesMax) {
    return Refusal{
        414, fmt::format("the target has {} bytes, at most {} are taken", header.target.size(), kHttpTargetBytesMax)};
  }
  const bool clean =
      std::all_of(header.target.begin(), header.target.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (header.target.front() != '/' || !clean) {
    return Refusal{400, "the target is not a path with ASCII characters; others are written as %XX"};
  }
  return std::nullopt;
}

// The fields that say where the request ends and what follows, each at most once.
class Fields {
 public:
  explicit Fields(Header& header) : header_(header) {}

  std::optional<Refusal> add(std::string_view line) {
    if (++count_ > kHttpHeaderFieldsMax) {
      return Refusal{431, fmt::format("more than {} header fields", kHttpHeaderFieldsMax)};
    }
    if (line.front() == ' ' || line.front() == '\t') return Refusal{400, "a header field is folded over two lines"};
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !isToken(line.substr(0, colon))) {
      return Refusal{400, "a header field's name is not a word followed by a colon"};
    }
    header_.fields.push_back({lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))});
    const auto& [name, value] = header_.fields.back();
    if (name == "host") return host(value);
    if (name == "content-length") return contentLength(value);
    if (name == "transfer-encoding") return transferEncoding(value);
    if (name == "connection") return connection(value);
    if (name == "expect") return expect(value);
    if (name == "authorization") return authorization(value);
    if (name == "last-event-id") header_.last_event_id = value;
    if (name == "if-match") append(header_.if_match, value);
    if (name == "if-none-match") append(header_.if_none_match, value);
    if (name == "accept-encoding") append(header_.accept_encoding, value);
    return std::nullopt;
  }

  std::optional<Refusal> finish() const {
    if (!has_host_) return Refusal{400, "the Host field is missing"};
    if (has_length_ && header_.chunked) return Refusal{400, "Content-Length and Transfer-Encoding say two lengths"};
    return std::nullopt;
  }

 private:
  std::optional<Refusal> host(std::string_view value) {
    constexpr std::string_view kMarks = "-._~%!$&'()*+,;=:[]";
    const bool clean = std::all_of(value.begin(), value.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             kMarks.find(c) != std::string_view::npos;
    });
    if (has_host_ || !clean) return Refusal{400, "the Host field is there twice or is no host"};
    has_host_ = true;
    header_.host = value;
    return std::nullopt;
  }

  std::optional<Refusal> contentLength(std::string_view value) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), header_.content_length);
    const bool digits = !value.empty() && value.front() >= '0' && value.front() <= '9';
    const bool whole = digits && end == value.data() + value.size() && error != std::errc::invalid_argument;
    if (has_length_ || !whole) return Refusal{400, "Content-Length is there twice or is not one decimal number"};
    has_length_ = true;
    const std::uint64_t most = isRouted(header_.target) ? kRouteBodyBytesMax : kRequestBodyBytesMax;
    if (error == std::errc::result_out_of_range || header_.content_length > most) {
      return Refusal{413, fmt::format("the body has {} bytes, at most {} are taken", value.substr(0, 20), most)};
    }
    return std::nullopt;
  }

  std::optional<Refusal> transferEncoding(std::string_view value) {
    if (header_.chunked) return Refusal{400, "Transfer-Encoding is there twice"};
    if (lower(value) != "chunked") return Refusal{400, "a transfer coding other than \"chunked\" is not known"};
    header_.chunked = true;
    return std::nullopt;
  }

  std::optional<Refusal> connection(std::string_view value) {
    const std::string options = lower(value);
    std::string_view rest = options;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      const std::string_view option = trim(rest.substr(0, comma));
      if (!option.empty() && !isToken(option)) return Refusal{400, "Connection is not a list of words"};
      if (option == "close") header_.keep_alive = false;
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return std::nullopt;
  }

  // A list that is there more than once is one list (RFC 9110, 5.3).
  static void append(std::string& list, std::string_view value) {
    if (!list.empty()) list += ", ";
    list += value;
  }

  // An empty one is one that proves nothing, and not as if there were none.
  std::optional<Refusal> authorization(std::string_view value) {
    if (!header_.authorization.empty() || value.empty())
      return Refusal{400, "Authorization is there twice or is empty"};
    header_.authorization = value;
    return std::nullopt;
  }

  std::optional<Refusal> expect(std::string_view value) {
    if (lower(value) != "100-continue") return Refusal{417, "only 100-continue can be expected"};
    header_.expects_continue = true;
    return std::nullopt;
  }

  Header& header_;
  std::size_t count_ = 0;
  bool has_host_ = false;
  bool has_length_ = false;
};

}  // namespace

bool isRouted(std::string_view target) {
  constexpr std::string_view kPrefix = "/instance/execute/";
  return target.starts_with(kPrefix);
}

bool isToken(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); });
}

bool hasCleanLines(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const bool is_last = i + 1 == bytes.size();
    if (c == '\r' && (is_last || bytes[i + 1] == '\n')) continue;
    if (c == '\n' && i > 0 && bytes[i - 1] == '\r') continue;
    if (c == '\t' || (c >= ' ' && c != 0x7f)) continue;
    return false;
  }
  return true;
}

std::optional<Refusal> checkUnfinished(std::string_view bytes) {
  if (!hasCleanLines(bytes)) {
    return Refusal{400, "the header has a control character, or a line that does not end with CR LF"};
  }
  if (bytes.starts_with("\r\n")) return Refusal{400, "a request begins with its method, not with an empty line"};
  constexpr std::size_t kAroundTarget = 64;  // method, version, blanks
  if (bytes.find('\n') == std::string_view::npos && bytes.size() > kHttpTargetBytesMax + kAroundTarget) {
    return Refusal{414, fmt::format("the request line is over {} bytes", kHttpTargetBytesMax)};
  }
  if (bytes.size() > kHttpHeaderBytesMax) {
    return Refusal{431, fmt::format("the header is over {} bytes", kHttpHeaderBytesMax)};
  }
  return std::nullopt;
}

std::variant<Header, Refusal> readHeader(std::string_view bytes) {
  if (auto refusal = checkUnfinished(bytes)) return std::move(*refusal);
  Header header;
  Fields fields{header};
  bool first = true;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = bytes.find("\r\n", at);
    const std::string_view line = bytes.substr(at, end - at);
    at = end + 2;
    if (line.empty()) break;
    auto refusal = first ? readRequestLine(line, header) : fields.add(line);
    if (refusal) return std::move(*refusal);
    first = false;
  }
  if (auto refusal = fields.finish()) return std::move(*refusal);
  return header;
}

}  // namespace longhaul::host::http
