#include "host/admin/etag.h"

#include <fmt/format.h>

#include "host/base/sha256.h"

namespace longhaul::host::admin {

std::string etagOf(std::string_view body) {
  constexpr std::size_t kDigits = 32;  // 128 bits: no two texts have the same
  return fmt::format("\"{}\"", sha256Hex(body).substr(0, kDigits));
}

bool hasTag(std::string_view list, std::string_view tag, bool weak) {
  while (!list.empty()) {
    const auto begin = list.find_first_not_of(" \t,");
    if (begin == std::string_view::npos) return false;
    list.remove_prefix(begin);
    if (list.front() == '*') return true;
    const bool is_weak = list.starts_with("W/");
    if (is_weak) list.remove_prefix(2);
    // A tag may have a comma inside of its quotes.
    const auto end = list.starts_with('"') ? list.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    if ((weak || !is_weak) && list.substr(0, end + 1) == tag) return true;
    list.remove_prefix(end + 1);
  }
  return false;
}

Failure changedMeanwhile(std::string_view what) {
  return {.code = std::string(kChangedMeanwhile),
          .detail = fmt::format("{} was changed since it was read: If-Match has another tag", what),
          .hint = "read it again, and decide anew"};
}

}  // namespace longhaul::host::admin
