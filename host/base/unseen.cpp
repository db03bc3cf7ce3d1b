#include "host/base/unseen.h"

#include <algorithm>
#include <array>

namespace longhaul::host {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Unicode 15: general category Cc, Cf, Zl, Zp, and Default_Ignorable_Code_Point. In order.
constexpr std::array kUnseen{
    Range{0x00, 0x1f},       Range{0x7f, 0x9f},       Range{0xad, 0xad},       Range{0x34f, 0x34f},
    Range{0x600, 0x605},     Range{0x61c, 0x61c},     Range{0x6dd, 0x6dd},     Range{0x70f, 0x70f},
    Range{0x890, 0x891},     Range{0x8e2, 0x8e2},     Range{0x115f, 0x1160},   Range{0x17b4, 0x17b5},
    Range{0x180b, 0x180f},   Range{0x200b, 0x200f},   Range{0x2028, 0x202e},   Range{0x2060, 0x206f},
    Range{0x3164, 0x3164},   Range{0xfe00, 0xfe0f},   Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},
    Range{0xfff0, 0xfffb},   Range{0x110bd, 0x110bd}, Range{0x110cd, 0x110cd}, Range{0x13430, 0x1343f},
    Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a}, Range{0xe0000, 0xe0fff},
};
// Zs without U+0020.
constexpr std::array kBlanks{
    Range{0xa0, 0xa0},     Range{0x1680, 0x1680}, Range{0x2000, 0x200a},
    Range{0x202f, 0x202f}, Range{0x205f, 0x205f}, Range{0x3000, 0x3000},
};
constexpr std::array kShaping{Range{0x200c, 0x200d}, Range{0xfe00, 0xfe0f}, Range{0xe0100, 0xe01ef}};

template <class Ranges>
bool holds(const Ranges& ranges, std::uint32_t code) {
  const auto found = std::lower_bound(ranges.begin(), ranges.end(), code,
                                      [](const Range& range, std::uint32_t wanted) { return range.last < wanted; });
  return found != ranges.end() && found->first <= code;
}

}  // namespace

std::optional<std::uint32_t> unseenCharacter(std::string_view text, Unseen rule) {
  std::uint32_t code = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte & 0xc0U) == 0x80U) {
      code = code << 6 | (byte & 0x3fU);
    } else {
      code = byte < 0x80 ? byte : byte < 0xe0 ? byte & 0x1fU : byte < 0xf0 ? byte & 0x0fU : byte & 0x07U;
    }
    // Whole when the next byte begins another.
    if (at + 1 < text.size() && (static_cast<unsigned char>(text[at + 1]) & 0xc0U) == 0x80U) continue;
    const bool finding = rule == Unseen::ForFinding;
    if (holds(kUnseen, code) && (finding || !holds(kShaping, code))) return code;
    if (finding && holds(kBlanks, code)) return code;
  }
  return std::nullopt;
}

}  // namespace longhaul::host
