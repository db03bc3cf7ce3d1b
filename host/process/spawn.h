// What the starts of this room have in common: which descriptors the child has under which numbers, and that it begins
// with nothing of the daemon's signals, groups and priority. Loop thread; an object a start. Private to this room.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::process {

class Spawning {
 public:
  Spawning();
  ~Spawning();
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;

  // The child has these descriptors from number `first` on, and none above the last of them. Borrowed until start().
  Result<void> pass(const std::vector<int>& descriptors, int first);
  // posix_spawn, in a process group of the child's own; its error number, 0: started.
  int start(const std::string& program, std::vector<std::string> arguments, std::vector<std::string> variables,
            pid_t& pid);

  posix_spawn_file_actions_t actions;

 private:
  posix_spawnattr_t attributes_;
  std::vector<UniqueFd> copies_;
};

// A program of ours that was built with a sanitizer is told what the daemon was told.
void addSanitizerOptions(std::vector<std::string>& variables);

}  // namespace longhaul::host::process
