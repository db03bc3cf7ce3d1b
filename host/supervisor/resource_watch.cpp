#include "host/supervisor/resource_watch.h"

#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <algorithm>

#include "host/base/worker_limits.h"
#include "host/process/process_tree.h"

namespace longhaul::host::supervisor {
namespace {

std::string secondsText(Duration span) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(span).count());
}

ResourceWatch::Machine machineNow() {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return {};
  return {.free_memory_bytes = std::uint64_t{info.freeram} * info.mem_unit, .threads = info.procs};
}

std::optional<LookFound> lookAtWorker(pid_t pid, bool children) {
  const auto usage = children ? process::usageOfTree(pid) : process::usageOf(pid);
  if (!usage) return std::nullopt;
  return LookFound{.memory_bytes = usage->rss_bytes,
                   .pids = usage->thread_count,
                   .cpu_ms = usage->cpu_ms,
                   .files = process::openFilesOf(pid)};
}

}  // namespace

// ---------------------------------------------------------------- one worker

WorkerWatch::WorkerWatch(const WatchLimits& limits, TimePoint now)
    : limits_(limits), memory_{.under_at = now}, pids_{.under_at = now}, cpu_at_(now) {}

std::optional<std::string> WorkerWatch::look(TimePoint now, const LookFound& found) {
  near_ = found.memory_bytes * 2 > limits_.memory_bytes && limits_.memory_bytes > 0;
  near_ = near_ || (found.pids * 2 > limits_.pids && limits_.pids > 0);
  if (auto text = lookAt(Limit::Memory, found.memory_bytes, limits_.memory_bytes, memory_, now)) return text;
  if (auto text = lookAt(Limit::Pids, found.pids, limits_.pids, pids_, now)) return text;
  return lookAtCpu(found.cpu_ms, now);
}

std::optional<std::string> WorkerWatch::lookAt(Limit limit, std::uint64_t used, std::uint64_t most, Over& over,
                                               TimePoint now) {
  if (most == 0 || used <= most) {
    over = {.under_at = now};
    return std::nullopt;
  }
  if (++over.looks_count < 2 && used <= most + most / 2) return std::nullopt;
  return fmt::format("{}, for at most {} (watched)", limitText(limit, used, most), secondsText(now - over.under_at));
}

std::optional<std::string> WorkerWatch::lookAtCpu(std::uint64_t cpu_ms, TimePoint now) {
  if (limits_.cpu_percent == 0) return std::nullopt;
  if (!cpu_ms_) {
    cpu_ms_ = cpu_ms;
    cpu_at_ = now;
  }
  if (now - cpu_at_ < kWatchCpuSpan) return std::nullopt;
  const std::chrono::duration<double, std::milli> span = now - cpu_at_;
  // Children that ended take what they used with them.
  const auto used = static_cast<double>(cpu_ms > *cpu_ms_ ? cpu_ms - *cpu_ms_ : 0);
  const auto percent = static_cast<std::uint64_t>(used * 100 / span.count());
  const TimePoint since = std::exchange(cpu_at_, now);
  cpu_ms_ = cpu_ms;
  if (percent <= limits_.cpu_percent) {
    cpu_over_since_.reset();
    return std::nullopt;
  }
  if (!cpu_over_since_) cpu_over_since_ = since;
  if (now - *cpu_over_since_ < kWatchCpuOver) return std::nullopt;
  return fmt::format("{}, for {} (watched)", limitText(Limit::Cpu, percent, limits_.cpu_percent),
                     secondsText(now - *cpu_over_since_));
}

// ---------------------------------------------------------------- all of them

ResourceWatch::Eyes ResourceWatch::ownEyes() {
  return {.machine = machineNow, .worker = lookAtWorker};
}

ResourceWatch::~ResourceWatch() {
  timers_.cancel(timer_);
}

ResourceWatch::Handle ResourceWatch::add(pid_t pid, const WatchLimits& limits, OnOver over, OnSeen seen) {
  if (!limits.any() && !seen) return {};
  const std::uint64_t id = ++last_id_;
  const TimePoint now = timers_.now();
  Watched& watched = watched_
                         .emplace(id, Watched{.pid = pid,
                                              .children = limits.children,
                                              .watch = WorkerWatch{limits, now},
                                              .due = now,
                                              .over = std::move(over),
                                              .seen = std::move(seen)})
                         .first->second;
  watched.due = now + kWatchTick;
  queueOf(watched).emplace(watched.due, id);
  arm();
  return {*this, id};
}

void ResourceWatch::remove(std::uint64_t id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  queueOf(found->second).erase({found->second.due, id});
  watched_.erase(found);
  if (!watched_.empty()) return;
  timers_.cancel(std::exchange(timer_, TimerId::None));
  machine_.reset();
}

void ResourceWatch::arm() {
  if (timer_ != TimerId::None || watched_.empty()) return;
  timer_ = timers_.after(kWatchTick, [this] {
    timer_ = TimerId::None;
    turn();
    arm();
  });
}

// Whether the machine as a whole took so much since the last turn that somebody must have.
bool ResourceWatch::alarmed() {
  const Machine now = eyes_.machine();
  const Machine before = machine_.value_or(now);
  machine_ = now;
  const bool memory = before.free_memory_bytes > now.free_memory_bytes + kWatchAlarmBytes;
  const bool threads = now.threads > before.threads + kWatchAlarmThreads;
  if (!memory && !threads) return false;
  if (alarm_at_ && timers_.now() - *alarm_at_ < kWatchAlarmEvery) return false;
  alarm_at_ = timers_.now();
  return true;
}

void ResourceWatch::turn() {
  if (alarmed()) {
    alarm_looks_left_ = watched_.size();
    far_.clear();
    for (auto& [id, watched] : watched_) {
      if (watched.watch.near()) continue;
      watched.due = std::min(watched.due, timers_.now());
      far_.emplace(watched.due, id);
    }
  }
  std::size_t looks = alarm_looks_left_ > 0 ? kWatchAlarmLooks : kWatchLooksPerTick;
  alarm_looks_left_ -= std::min(alarm_looks_left_, looks);
  looks -= lookAtDue(near_, looks / 2);
  looks -= lookAtDue(far_, looks);
  lookAtDue(near_, looks);
}

std::size_t ResourceWatch::lookAtDue(Queue& queue, std::size_t looks_max) {
  const TimePoint now = timers_.now();
  const Duration round = kWatchTick * static_cast<int>(watched_.size() / kWatchLooksPerTick);
  std::size_t looks = 0;
  for (; looks < looks_max && !queue.empty() && queue.begin()->first <= now; ++looks) {
    const std::uint64_t id = queue.begin()->second;
    queue.erase(queue.begin());
    Watched& watched = watched_.at(id);
    ++looks_count_;
    const auto found = eyes_.worker(watched.pid, watched.children);
    // Gone, or a process that ends: who owns it hears of that elsewhere.
    if (found && watched.seen) watched.seen(*found);
    const auto text = found ? watched.watch.look(now, *found) : std::nullopt;
    if (text) {
      const OnOver over = std::move(watched.over);
      remove(id);
      over(*text);
      continue;
    }
    watched.due = now + (watched.watch.near() ? Duration{kWatchTick} : std::max<Duration>(kWatchEvery, round));
    queueOf(watched).emplace(watched.due, id);
  }
  return looks;
}

}  // namespace longhaul::host::supervisor
