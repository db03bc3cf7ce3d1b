#include "text.h"

#include <algorithm>
#include <numeric>

namespace syslog_plugin {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

struct Sequence {
  std::size_t size_bytes;
  bool valid;
};

bool isBetween(unsigned char c, unsigned char low, unsigned char high) {
  return c >= low && c <= high;
}

// The UTF-8 sequence at `at`, by the table of well-formed sequences of the Unicode standard (3.9, table 3-7). An
// invalid one has the size of its longest valid beginning, at least 1.
Sequence sequenceAt(std::string_view bytes, std::size_t at) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {1, lead != 0};
  std::size_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (isBetween(lead, 0xC2, 0xDF)) {
    size = 2;
  } else if (isBetween(lead, 0xE0, 0xEF)) {
    size = 3;
    if (lead == 0xE0) low = 0xA0;   // shorter forms are overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (isBetween(lead, 0xF0, 0xF4)) {
    size = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (at + i == bytes.size() || !isBetween(byte(at + i), low, high)) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

// ASCII that a JSON string holds as it is; the rest is looked at one by one.
bool isPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// Walks over `bytes`: plain runs and valid sequences go to `out`, other ASCII goes through `on_ascii`.
template <class OnAscii>
void walk(std::string& out, std::string_view bytes, OnAscii on_ascii) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::size_t end = at;
    while (end < bytes.size() && isPlain(bytes[end]))
      ++end;
    out.append(bytes, at, end - at);
    at = end;
    if (at == bytes.size()) break;
    const Sequence sequence = sequenceAt(bytes, at);
    if (!sequence.valid) {
      out.append(kReplacement);
    } else if (sequence.size_bytes == 1) {
      on_ascii(bytes[at]);
    } else {
      out.append(bytes, at, sequence.size_bytes);
    }
    at += sequence.size_bytes;
  }
}

void appendEscape(std::string& out, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += static_cast<char>(c);
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

void appendOneLine(std::string& out, std::string_view bytes) {
  walk(out, bytes, [&](char c) { out += c == '"' || c == '\\' ? c : ' '; });
  // DEL is plain ASCII to the walk and still a control character.
  std::replace(out.begin(), out.end(), '\x7F', ' ');
}

void appendJsonString(std::string& out, std::string_view bytes) {
  out += '"';
  walk(out, bytes, [&](char c) { appendEscape(out, static_cast<unsigned char>(c)); });
  out += '"';
}

void appendJsonComma(std::string& out) {
  if (!out.empty() && out.back() != '{' && out.back() != '[') out += ',';
}

void appendJsonMember(std::string& out, std::string_view key, std::string_view value) {
  appendJsonComma(out);
  appendJsonString(out, key);
  out += ':';
  appendJsonString(out, value);
}

void cutUtf8(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return;
  std::size_t end = bytes_max > kEllipsis.size() ? bytes_max - kEllipsis.size() : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  text.resize(end);
  text += kEllipsis;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::vector<std::string_view> splitList(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = trimmed(text.substr(0, end));
    if (!part.empty()) parts.push_back(part);
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::uint64_t> parseNumber(std::string_view text, std::uint64_t min, std::uint64_t max) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value < min || value > max) return std::nullopt;
  return value;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& words) {
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 2;  // exclusive: about a third of a word may be wrong
  for (const std::string_view candidate : words) {
    const std::size_t distance = word.size() > 64 ? best_distance : editDistance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty()) return "; did you mean \"" + std::string(best) + "\"?";
  std::string text;
  for (const std::string_view candidate : words) {
    text += text.empty() ? "; it is one of " : ", ";
    text += candidate;
  }
  return text;
}

bool globMatches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

}  // namespace syslog_plugin
