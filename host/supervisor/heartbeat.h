// Looks once a heartbeat whether one worker makes progress, for plugins that declare one: no message, no timer
// elsewhere. What a look means is lifecycle's (watchdog.h); here is what it is made of. Ends with the worker, or when
// that is asked to stop. Loop only; private to this room.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "host/base/timer_queue.h"
#include "host/lifecycle/watchdog.h"
#include "host/process/worker_threads.h"

namespace longhaul::host::supervisor {

class Heartbeat {
 public:
  // What is looked at; a test has its own.
  struct Sources {
    std::function<std::uint64_t()> progress;             // the counter of the page
    std::function<process::QueueWaits()> queue_waits;    // of the worker's threads
    std::function<bool()> is_traced;                     // by a debugger
    std::function<bool(Duration)> host_owes;             // a call waits for its answer since so long
    std::function<Duration()> suspended = suspendedFor;  // how long the machine slept since its start
  };
  // `told` runs after each look that changed something; Hung comes once, and nothing after it.
  Heartbeat(TimerQueue& timers, Duration interval, Sources sources,
            std::function<void(lifecycle::WatchdogVerdict)> told);
  ~Heartbeat() { timers_.cancel(timer_); }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  const lifecycle::Watchdog& watchdog() const { return watchdog_; }
  // By the clock of people; 0: it is responsive.
  std::int64_t unresponsiveSinceUs() const { return unresponsive_since_us_; }

  // CLOCK_BOOTTIME runs while the machine is suspended, the steady clock does not.
  static Duration suspendedFor();

 private:
  void arm();
  void look();

  TimerQueue& timers_;
  Duration interval_;
  Sources sources_;
  std::function<void(lifecycle::WatchdogVerdict)> told_;
  lifecycle::Watchdog watchdog_;
  TimerId timer_ = TimerId::None;
  TimePoint looked_at_, due_at_;
  std::uint64_t progress_;
  process::QueueWaits waits_;
  Duration suspended_;
  std::int64_t unresponsive_since_us_ = 0;
};

}  // namespace longhaul::host::supervisor
