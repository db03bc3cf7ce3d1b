// How much a folder takes of its disk, counted in steps, because a worker may have put anything into it: links are not
// followed, other file systems not entered, and what hides from counting is said, not passed over. One thread at a
// time; blocking, so not on the loop. Owns the descriptors of the folders that it has open, two at most.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/base/unique_fd.h"

namespace longhaul::host::supervisor {

struct FolderFound {
  std::uint64_t bytes = 0;  // blocks, so a hole in a file counts nothing; a file with several names counts once
  std::uint64_t entries = 0;
  std::string uncountable;  // why it is more than `bytes`, in a way that nobody can say; empty: it is all
};

class FolderWalk {
 public:
  // A folder that is not there is empty.
  explicit FolderWalk(const std::filesystem::path& folder);

  // Counts so many entries more. True: done.
  bool step(std::size_t entries_max);
  // Adds the files that this process has open there and that have no name any more; of a process that this user may not
  // look into, nothing.
  void addUnnamed(pid_t pid);
  const FolderFound& found() const { return found_; }

 private:
  bool openNext();
  void count(const char* name);
  bool uncountable(std::string why);

  UniqueFd root_;
  std::uint64_t device_ = 0;
  std::vector<std::string> folders_;  // below root, to be looked into
  std::string current_;
  std::unique_ptr<DIR, int (*)(DIR*)> open_;
  FolderFound found_;
};

}  // namespace longhaul::host::supervisor
