#include "host/config/folder_reason.h"

#include <array>

namespace longhaul::host::config {
namespace {

constexpr std::array<FolderReasonRow, kFolderReasonCount> kRows{{
    {FolderReason::None, "done", "the instances are as the file says", "", ""},
    {FolderReason::Faults, "file-faults", "the file has faults; its instances stay as they are until it is mended",
     "mend the lines that are named; `longhaul config check` reads it without the daemon", "when the file changes"},
    {FolderReason::WaitsForYes, "waits-for-yes",
     "the folder would orphan more instances at once than is allowed without a yes",
     "`longhaul reload --yes`, or bring the files back", "not by itself; when a file of the folder changes"},
}};
static_assert(kRows[1].reason == FolderReason::Faults && kRows[2].reason == FolderReason::WaitsForYes);

}  // namespace

const FolderReasonRow& rowOf(FolderReason reason) {
  return kRows[static_cast<std::size_t>(reason)];
}

}  // namespace longhaul::host::config
