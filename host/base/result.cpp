#include "host/base/result.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace longhaul::host {

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
