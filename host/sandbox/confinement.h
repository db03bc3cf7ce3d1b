// What confines one worker, as a value: computed by the host from what an operator approved, sent to the worker as the
// payload of Confine, applied by the worker before it loads anything (apply.h). The worker decides nothing of it.
// Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::sandbox {

struct Rlimit {
  std::uint32_t resource = 0;  // RLIMIT_…
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// A file, or a folder with all below it.
struct PathRule {
  std::string path;          // absolute; a link is followed
  std::uint64_t access = 0;  // LANDLOCK_ACCESS_FS_…
  bool required = false;     // false: what is not there needs no rule
};

struct Landlock {
  std::uint64_t handled_files = 0;    // what is refused where no rule allows it; 0: Landlock is not used
  std::uint64_t handled_network = 0;  // LANDLOCK_ACCESS_NET_…
  std::uint64_t scoped = 0;           // LANDLOCK_SCOPE_…
  std::vector<PathRule> paths;
  std::vector<std::uint16_t> connect_ports;
};

struct Confinement {
  std::uint32_t uid = 0;            // and gid; 0: stays what the host is
  std::vector<std::string> groups;  // files that put the process into its control groups when it writes 0 to them
  bool drop_privileges = true;      // no_new_privs, no capabilities, not dumpable. Off in tests of the worker alone
  std::vector<Rlimit> rlimits;
  Landlock landlock;
  std::string seccomp;  // a filter's instructions, 8 bytes each; empty: none
};

void encode(const Confinement& confinement, std::string& out);
bool decode(std::string_view payload, Confinement& confinement);

}  // namespace longhaul::host::sandbox
