// From the limits of an instance and what this system gives to what holds each of them: the kernel by a control group,
// the kernel by the worker's own resource limits, a watch by the host, or the host itself because it serves what is
// limited. Pure; values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/instance_limits.h"
#include "host/process/cgroup.h"
#include "host/sandbox/confinement.h"

namespace longhaul::host::supervisor {

// By the keys that operators write (limitName).
enum class Limit : std::uint8_t { Memory, Pids, Files, Cpu, Disk, Context, Calls, LogLines };
inline constexpr std::size_t kLimitCount = 8;
std::string_view limitName(Limit limit);

enum class LimitHolder : std::uint8_t {
  Off,       // "off": there is no such limit for this instance
  CgroupV2,  // "cgroup v2"
  CgroupV1,  // "cgroup v1"
  Rlimit,    // "rlimit"
  Watch,     // "watch": the host looks now and then, and ends the worker
  Host,      // "host": it serves or refuses itself
};
std::string_view holderName(LimitHolder holder);

// What of a worker the host looks at. 0: nothing.
struct WatchLimits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t pids = 0;
  std::uint32_t cpu_percent = 0;
  bool children = true;  // false: it can have none, so they need not be looked for
  bool any() const { return memory_bytes > 0 || pids > 0 || cpu_percent > 0; }
  bool operator==(const WatchLimits&) const = default;
};

struct LimitPlan {
  config::Limits limits;
  std::array<LimitHolder, kLimitCount> holders{};
  process::GroupLimits group;
  std::vector<sandbox::Rlimit> rlimits;  // that the worker sets for itself before it loads anything
  WatchLimits watch;

  LimitHolder holder(Limit limit) const { return holders[static_cast<std::size_t>(limit)]; }
  std::string mostText(Limit limit) const;  // of memory and disk: "64 MiB"; empty: none
};

struct LimitSurroundings {
  std::array<process::GroupVersion, process::kGroupPowerCount> groups{};
  bool own_uid = false;    // a uid that no other instance has: the kernel counts its processes by that too
  bool sanitized = false;  // a sanitizer's shadow memory is in no proportion to what a program uses
};
LimitPlan planLimits(const config::Limits& limits, const LimitSurroundings& around);

// How a limit is spoken of: "memory_mib: 70 MiB, at most 64 MiB".
std::string limitText(Limit limit, std::uint64_t found, std::uint64_t most);
// Of a value in the limit's own unit (bytes for memory and disk): "64 MiB", "256".
std::string limitValueText(Limit limit, std::uint64_t value);

}  // namespace longhaul::host::supervisor
