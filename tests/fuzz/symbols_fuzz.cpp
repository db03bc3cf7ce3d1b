// What longhaul-symbols does with a stranger's file: the names of functions at any offsets, and its answer's line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/symbols/function_names.h"
#include "host/symbols/reading.h"

using namespace longhaul::host;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file{reinterpret_cast<const char*>(data), size};
  // Where the functions of a small file lie, and where nothing can.
  std::vector<std::uint64_t> offsets{0, UINT64_MAX, UINT64_MAX - 0x100};
  for (std::uint64_t offset = 0x10; offset < 0x8000; offset = offset * 5 / 4 + 1)
    offsets.push_back(offset);
  const auto found = symbols::functionsAt(file, offsets);
  if (found) {
    must(found->functions.size() == offsets.size());
    for (const auto& each : found->functions) {
      if (!each) continue;
      must(each->name.size() <= symbols::kFunctionNameBytesMax + 3);
      must(each->name.find('\n') == std::string::npos && each->name.find('\x1b') == std::string::npos);
    }
  }
  const std::string line = symbols::answerFor(file, offsets);
  must(line.find('\n') == std::string::npos);
  must(parseJson(line).has_value());
  (void)symbols::readQuestion(file);
  return 0;
}
