#include "printable.h"

#include <cstdint>
#include <cstdio>

namespace chat_plugin {
namespace {

bool isControl(std::uint32_t code) {
  if (code == '\t') return false;
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

}  // namespace

void appendPrintable(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) {
      return at + i < text.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])) : 0U;
    };
    // What is escaped has three bytes at most; the first says how many.
    const std::size_t size = byte(0) < 0xc0 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
    const std::uint32_t code = size == 1   ? byte(0)
                               : size == 2 ? (byte(0) & 0x1fU) << 6 | (byte(1) & 0x3fU)
                               : size == 3 ? (byte(0) & 0x0fU) << 12 | (byte(1) & 0x3fU) << 6 | (byte(2) & 0x3fU)
                                           : 0x10000U;
    if (isControl(code)) {
      char escape[8];
      const int length = std::snprintf(escape, sizeof escape, code < 0x80 ? "\\x%02x" : "\\u%04x", code);
      out.append(escape, static_cast<std::size_t>(length));
    } else {
      out.append(text.substr(at, size));
    }
    at += size;
  }
}

bool isPrintable(std::string_view text) {
  std::string shown;
  appendPrintable(shown, text);
  return shown == text;
}

}  // namespace chat_plugin
