// Control groups: one for each worker, below one of this state directory, below the group in which the daemon itself
// is, so that whatever bounds the daemon bounds its workers too. Each controller is taken where it can be had: version
// 2 where it is delegated, else version 1; a version 2 without controllers still ends a group as one (cgroup.kill). A
// group also holds what left its worker's session and wiped its environment. Loop thread; a call writes a few files of
// the kernel (about 0.1 ms each) and waits for nothing, but for CgroupTree::open(), which is bounded.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace longhaul::host::process {

// What a group does for us.
enum class GroupPower : std::uint8_t { Memory, Pids, Cpu, Kill };
inline constexpr std::size_t kGroupPowerCount = 4;
std::string_view groupPowerName(GroupPower power);  // "memory", "pids", "cpu", "kill"

enum class GroupVersion : std::uint8_t { None, V1, V2 };

// Of one worker. 0: none.
struct GroupLimits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t pids = 0;         // processes and threads
  std::uint32_t cpu_percent = 0;  // 100: one processor
};

struct GroupUse {
  std::optional<std::uint64_t> memory_bytes, pids;  // nothing: no group counts it
};

struct GroupEvents {
  std::uint64_t oom_kills = 0;     // processes that the kernel ended because of the memory limit
  std::uint64_t pids_refused = 0;  // forks and threads
  std::uint64_t throttled_ms = 0;  // for which it was kept from the processors
};

// One tree of groups, as this process is in it.
struct Hierarchy {
  bool v2 = false;
  std::vector<std::string> controllers;  // of version 1: those mounted there
  std::filesystem::path own;             // the folder of the group that this process is in
  bool operator==(const Hierarchy&) const = default;
};
// From the texts of /proc/self/cgroup and /proc/self/mountinfo. A tree whose group cannot be seen through its mount (as
// in some containers) is left out.
std::vector<Hierarchy> hierarchiesOf(std::string_view cgroup, std::string_view mountinfo);
std::vector<Hierarchy> ownHierarchies();

// The group of one worker: a folder in each hierarchy. It is removed by remove() alone.
class WorkerGroup {
 public:
  struct Part {
    std::filesystem::path folder;
    bool v2 = false;
    std::array<bool, kGroupPowerCount> powers{};
  };

  bool empty() const { return parts_.empty(); }
  // A process that writes 0 to each of these files (or whose pid is written there) is in, with its threads; children
  // that it makes from then on are in too. The kernel may take 10 ms for the first one after a while: not on the loop.
  std::vector<std::filesystem::path> entries() const;
  GroupUse use() const;
  GroupEvents events() const;
  // Processes that are in it; none is the usual case after a worker's end.
  std::vector<pid_t> members() const;
  // Ends all that is in it, at once where the kernel can, else one by one until none is found. False: there is no way
  // to know its members.
  bool kill() const;
  // False: something in it has not ended yet; try again.
  bool remove();

 private:
  friend class CgroupTree;
  const Part* partWith(GroupPower power) const;
  std::vector<Part> parts_;
};

class CgroupTree {
 public:
  struct Layer {
    GroupVersion version = GroupVersion::None;
    std::string reason;  // of None: why, and the remedy
  };

  struct Options {
    std::vector<Hierarchy> hierarchies;
    std::string state_tag;         // the same for all daemons of one state directory; no '/'
    std::filesystem::path memory;  // a file: the folders that a daemon of this state directory made, for the next one
    pid_t self = 0;                // moved into a group beside the workers' where version 2 wants that
    std::chrono::milliseconds sweep_timeout{};
  };

  // Nothing is held by groups; `reason` says why.
  static CgroupTree none(const std::string& reason);
  // First ends and removes what an earlier daemon on this state directory left. What cannot be had is said by layer();
  // it never fails as a whole.
  static CgroupTree open(const Options& options);

  const Layer& layer(GroupPower power) const { return layers_[static_cast<std::size_t>(power)]; }
  bool empty() const { return bases_.empty(); }
  std::size_t sweptCount() const { return swept_count_; }  // processes of an earlier daemon that were ended
  const std::vector<WorkerGroup::Part>& bases() const { return bases_; }

  // A group with these limits, which a worker is then moved into. `name` is a file name.
  Result<WorkerGroup> make(const std::string& name, const GroupLimits& limits) const;
  // At the daemon's end, when all groups of workers were removed.
  void close();

 private:
  CgroupTree() = default;
  void sweep(const std::filesystem::path& base, std::chrono::steady_clock::time_point deadline);
  void add(const Hierarchy& hierarchy, const Options& options);

  std::array<Layer, kGroupPowerCount> layers_;
  std::vector<WorkerGroup::Part> bases_;
  std::filesystem::path memory_;
  std::size_t swept_count_ = 0;
};

}  // namespace longhaul::host::process
