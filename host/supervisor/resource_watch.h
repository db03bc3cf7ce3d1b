// Looks at what the kernel does not hold: memory, processes with threads, and processor time of workers without a
// control group for it; and tells what it saw of any worker, for its crash card. Each look reads a file or two of
// /proc, so looks are rationed: so many a turn, sooner for a worker that is over half of a limit, and at many at once
// when the whole machine took much memory or many threads since the last turn (asking that costs one system call). Loop
// only. Owns its timer; workers are known to it by pid while they are watched.
//
// When a worker is over: memory and pids at the second look in a row, or at the first if it is over by half;
// cpu_percent when its share was over it for kWatchCpuOver without a break.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "host/base/timer_queue.h"
#include "host/supervisor/limit_plan.h"

namespace longhaul::host::supervisor {

// What one look found of a worker and its children.
struct LookFound {
  std::uint64_t memory_bytes = 0;
  std::uint64_t pids = 0;
  std::uint64_t cpu_ms = 0;
  std::optional<std::uint64_t> files{};  // open in the worker itself
};

// Decides for one worker. Pure.
class WorkerWatch {
 public:
  WorkerWatch(const WatchLimits& limits, TimePoint now);
  // The sentence that names limit, value and how long it was over; nothing: within its limits.
  std::optional<std::string> look(TimePoint now, const LookFound& found);
  // Over half of a limit: to be looked at again soon.
  bool near() const { return near_; }

 private:
  struct Over {
    TimePoint under_at;  // the last time that it was seen within
    int looks_count = 0;
  };
  std::optional<std::string> lookAt(Limit limit, std::uint64_t used, std::uint64_t most, Over& over, TimePoint now);
  std::optional<std::string> lookAtCpu(std::uint64_t cpu_ms, TimePoint now);

  WatchLimits limits_;
  Over memory_, pids_;
  TimePoint cpu_at_;                     // begin of the span over which the share is taken now
  std::optional<std::uint64_t> cpu_ms_;  // at that time
  std::optional<TimePoint> cpu_over_since_;
  bool near_ = false;
};

class ResourceWatch {
 public:
  struct Machine {
    std::uint64_t free_memory_bytes = 0;
    std::uint64_t threads = 0;
  };
  struct Eyes {
    std::function<Machine()> machine;
    std::function<std::optional<LookFound>(pid_t pid, bool children)> worker;  // nothing: it is gone
  };
  static Eyes ownEyes();

  ResourceWatch(TimerQueue& timers, Eyes eyes) : timers_(timers), eyes_(std::move(eyes)) {}
  ~ResourceWatch();
  ResourceWatch(const ResourceWatch&) = delete;
  ResourceWatch& operator=(const ResourceWatch&) = delete;

  // Ends the watching of one worker with itself.
  class Handle {
   public:
    Handle() = default;
    Handle(ResourceWatch& watch, std::uint64_t id) : watch_(&watch), id_(id) {}
    Handle(Handle&& other) noexcept : watch_(std::exchange(other.watch_, nullptr)), id_(other.id_) {}
    Handle& operator=(Handle&& other) noexcept {
      std::swap(watch_, other.watch_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~Handle() {
      if (watch_ != nullptr) watch_->remove(id_);
    }

   private:
    ResourceWatch* watch_ = nullptr;
    std::uint64_t id_ = 0;
  };

  // `over` runs at most once, from a timer, and may add and end. `seen` runs at each look and does neither. The handle
  // does not outlive this.
  using OnOver = std::function<void(const std::string& text)>;
  using OnSeen = std::function<void(const LookFound& found)>;
  [[nodiscard]] Handle add(pid_t pid, const WatchLimits& limits, OnOver over, OnSeen seen = {});

  std::uint64_t looksCount() const { return looks_count_; }

 private:
  struct Watched {
    pid_t pid = 0;
    bool children = true;
    WorkerWatch watch;
    TimePoint due;
    OnOver over;
    OnSeen seen;
  };
  void remove(std::uint64_t id);
  void arm();
  void turn();
  bool alarmed();
  using Queue = std::set<std::pair<TimePoint, std::uint64_t>>;
  Queue& queueOf(const Watched& watched) { return watched.watch.near() ? near_ : far_; }
  // Of those that are due, so many at most; gives how many there were.
  std::size_t lookAtDue(Queue& queue, std::size_t looks_max);

  TimerQueue& timers_;
  Eyes eyes_;
  std::map<std::uint64_t, Watched> watched_;
  Queue near_, far_;  // of their limits; who is near does not wait behind all the others
  std::uint64_t last_id_ = 0;
  std::optional<Machine> machine_;
  std::optional<TimePoint> alarm_at_;
  std::size_t alarm_looks_left_ = 0;
  std::uint64_t looks_count_ = 0;
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::supervisor
