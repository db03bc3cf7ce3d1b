#include "host/lifecycle/restart_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/counted.h"

namespace longhaul::host::lifecycle {
namespace {

using What = RestartDecision::What;
using Level = RestartDecision::Level;

void dropBefore(std::deque<TimePoint>& times, TimePoint limit) {
  while (!times.empty() && times.front() <= limit)
    times.pop_front();
}

// Keeps the newest `most`: more are not needed to know that there are so many.
void addBounded(std::deque<TimePoint>& times, TimePoint now, std::uint32_t most) {
  times.push_back(now);
  while (times.size() > std::max<std::uint32_t>(most, 1))
    times.pop_front();
}

Duration scaled(Duration value, double factor) {
  return Duration(static_cast<Duration::rep>(std::llround(static_cast<double>(value.count()) * factor)));
}

Duration doubled(const RestartSettings& settings, std::uint32_t times) {
  Duration delay = std::min(settings.first_delay, settings.delay_max);
  for (std::uint32_t i = 0; i < times && delay < settings.delay_max; ++i)
    delay = std::min(delay * 2, settings.delay_max);
  return delay;
}

RestartDecision restOrNothing(const RestartSettings& settings, const RunEnd& end) {
  RestartDecision decision;
  const bool clean = end.kind == RunEnd::Kind::Completed;
  if (end.kind == RunEnd::Kind::Deterministic) {
    decision.what = What::RestRefused;
    decision.reason = "it would fail again: not tried until its file or its configuration changes";
  } else if (settings.mode == RestartMode::Never && end.kind != RunEnd::Kind::HostTrouble) {
    decision.what = What::RestCompleted;
    decision.reason = "its restart policy is never";
  } else if (settings.mode == RestartMode::OnFailure && clean) {
    decision.what = What::RestCompleted;
    decision.reason = "it completed, and its restart policy is on-failure";
  }
  return decision;
}

std::string_view levelText(Level level) {
  switch (level) {
    case Level::Backoff:
      return "";
    case Level::CrashLoop:
      return "crash-loop: ";
    case Level::Quarantined:
      return "quarantined: ";
  }
  return "";
}

}  // namespace

std::string_view restartModeName(RestartMode value) {
  switch (value) {
    case RestartMode::Always:
      return "always";
    case RestartMode::OnFailure:
      return "on-failure";
    case RestartMode::Never:
      return "never";
  }
  return "always";
}

std::optional<RestartMode> restartModeFromName(std::string_view name) {
  for (const RestartMode mode : {RestartMode::Always, RestartMode::OnFailure, RestartMode::Never}) {
    if (restartModeName(mode) == name) return mode;
  }
  return std::nullopt;
}

void RestartHistory::forget() {
  failures.clear();
  delays_used = 0;
  at_once_used = false;
  quarantined = false;
}

RestartDecision decideRestart(RestartHistory& history, const RestartSettings& settings, const RunEnd& end,
                              TimePoint now, double random) {
  dropBefore(history.ends, now - settings.flapping_window);
  addBounded(history.ends, now, settings.flapping_count);
  const bool flapping = settings.flapping_count > 0 && history.ends.size() >= settings.flapping_count;

  RestartDecision decision = restOrNothing(settings, end);
  decision.flapping = flapping;
  if (decision.what != What::AtOnce) return decision;

  // A long run pays for what was before it; failures within the window still count for crash-loop and quarantine.
  if (end.was_ready && end.ran_for >= settings.forgotten_after) {
    history.delays_used = 0;
    history.at_once_used = false;
    history.quarantined = false;
  }
  dropBefore(history.failures, now - settings.window);
  if (end.kind == RunEnd::Kind::Failed) addBounded(history.failures, now, settings.quarantine_count);
  const std::size_t failures = history.failures.size();
  if (end.kind == RunEnd::Kind::Failed && settings.quarantine_count > 0 && failures >= settings.quarantine_count) {
    history.quarantined = true;
  }

  if (history.quarantined) {
    decision.what = What::Wait;
    decision.level = Level::Quarantined;
    decision.start_at = now + settings.trial_interval;
    decision.reason = fmt::format("quarantined: {} in {}; one trial in {}, or `release`", counted(failures, "failure"),
                                  printDuration(settings.window), printDuration(settings.trial_interval));
    return decision;
  }
  if (settings.crash_loop_count > 0 && failures >= settings.crash_loop_count) decision.level = Level::CrashLoop;
  if (end.was_ready && !history.at_once_used) {
    history.at_once_used = true;
    decision.start_at = now;
    decision.reason = fmt::format("{}restarted at once", levelText(decision.level));
    return decision;
  }
  const Duration delay = doubled(settings, history.delays_used);
  if (delay < settings.delay_max) ++history.delays_used;
  const Duration wait = scaled(delay, 1.0 - settings.jitter + 2.0 * settings.jitter * random);
  decision.what = What::Wait;
  decision.start_at = now + wait;
  decision.reason = levelText(decision.level);
  if (failures > 0)
    decision.reason += fmt::format("{} in {}; ", counted(failures, "failure"), printDuration(settings.window));
  decision.reason += fmt::format("next start in {}", printDuration(wait));
  return decision;
}

Schedule restartSchedule(const RestartSettings& settings, Duration run) {
  constexpr double kMiddle = 0.5;  // of the jitter's range: the delay itself
  constexpr std::uint32_t kStepsMax = 100;
  Schedule schedule;
  RestartHistory history;
  TimePoint now{};
  const TimePoint first = now;
  const RunEnd end{.kind = RunEnd::Kind::Failed, .was_ready = true, .ran_for = run};
  for (std::uint32_t failure = 1; failure <= kStepsMax; ++failure) {
    const RestartDecision decision = decideRestart(history, settings, end, now, kMiddle);
    ScheduleStep step{.failure = failure, .failed_after = now - first, .what = decision.what, .level = decision.level};
    const bool starts = decision.what == What::AtOnce || decision.what == What::Wait;
    if (starts) step.delay = decision.start_at - now;
    const bool jitters = decision.what == What::Wait && decision.level != Level::Quarantined;
    step.delay_least = jitters ? scaled(step.delay, 1.0 - settings.jitter) : step.delay;
    step.delay_most = jitters ? scaled(step.delay, 1.0 + settings.jitter) : step.delay;
    const bool repeats = !schedule.steps.empty() && decision.level == schedule.steps.back().level &&
                         step.delay == schedule.steps.back().delay;
    schedule.steps.push_back(step);
    if (!starts) break;
    if (decision.level == Level::Quarantined) {
      schedule.until_quarantine = step.failed_after;
      break;
    }
    // Past the cap, and old failures leave the window as fast as new ones come: it goes on so for ever.
    if (repeats && step.failed_after > settings.window && failure > settings.quarantine_count) break;
    now = decision.start_at + run;
  }
  return schedule;
}

std::string printSchedule(const RestartSettings& settings, Duration run) {
  const Schedule schedule = restartSchedule(settings, run);
  std::string out = fmt::format("restart: {}\n", restartModeName(settings.mode));
  for (const ScheduleStep& step : schedule.steps) {
    out += fmt::format("failure {:>2} after {:>10}: ", step.failure, printDuration(step.failed_after));
    switch (step.what) {
      case What::RestCompleted:
      case What::RestRefused:
        out += "not restarted";
        break;
      case What::AtOnce:
        out += "restarted at once";
        break;
      case What::Wait:
        out += step.level == Level::Quarantined
                   ? fmt::format("one trial every {}", printDuration(step.delay))
                   : fmt::format("restarted in {} ({} to {})", printDuration(step.delay),
                                 printDuration(step.delay_least), printDuration(step.delay_most));
        break;
    }
    if (step.level == Level::CrashLoop) out += ", crash-loop";
    if (step.level == Level::Quarantined) out += ", quarantined";
    out += '\n';
  }
  if (schedule.until_quarantine) {
    out += fmt::format("quarantined {} after the first failure, counted without jitter\n",
                       printDuration(*schedule.until_quarantine));
  } else {
    out += "never quarantined at this rate\n";
  }
  return out;
}

std::string printDuration(Duration value) {
  using namespace std::chrono;
  const auto ms = round<milliseconds>(value).count();
  if (ms == 0) return "0 s";
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) {
    const auto tenths = (ms + 50) / 100;
    return tenths % 10 == 0 ? fmt::format("{} s", tenths / 10) : fmt::format("{}.{} s", tenths / 10, tenths % 10);
  }
  const auto seconds_all = (ms + 500) / 1000;
  const auto h = seconds_all / 3600;
  const auto m = seconds_all / 60 % 60;
  const auto s = seconds_all % 60;
  std::string out;
  if (h > 0) out += fmt::format("{} h ", h);
  if (m > 0) out += fmt::format("{} min ", m);
  if (s > 0) out += fmt::format("{} s ", s);
  out.pop_back();
  return out;
}

}  // namespace longhaul::host::lifecycle
