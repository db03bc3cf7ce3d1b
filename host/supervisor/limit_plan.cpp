#include "host/supervisor/limit_plan.h"

#include <fmt/format.h>
#include <sys/resource.h>

namespace longhaul::host::supervisor {
namespace {

using process::GroupPower;
using process::GroupVersion;

constexpr std::uint64_t kMib = 1U << 20;
constexpr std::uint64_t kStackBytes = 8U << 20;  // of a thread, by the C library's default: reserved, hardly ever used
constexpr std::uint64_t kThreadsReckoned = 256;

std::size_t index(Limit limit) {
  return static_cast<std::size_t>(limit);
}

LimitHolder groupOr(LimitHolder otherwise, const LimitSurroundings& around, GroupPower power) {
  switch (around.groups[static_cast<std::size_t>(power)]) {
    case GroupVersion::V2:
      return LimitHolder::CgroupV2;
    case GroupVersion::V1:
      return LimitHolder::CgroupV1;
    case GroupVersion::None:
      break;
  }
  return otherwise;
}

std::uint64_t positive(std::int64_t value) {
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

}  // namespace

std::string_view limitName(Limit limit) {
  constexpr std::array<std::string_view, kLimitCount> kNames{
      "memory_mib",          "pids", "files", "cpu_percent", "disk_mib", "context_mib", "calls_per_second",
      "log_lines_per_second"};
  return kNames[index(limit)];
}

std::string_view holderName(LimitHolder holder) {
  constexpr std::array<std::string_view, 6> kNames{"off", "cgroup v2", "cgroup v1", "rlimit", "watch", "host"};
  return kNames[static_cast<std::size_t>(holder)];
}

LimitPlan planLimits(const config::Limits& limits, const LimitSurroundings& around) {
  LimitPlan plan;
  plan.limits = limits;
  const auto hold = [&](Limit limit, std::int64_t value, LimitHolder holder) {
    plan.holders[index(limit)] = value > 0 ? holder : LimitHolder::Off;
    return plan.holders[index(limit)];
  };
  const auto rlimit = [&](int resource, std::uint64_t value) {
    plan.rlimits.push_back({.resource = static_cast<std::uint32_t>(resource), .soft = value, .hard = value});
  };
  const std::uint64_t memory_bytes = positive(limits.memory_mib) * kMib;
  const std::uint64_t pids = positive(limits.pids);

  plan.group = {.memory_bytes = memory_bytes,
                .pids = pids,
                .cpu_percent = static_cast<std::uint32_t>(positive(limits.cpu_percent))};
  if (hold(Limit::Memory, limits.memory_mib, groupOr(LimitHolder::Watch, around, GroupPower::Memory)) ==
      LimitHolder::Watch) {
    plan.watch.memory_bytes = memory_bytes;
    // Between two looks: what a process reserves is bounded, though not what it uses, and each process for itself.
    const std::uint64_t threads = pids == 0 ? kThreadsReckoned : std::min(pids, kThreadsReckoned);
    if (!around.sanitized) rlimit(RLIMIT_DATA, 2 * memory_bytes + threads * kStackBytes);
  }
  if (hold(Limit::Pids, limits.pids, groupOr(LimitHolder::Watch, around, GroupPower::Pids)) == LimitHolder::Watch) {
    plan.watch.pids = pids;
  }
  // Twice: while one worker replaces another, both have this uid.
  if (around.own_uid && pids > 0) rlimit(RLIMIT_NPROC, 2 * pids);
  if (hold(Limit::Files, limits.files, LimitHolder::Rlimit) == LimitHolder::Rlimit) {
    rlimit(RLIMIT_NOFILE, positive(limits.files));
  }
  if (hold(Limit::Cpu, limits.cpu_percent, groupOr(LimitHolder::Watch, around, GroupPower::Cpu)) ==
      LimitHolder::Watch) {
    plan.watch.cpu_percent = plan.group.cpu_percent;
  }
  // No kernel counts a folder for an ordinary program; but one file alone is not larger than all may be together.
  if (hold(Limit::Disk, limits.disk_mib, LimitHolder::Watch) == LimitHolder::Watch) {
    rlimit(RLIMIT_FSIZE, positive(limits.disk_mib) * kMib);
  }
  hold(Limit::Context, 1, LimitHolder::Host);
  hold(Limit::Calls, limits.calls_per_second, LimitHolder::Host);
  hold(Limit::LogLines, limits.log_lines_per_second, LimitHolder::Host);
  return plan;
}

std::string LimitPlan::mostText(Limit limit) const {
  const std::int64_t mib = limit == Limit::Memory ? limits.memory_mib : limits.disk_mib;
  return mib > 0 ? fmt::format("{} MiB", mib) : std::string{};
}

std::string limitValueText(Limit limit, std::uint64_t value) {
  switch (limit) {
    case Limit::Memory:
    case Limit::Disk:
    case Limit::Context:
      return fmt::format("{} MiB", (value + kMib - 1) / kMib);
    case Limit::Cpu:
      return fmt::format("{} % of a processor", value);
    case Limit::Pids:
    case Limit::Files:
    case Limit::Calls:
    case Limit::LogLines:
      break;
  }
  return std::to_string(value);
}

std::string limitText(Limit limit, std::uint64_t found, std::uint64_t most) {
  return fmt::format("{}: {}, at most {}", limitName(limit), limitValueText(limit, found), limitValueText(limit, most));
}

}  // namespace longhaul::host::supervisor
