// What each instance did in each of the last minutes: server calls, incidents made, lines logged. Once a minute the
// counters that the supervisor keeps anyway are looked at; nothing is read for it, and nothing is kept over a restart.
// Loop only. Owns its timer; borrows the rest.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "host/base/ids.h"
#include "host/base/timer_queue.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

inline constexpr std::size_t kActivityMinutes = 60;         // kept: 720 bytes an instance
inline constexpr std::size_t kActivityMinutesDefault = 30;  // shown
inline constexpr std::chrono::minutes kActivitySpan{1};

// What was done in one.
struct Minute {
  std::uint32_t calls = 0;
  std::uint32_t incidents = 0;
  std::uint32_t log_lines = 0;
};

// One instance's minutes. A value.
class MinuteSeries {
 public:
  // What was counted up to now, since the daemon's start.
  struct Counted {
    std::uint64_t calls = 0;
    std::uint64_t incidents = 0;
    std::uint64_t log_lines = 0;
  };
  // A minute is over.
  void endMinute(const Counted& now);
  // At most `count` minutes, the oldest first; the last is the one that is under way.
  std::vector<Minute> last(std::size_t count, const Counted& now) const;

 private:
  Counted at_end_;
  std::deque<Minute> minutes_;
};

class Activity {
 public:
  Activity(TimerQueue& timers, const supervisor::Supervisor& supervisor);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

  // The body of the answer (docs/API.md). `names`: names and globs; none: all. `minutes` 1 to kActivityMinutes.
  std::string text(const std::vector<std::string>& names, std::size_t minutes) const;

 private:
  void endMinute();
  void arm();

  TimerQueue& timers_;
  const supervisor::Supervisor& supervisor_;
  std::map<InstanceId, MinuteSeries> series_;
  std::int64_t minute_began_us_;
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::admin
