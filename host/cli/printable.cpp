#include "host/cli/printable.h"

#include <fmt/format.h>

#include <cstdint>

#include "host/base/text.h"

namespace longhaul::host::cli {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
};

// The text is UTF-8: only the first byte has to be looked at for the length.
Character characterAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
  if (byte(0) < 0x80) return {byte(0), 1};
  if (byte(0) < 0xe0) return {(byte(0) & 0x1fU) << 6 | (byte(1) & 0x3fU), 2};
  if (byte(0) < 0xf0) return {(byte(0) & 0x0fU) << 12 | (byte(1) & 0x3fU) << 6 | (byte(2) & 0x3fU), 3};
  return {(byte(0) & 0x07U) << 18 | (byte(1) & 0x3fU) << 12 | (byte(2) & 0x3fU) << 6 | (byte(3) & 0x3fU), 4};
}

bool isControl(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  // Marks and embeddings of direction, line and paragraph separator, the byte order mark.
  return code == 0x061c || (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

std::string escaped(std::uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
}

template <class Escape>
std::string mapControls(std::string_view text, Escape escape) {
  const std::string whole = isUtf8(text) ? std::string(text) : replaceNonUtf8(text);
  std::string out;
  out.reserve(whole.size());
  for (std::size_t at = 0; at < whole.size();) {
    const Character character = characterAt(whole, at);
    if (isControl(character.code)) {
      out += escape(character.code);
    } else {
      out.append(whole, at, character.bytes);
    }
    at += character.bytes;
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return mapControls(text, escaped);
}

std::string printableJson(std::string_view text) {
  return mapControls(
      text, [](std::uint32_t code) { return code == '\n' ? std::string("\n") : fmt::format("\\u{:04x}", code); });
}

std::size_t widthOf(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text)
    width += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  return width;
}

std::string cutToWidth(std::string_view text, std::size_t columns) {
  if (widthOf(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t at = 0;
  for (std::size_t width = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xc0U) != 0x80U;
    if (begins && ++width == columns) break;
  }
  return std::string(text.substr(0, at)) + "…";
}

}  // namespace longhaul::host::cli
