// The folder data/NAME of an instance: 0700, owned by the uid that its workers have, with all that is in it. Private to
// this room.
#pragma once

#include <cstdint>
#include <filesystem>

#include "host/base/result.h"

namespace longhaul::host::supervisor {

// Whether the folder is there and belongs to `uid`; one stat, any thread.
bool isOwned(const std::filesystem::path& folder, std::uint32_t uid);

// Makes the folder and gives it to `uid` (and the gid of the same number) with what is in it, as an earlier daemon left
// it that ran its workers with another uid. Follows no link and gives away no file that has a second name: both may be
// the old owner's trap. Blocking; job thread.
Result<void> ownDataFolder(const std::filesystem::path& folder, std::uint32_t uid);

}  // namespace longhaul::host::supervisor
