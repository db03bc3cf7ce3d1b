// The seam of time. Everything on the loop that waits asks this queue; the loop drives it with the steady clock and
// tests drive it by hand, so no test sleeps. Loop only. Callbacks run inside advanceTo(), in the order of their times
// (equal times: in the order of their making), may add and cancel timers, and must not throw.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace longhaul::host {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// 0: no timer.
enum class TimerId : std::uint64_t { None = 0 };

class TimerQueue {
 public:
  explicit TimerQueue(TimePoint now) : now_(now) {}

  // The time of the last advanceTo(): constant during one turn of the loop.
  TimePoint now() const { return now_; }

  TimerId at(TimePoint when, std::function<void()> callback);
  TimerId after(Duration delay, std::function<void()> callback) { return at(now_ + delay, std::move(callback)); }
  // Unknown, fired and None ids are ignored: a late cancel is no bug.
  void cancel(TimerId id);
  // When advanceTo() has next something to do; nothing: no timer is set.
  std::optional<TimePoint> next() const;
  // Sets now() and runs what is due. A time before now() runs nothing and changes nothing.
  void advanceTo(TimePoint now);
  std::size_t size() const { return timers_.size(); }

 private:
  using Key = std::pair<TimePoint, std::uint64_t>;
  TimePoint now_;
  std::uint64_t last_id_ = 0;
  std::map<Key, std::function<void()>> timers_;
  std::unordered_map<std::uint64_t, TimePoint> when_;
};

// Microseconds since 1970-01-01 UTC, from the system's clock: for stamps that people read, never for waiting.
std::int64_t wallNowUs();

}  // namespace longhaul::host
