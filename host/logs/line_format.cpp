#include "host/logs/line_format.h"

#include <fmt/format.h>

#include <cstring>

#include "host/base/text.h"

namespace longhaul::host::logs {
namespace {

constexpr std::size_t kNames = 4;
constexpr std::array<std::string_view, kNames> kLevelNames{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, kNames> kSourceNames{"plugin", "stdout", "stderr", "host"};

template <class T>
std::optional<T> parseIn(const std::array<std::string_view, kNames>& names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<T>(i);
  }
  return std::nullopt;
}

char* copy(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* writeNumber(std::uint32_t number, char* out) {
  std::array<char, 10> digits{};
  char* at = digits.data() + digits.size();
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return copy({at, static_cast<std::size_t>(digits.data() + digits.size() - at)}, out);
}

// Eight bytes at once: none of them needs a look. May say false for a block that needs none, never true for one that
// does.
bool isPlain(std::uint64_t block) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kTops = 0x8080808080808080ULL;
  const auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v; };
  const std::uint64_t found = (block - kOnes * 0x20) | has_zero(block ^ (kOnes * '"')) |
                              has_zero(block ^ (kOnes * '\\')) | has_zero(block ^ (kOnes * 0x7f)) | block;
  return (found & kTops) == 0;
}

char* writeUnicode(unsigned code, char* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out = copy("\\u", out);
  for (int shift = 12; shift >= 0; shift -= 4)
    *out++ = kHex[code >> shift & 0xfU];
  return out;
}

// Marks that no log needs and that move what a reader sees: C1 controls, line separators, directions of text.
bool isHidden(unsigned code) {
  return (code >= 0x80 && code < 0xa0) || code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

char* writeAscii(unsigned char byte, char* out) {
  switch (byte) {
    case '"':
      return copy("\\\"", out);
    case '\\':
      return copy("\\\\", out);
    case '\n':
      return copy("\\n", out);
    case '\r':
      return copy("\\r", out);
    case '\t':
      return copy("\\t", out);
    default:
      if (byte < 0x20 || byte == 0x7f) return writeUnicode(byte, out);
      *out++ = static_cast<char>(byte);
      return out;
  }
}

// Length of the UTF-8 character at the start of `text`, with its code; 0: there is none.
std::size_t decode(std::string_view text, unsigned& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (text.size() < size || byte(0) < 0xc2 || byte(0) > 0xf4) return 0;
  code = byte(0) & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  return overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : size;
}

// Cut at a character: at most three bytes of a started one are left out.
std::string_view cutAt(std::string_view text, std::size_t bytes_max) {
  std::size_t end = bytes_max;
  while (end > 0 && bytes_max - end < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

}  // namespace

std::string_view levelName(LogLevel level) {
  return kLevelNames[static_cast<std::size_t>(level)];
}
std::string_view sourceName(LogSource source) {
  return kSourceNames[static_cast<std::size_t>(source)];
}
std::optional<LogLevel> parseLevel(std::string_view name) {
  return parseIn<LogLevel>(kLevelNames, name);
}
std::optional<LogSource> parseSource(std::string_view name) {
  return parseIn<LogSource>(kSourceNames, name);
}

char* writeEscaped(std::string_view text, char* out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::uint64_t block = 0;
    while (end - at >= 8 && (std::memcpy(&block, at, 8), isPlain(block))) {
      std::memcpy(out, &block, 8);
      at += 8, out += 8;
    }
    if (at == end) break;
    const auto byte = static_cast<unsigned char>(*at);
    if (byte < 0x80) {
      out = writeAscii(byte, out);
      ++at;
      continue;
    }
    unsigned code = 0;
    const std::size_t size = decode({at, static_cast<std::size_t>(end - at)}, code);
    if (size == 0) {
      out = copy("\xef\xbf\xbd", out);  // U+FFFD
      ++at;
    } else {
      out = isHidden(code) ? writeUnicode(code, out) : copy({at, size}, out);
      at += size;
    }
  }
  return out;
}

LineFormat::LineFormat(std::string_view instance) : instance_(instance) {}

std::size_t LineFormat::bytesMax(std::size_t text_bytes) {
  constexpr std::size_t kAround =
      320;  // all that is not the text: fields, a name of 63 bytes, numbers at their longest
  return (text_bytes < kLogLineBytesMax ? text_bytes : kLogLineBytesMax) * 6 + kAround;
}

void LineFormat::renderSecond(std::int64_t second) {
  // Years beyond four digits would break the fixed places; no clock of ours gives them, a worker's message could.
  constexpr std::int64_t kYear9999 = 253'402'300'799;
  const std::int64_t shown = second < 0 || second > kYear9999 ? 0 : second;
  const std::string text = formatTimeUs(shown * 1'000'000);
  std::memcpy(second_text_.data(), text.data(), second_text_.size());
  second_ = second;
}

void LineFormat::renderWorker(const LogLine& line) {
  generation_ = line.generation;
  pid_ = line.pid;
  worker_ = fmt::format(R"(","instance":"{}","generation":{},"pid":{},"thread":)", instance_, generation_.value, pid_);
}

char* LineFormat::write(const LogLine& line, char* out) {
  std::int64_t second = line.at_us / 1'000'000;
  auto fraction = static_cast<std::int32_t>(line.at_us % 1'000'000);
  if (fraction < 0) fraction += 1'000'000, --second;
  if (second != second_) renderSecond(second);
  if (line.generation != generation_ || line.pid != pid_) renderWorker(line);

  out = copy("{\"time\":\"", out);
  out = copy({second_text_.data(), second_text_.size()}, out);
  for (int i = 5; i >= 0; --i, fraction /= 10)
    out[i] = static_cast<char>('0' + fraction % 10);
  out = copy("Z\",\"level\":\"", out + 6);
  out = copy(levelName(line.level), out);
  out = copy("\",\"source\":\"", out);
  out = copy(sourceName(line.source), out);
  out = copy(worker_, out);
  out = writeNumber(line.thread, out);
  out = copy(",\"text\":\"", out);
  if (line.text.size() <= kLogLineBytesMax) {
    out = writeEscaped(line.text, out);
    return copy("\"}\n", out);
  }
  out = writeEscaped(cutAt(line.text, kLogLineBytesMax), out);
  return copy("\",\"cut\":true}\n", out);
}

}  // namespace longhaul::host::logs
