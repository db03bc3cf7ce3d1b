// Whether a worker that declared a heartbeat makes progress. Misses are counted, never timed: one look a heartbeat, and
// a look counts as a miss only when nobody but the plugin can be the reason. The table (watchdogCell) is what decides;
// docs/LIFECYCLE.md prints it. Pure: no clock, no I/O; values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/timer_queue.h"

namespace longhaul::host::lifecycle {

// What one look found. Spans are since the look before.
struct Look {
  bool progressed = false;
  Duration since{};        // on the clock of the host, which does not run while the machine is suspended
  Duration late{};         // so much after its time the look came: the host was starved or stopped
  Duration suspended{};    // the machine slept
  Duration waited{};       // that thread of the worker that waited longest for a processor waited so long for one
  bool host_owes = false;  // a call of its has waited for the host's answer all the time
  bool traced = false;     // a debugger has stopped it
};

// What a look is, for the table.
enum class LookKind : std::uint8_t { Progress, NotCounted, Missed };
inline constexpr std::size_t kLookKindCount = 3;
std::string_view lookKindName(LookKind value);

// How many looks were missed in a row is the state.
inline constexpr std::size_t kWatchdogStates = 3;

enum class WatchdogVerdict : std::uint8_t {
  Nothing,
  Responsive,    // it makes progress again
  Unresponsive,  // health says so from now on
  Hung,          // its stacks are taken, and it is ended
};

struct WatchdogCell {
  std::string_view text;  // in a few words
  std::uint8_t next;      // state
  WatchdogVerdict verdict;
};
const WatchdogCell& watchdogCell(LookKind look, std::size_t missed);

class Watchdog {
 public:
  explicit Watchdog(Duration heartbeat) : heartbeat_(heartbeat) {}

  WatchdogVerdict look(const Look& look);

  std::size_t missedCount() const { return missed_; }
  // Why the last look did not count; empty: it did, or there was progress.
  const std::string& notCounted() const { return not_counted_; }
  // "no progress() for 3 heartbeats of 5 s"
  std::string text() const;

 private:
  LookKind kindOf(const Look& look);

  Duration heartbeat_;
  std::size_t missed_ = 0;
  Duration ran_{};  // of looks that the worker spent waiting for a processor in part
  std::string not_counted_;
};

}  // namespace longhaul::host::lifecycle
