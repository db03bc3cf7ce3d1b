#include "host/base/system_calls.h"

#include <sys/syscall.h>

#include <string_view>

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

}  // namespace

std::string systemCallName(int number) {
  for (const Row& row : kRows) {
    if (row.number == number) return std::string{row.name};
  }
  return "system call " + std::to_string(number);
}

}  // namespace longhaul::host
