// Apart from result.cpp, so that the worker, which needs only this, does not pull in what formats errors.

#include <array>
#include <cstddef>

#include "host/base/result.h"

namespace longhaul::host {

std::string_view codeName(Code code) {
  static constexpr std::array<std::string_view, 15> kNames{
      "INVALID",       "NOT_FOUND", "TOO_LARGE",  "NOT_GRANTED", "CONFLICT",
      "MISMATCH",      "BUSY",      "STORE_FULL", "TIMEOUT",     "FENCED",
      "NOT_IN_WORKER", "CLOSED",    "ABSENT",     "INTERNAL",    "ALREADY_ANSWERED"};
  const auto index = static_cast<std::size_t>(-static_cast<std::int32_t>(code) - 1);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

}  // namespace longhaul::host
