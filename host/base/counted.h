// A number with what is counted, as a sentence has it: "1 fault", "2 faults". Any thread; pure.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace longhaul::host {

// `many` where it is not `one` with an s: "identity" and "identities".
template <class Number>
std::string counted(Number count, std::string_view one, std::string_view many = {}) {
  if (count == Number{1}) return fmt::format("1 {}", one);
  return many.empty() ? fmt::format("{} {}s", count, one) : fmt::format("{} {}", count, many);
}

}  // namespace longhaul::host
