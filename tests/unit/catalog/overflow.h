// Makes more events in one folder than inotify keeps, so that it says "overflow" and drops what follows.
#pragma once

#include <filesystem>
#include <string>

#include "tests/support/temp_folder.h"

namespace longhaul::host::test {

inline void overflowInotify(const std::filesystem::path& folder) {
  const std::size_t most = std::stoul(readText("/proc/sys/fs/inotify/max_queued_events"));
  // Two names take turns, since an event that is equal to the one before is merged with it.
  for (std::size_t i = 0; i <= most / 2 + 1; ++i) {
    writeText(folder / "one.tmp", "");
    writeText(folder / "two.tmp", "");
  }
}

}  // namespace longhaul::host::test
