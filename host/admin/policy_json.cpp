#include "host/admin/policy_json.h"

#include <array>
#include <chrono>

#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::admin {
namespace {

using lifecycle::RestartDecision;

std::int64_t ms(Duration value) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
}

lifecycle::RestartSettings settingsOf(const config::RestartConfig& restart) {
  lifecycle::RestartSettings settings;
  settings.mode = lifecycle::restartModeFromName(restart.policy).value_or(lifecycle::RestartMode::Always);
  settings.first_delay = restart.first_delay;
  settings.delay_max = restart.delay_max;
  settings.jitter = restart.jitter;
  settings.forgotten_after = restart.forgotten_after;
  settings.crash_loop_count = restart.crash_loop_count;
  settings.quarantine_count = restart.quarantine_count;
  settings.window = restart.window;
  settings.trial_interval = restart.trial_interval;
  return settings;
}

}  // namespace

Json policyJson(const std::string& name, const config::RestartConfig& restart) {
  constexpr std::array<std::string_view, 4> kWhat{"at-once", "wait", "rest-completed", "rest-refused"};
  constexpr std::array<std::string_view, 3> kLevel{"backoff", "crash-loop", "quarantined"};
  const lifecycle::RestartSettings settings = settingsOf(restart);
  const lifecycle::Schedule schedule = lifecycle::restartSchedule(settings);
  Json steps = Json::array();
  for (const lifecycle::ScheduleStep& step : schedule.steps) {
    steps.push_back({{"failure", step.failure},
                     {"failedAfterMs", ms(step.failed_after)},
                     {"what", kWhat.at(static_cast<std::size_t>(step.what))},
                     {"level", kLevel.at(static_cast<std::size_t>(step.level))},
                     {"delayMs", ms(step.delay)},
                     {"delayLeastMs", ms(step.delay_least)},
                     {"delayMostMs", ms(step.delay_most)}});
  }
  Json json{{"name", name},
            {"restart",
             {{"policy", restart.policy},
              {"firstDelayMs", restart.first_delay.count()},
              {"delayMaxMs", restart.delay_max.count()},
              {"jitter", restart.jitter},
              {"forgottenAfterMs", restart.forgotten_after.count()},
              {"crashLoopCount", restart.crash_loop_count},
              {"quarantineCount", restart.quarantine_count},
              {"windowMs", restart.window.count()},
              {"trialIntervalMs", restart.trial_interval.count()}}},
            {"steps", std::move(steps)},
            {"text", lifecycle::printSchedule(settings)}};
  if (schedule.until_quarantine) json["untilQuarantineMs"] = ms(*schedule.until_quarantine);
  return json;
}

}  // namespace longhaul::host::admin
