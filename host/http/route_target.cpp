#include "host/http/route_target.h"

#include <utility>

#include "host/base/text.h"

namespace longhaul::host::http {
namespace {

constexpr std::string_view kPrefix = "/instance/execute/";
constexpr int kDecodingsMax = 4;  // "%25252e": who goes on after that wants nothing good, and gets it refused

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What "%XX" stands for is put in its place; `strict`: a "%" that is none makes it nothing.
std::optional<std::string> decodeOnce(std::string_view text, bool strict) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? hexValue(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (text[i] == '%' && strict) {
      return std::nullopt;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool hasDotSegment(std::string_view path) {
  while (true) {
    const auto end = path.find('/');
    std::string_view segment = path.substr(0, end);
    segment = segment.substr(0, segment.find(';'));  // some servers cut parameters off first
    if (segment == "." || segment == "..") return true;
    if (end == std::string_view::npos) return false;
    path.remove_prefix(end + 1);
  }
}

// Why nobody should get such a path; empty: it is one like any other.
std::string_view faultOf(std::string_view path) {
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "a control character";
    if (c == '\\') return "a backslash";
  }
  if (!isUtf8(path)) return "what is not UTF-8";
  if (hasDotSegment(path)) return "a segment \".\" or \"..\"";
  return {};
}

Refusal refused(std::string_view what) {
  return {400, "the path has " + std::string(what) + ", plain or percent-encoded"};
}

}  // namespace

std::variant<RouteTarget, Refusal> readRouteTarget(std::string_view target) {
  RouteTarget found;
  const auto mark = target.find('?');
  if (mark != std::string_view::npos) found.query = target.substr(mark + 1);
  std::string_view path = target.substr(0, mark).substr(kPrefix.size());

  auto decoded = decodeOnce(path, true);
  if (!decoded) return Refusal{400, "the path has a \"%\" that two hexadecimal digits do not follow"};
  for (int i = 0; i < kDecodingsMax; ++i) {
    if (const auto fault = faultOf(*decoded); !fault.empty()) return refused(fault);
    auto again = decodeOnce(*decoded, false);
    if (*again == *decoded) break;
    if (i + 1 == kDecodingsMax) return refused("what is encoded again and again");
    decoded = std::move(again);
  }
  const auto slash = path.find('/');
  found.instance = path.substr(0, slash);
  if (!isName(found.instance)) {
    return Refusal{404, "there is no such instance: its name is 1-63 of a-z A-Z 0-9 . _ -, as it stands in the path"};
  }
  found.path = slash == std::string_view::npos ? "/" : path.substr(slash);
  return found;
}

}  // namespace longhaul::host::http
