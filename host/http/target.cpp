#include "host/http/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/base/text.h"

namespace longhaul::host::http {
namespace {

std::optional<unsigned> hexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hexDigit(text[i + 1]);
    const auto low = hexDigit(text[i + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
    out += static_cast<char>(*high << 4U | *low);
    i += 2;
  }
  if (!isUtf8(out)) return std::nullopt;
  return out;
}

// Calls `take` with each piece; an empty text has one piece.
template <class Take>
bool split(std::string_view text, char mark, Take take) {
  while (true) {
    const auto end = text.find(mark);
    if (!take(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::variant<Target, admin::Failure> parseTarget(std::string_view text) {
  Target target;
  const auto mark = text.find('?');
  const std::string_view path = text.substr(0, mark).substr(1);
  bool good = split(path, '/', [&](std::string_view piece) {
    auto segment = decode(piece);
    if (segment) target.segments.push_back(std::move(*segment));
    return segment.has_value();
  });
  if (good && mark != std::string_view::npos) {
    good = split(text.substr(mark + 1), '&', [&](std::string_view piece) {
      if (piece.empty()) return true;
      const auto equals = piece.find('=');
      auto key = decode(piece.substr(0, equals));
      auto value = decode(equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1));
      if (!key || !value) return false;
      target.query.emplace_back(std::move(*key), std::move(*value));
      return true;
    });
  }
  if (good) return target;
  return admin::invalid("the target is not percent-encoded UTF-8");
}

Query::Query(const std::vector<std::pair<std::string, std::string>>& parts, const std::vector<std::string>& known,
             std::string_view repeatable)
    : parts_(parts) {
  std::set<std::string_view> seen;
  for (const auto& [key, value] : parts) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      failure_ = admin::invalid(fmt::format("unknown query parameter \"{}\"", key), key, admin::didYouMean(key, known));
      return;
    }
    if (!seen.insert(key).second && key != repeatable) {
      failure_ = admin::invalid(fmt::format("the query parameter \"{}\" is there twice", key), key);
      return;
    }
  }
}

void Query::fail(std::string_view key, std::string_view found, std::string_view wanted) {
  if (!failure_) {
    failure_ = admin::invalid(fmt::format("{}: found \"{}\", wanted {}", key, found, wanted), std::string(key));
  }
}

std::optional<std::string> Query::text(std::string_view key) {
  for (const auto& [name, value] : parts_) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Query::texts(std::string_view key) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : parts_) {
    if (name == key) found.push_back(value);
  }
  return found;
}

bool Query::flag(std::string_view key) {
  const auto found = text(key);
  if (found && *found != "true" && *found != "false") fail(key, *found, "true or false");
  return found == "true";
}

std::optional<std::int64_t> Query::number(std::string_view key, std::int64_t least, std::int64_t most) {
  const auto found = text(key);
  if (!found) return std::nullopt;
  const auto value = parseInt(*found);
  if (value && *value >= least && *value <= most) return value;
  fail(key, *found, fmt::format("a number from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::int64_t> Query::time(std::string_view key) {
  return parsed(
      key, [](std::string_view text) { return parseTimeUs(text); },
      "a time as RFC 3339 has it, 2026-11-24T03:22:02Z for one");
}

}  // namespace longhaul::host::http
