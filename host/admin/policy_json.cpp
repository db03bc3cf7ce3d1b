#include "host/admin/policy_json.h"

#include <array>
#include <chrono>

#include "host/lifecycle/restart_policy.h"
#include "host/supervisor/restart_settings.h"

namespace longhaul::host::admin {
namespace {

using lifecycle::RestartDecision;

std::int64_t ms(Duration value) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
}

}  // namespace

Json policyJson(const std::string& name, const config::RestartConfig& restart) {
  constexpr std::array<std::string_view, 4> kWhat{"at-once", "wait", "rest-completed", "rest-refused"};
  constexpr std::array<std::string_view, 3> kLevel{"backoff", "crash-loop", "quarantined"};
  const lifecycle::RestartSettings settings = supervisor::restartSettings(restart);
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
