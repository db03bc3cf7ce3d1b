// inotify as a source of hints for the plugin folders. It owns the descriptor, which the daemon's loop watches. A
// folder that is missing is waited for in the folder above it. What it cannot watch (no descriptor left, no watches
// left) it leaves to the rescan. Loop only; never blocks.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "host/base/unique_fd.h"
#include "host/catalog/folder_watch.h"

namespace longhaul::host::catalog {

struct FolderHint {
  std::size_t folder = 0;  // the index given to watch()
  std::string name;        // empty: the folder itself came, went, or events were lost
  FolderWatch::Hint kind = FolderWatch::Hint::Other;
};

class InotifyHints {
 public:
  InotifyHints();

  int fd() const { return fd_.get(); }  // -1: there is none
  // Before each listing of the folder, so that nothing falls between: renews a watch whose folder is another one now.
  void watch(std::size_t folder, const std::filesystem::path& path);
  // Whether what happens in the folder, or its coming, is told.
  bool watches(std::size_t folder) const;
  // All that is there. After an overflow each folder gets a hint without a name.
  std::vector<FolderHint> read();

 private:
  struct Watch {
    std::size_t folder;
    std::filesystem::path path;
    int descriptor = -1;
    bool above = false;  // the folder above is watched, for this one to come
  };
  void arm(Watch& watch);
  void disarm(Watch& watch);
  void take(int descriptor, unsigned mask, const std::string& name, std::vector<FolderHint>& hints);

  UniqueFd fd_;
  std::vector<Watch> watches_;
};

}  // namespace longhaul::host::catalog
