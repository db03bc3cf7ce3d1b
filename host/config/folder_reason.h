// Why a file of the instances folder is not done as it says, as a closed list with the rows that docs/EXPLAIN.md is
// printed from. Any thread; values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace longhaul::host::config {

enum class FolderReason : std::uint8_t { None, Faults, WaitsForYes };
inline constexpr std::size_t kFolderReasonCount = 3;

struct FolderReasonRow {
  FolderReason reason;
  std::string_view name;  // "file-faults"
  std::string_view means;
  std::string_view remedy;
  std::string_view next;  // when it is tried again
};
const FolderReasonRow& rowOf(FolderReason reason);

}  // namespace longhaul::host::config
