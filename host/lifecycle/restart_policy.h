// Whether and when a worker is started again. Pure: the time and the random number come as arguments, the past is a
// value (RestartHistory) that the instance machine keeps. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/limits.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::lifecycle {

enum class RestartMode : std::uint8_t { Always, OnFailure, Never };
std::string_view restartModeName(RestartMode value);  // "always", "on-failure", "never"
std::optional<RestartMode> restartModeFromName(std::string_view name);

// An instance's settings. The defaults and where they are from: docs/LIFECYCLE.md.
struct RestartSettings {
  RestartMode mode = RestartMode::Always;
  Duration first_delay = kRestartDelayFirst;
  Duration delay_max = kRestartDelayMax;
  double jitter = kRestartJitter;  // part of the delay, up and down, also at the cap
  Duration forgotten_after = kRestartForgottenAfter;
  std::uint32_t crash_loop_count = kCrashLoopCount;
  std::uint32_t quarantine_count = kQuarantineCount;
  Duration window = kRestartWindow;
  Duration trial_interval = kQuarantineTrial;
  std::uint32_t flapping_count = kFlappingCount;
  Duration flapping_window = kFlappingWindow;
  bool operator==(const RestartSettings&) const = default;
};

// What is remembered of the ends of one instance. Bounded: at most quarantine_count failures and flapping_count ends.
struct RestartHistory {
  std::deque<TimePoint> failures;  // within the window; of this (digest, configuration)
  std::deque<TimePoint> ends;      // within the flapping window; of any target
  std::uint32_t delays_used = 0;   // of the doubling
  bool at_once_used = false;
  bool quarantined = false;

  // `release`, a new file or a new configuration: all but the ends of the day is forgotten.
  void forget();
};

// One end, as far as the policy cares.
struct RunEnd {
  enum class Kind : std::uint8_t {
    Completed,      // clean and unasked
    Failed,         //
    Deterministic,  // will fail again until the file or the configuration changes
    HostTrouble,    // not the plugin's doing (fork failed, address in use): delayed, not counted
  };
  Kind kind = Kind::Failed;
  bool was_ready = false;
  Duration ran_for{};  // from READY to the end
};

struct RestartDecision {
  enum class What : std::uint8_t { AtOnce, Wait, RestCompleted, RestRefused };
  enum class Level : std::uint8_t { Backoff, CrashLoop, Quarantined };
  What what = What::AtOnce;
  Level level = Level::Backoff;  // of AtOnce and Wait: with CrashLoop and Quarantined an operator is alerted
  TimePoint start_at{};          // of AtOnce and Wait
  bool flapping = false;         // a warning: too many ends in a day
  std::string reason;            // "failed 3 times in 10 min; next start in 4.1 s"
};

// Decides after one end and writes it into the history. `random` is in [0, 1).
RestartDecision decideRestart(RestartHistory& history, const RestartSettings& settings, const RunEnd& end,
                              TimePoint now, double random);

// What happens to a plugin that fails `run` after each READY, computed by decideRestart itself without jitter.
struct ScheduleStep {
  std::uint32_t failure = 0;  // 1: the first one
  Duration failed_after{};    // since the first failure
  RestartDecision::What what = RestartDecision::What::AtOnce;
  RestartDecision::Level level = RestartDecision::Level::Backoff;
  Duration delay{}, delay_least{}, delay_most{};  // until the next start: without jitter, and its range
};
struct Schedule {
  std::vector<ScheduleStep> steps;           // until it rests, until quarantine and one trial, or 100 steps
  std::optional<Duration> until_quarantine;  // from the first failure; nothing: never, with these settings
};
Schedule restartSchedule(const RestartSettings& settings, Duration run = Duration::zero());
// The same as lines for people, as `longhaul policy NAME` shows it.
std::string printSchedule(const RestartSettings& settings, Duration run = Duration::zero());

// "350 ms", "4.1 s", "2 min 3 s", "10 min".
std::string printDuration(Duration value);

}  // namespace longhaul::host::lifecycle
