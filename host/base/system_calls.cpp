#include "host/base/system_calls.h"

#include <sys/syscall.h>

#include <array>
#include <string_view>

#include "host/base/worker_limits.h"

namespace longhaul::host {
namespace {

struct Row {
  int number;
  std::string_view name;
};
// Written by CMakeLists.txt from the kernel's headers.
constexpr Row kRows[] = {
#include <longhaul_system_calls.inc>
};

constexpr auto kNames = [] {
  std::array<std::string_view, kSystemCallsMax> names{};
  for (const Row& row : kRows) {
    if (row.number >= 0 && row.number < static_cast<int>(names.size()))
      names[static_cast<std::size_t>(row.number)] = row.name;
  }
  return names;
}();

}  // namespace

std::string systemCallName(int number) {
  if (number >= 0 && number < static_cast<int>(kNames.size()) && !kNames[static_cast<std::size_t>(number)].empty()) {
    return std::string{kNames[static_cast<std::size_t>(number)]};
  }
  return "system call " + std::to_string(number);
}

}  // namespace longhaul::host
