#include "host/base/result.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace longhaul::host {

std::string_view codeName(Code code) {
  static constexpr std::array<std::string_view, 15> kNames{
      "INVALID",       "NOT_FOUND", "TOO_LARGE",  "NOT_GRANTED", "CONFLICT",
      "MISMATCH",      "BUSY",      "STORE_FULL", "TIMEOUT",     "FENCED",
      "NOT_IN_WORKER", "CLOSED",    "ABSENT",     "INTERNAL",    "ALREADY_ANSWERED"};
  const auto index = static_cast<std::size_t>(-static_cast<std::int32_t>(code) - 1);
  return index < kNames.size() ? kNames[index] : "UNKNOWN";
}

Error withContext(std::string_view what, Error error) {
  error.message = fmt::format("{}: {}", what, error.message);
  return error;
}

Error systemError(std::string_view what, int error_number) {
  const Code code = error_number == ENOENT                             ? Code::NotFound
                    : error_number == ENOSPC || error_number == EDQUOT ? Code::StoreFull
                                                                       : Code::Internal;
  // The GNU strerror_r is thread-safe and returns the text.
  std::array<char, 128> buffer{};
  return Error{code, fmt::format("{}: {}", what, ::strerror_r(error_number, buffer.data(), buffer.size()))};
}

}  // namespace longhaul::host
