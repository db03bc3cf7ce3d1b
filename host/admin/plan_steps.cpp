#include "host/admin/plan_steps.h"

#include <algorithm>

namespace longhaul::host::admin {

std::vector<PlanStep> stepsOf(const config::Plan& plan, config::Owner owner, std::int64_t now_us) {
  std::vector<PlanStep> steps;
  for (const config::PlannedInstance& planned : plan.instances) {
    PlanStep step{.name = planned.name, .action = planned.action};
    if (planned.action == config::Action::Orphan) {
      // The switch goes off in the store too: once a file names it again, that file says whether it is on.
      step.enabled = false;
      step.orphaned = true;
    } else if (planned.action == config::Action::Create || planned.action == config::Action::Change) {
      step.put = store::PutInstance{
          .name = planned.name,
          .plugin = planned.plugin,
          .config = planned.config,
          .grants = planned.grants,
          .owner = owner == config::Owner::File ? store::Owner::File : store::Owner::Api,
          .source = planned.source,
          .first_enabled = planned.action == config::Action::Create && planned.enabled,
          .at_us = now_us,
      };
      if (planned.returns) step.orphaned = false, step.enabled = planned.enabled;
    } else {
      continue;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Json toJson(const StepResult& result) {
  Json json{{"name", result.name}, {"action", config::toText(result.action)}};
  if (result.error) {
    json["error"] = {{"code", codeName(result.error->code)}, {"detail", result.error->message}};
  } else {
    json["since"] = result.since.text();
    if (!result.held) json["wait"] = goalName(result.action == config::Action::Orphan ? Goal::Stopped : Goal::Settled);
  }
  return json;
}

bool replacesWorker(const config::PlannedInstance& planned) {
  return planned.action == config::Action::Change &&
         std::any_of(planned.changes.begin(), planned.changes.end(),
                     [](const std::string& change) { return !change.starts_with("file: "); });
}

std::vector<config::CurrentInstance> currentOf(const std::vector<store::InstanceRecord>& records) {
  std::vector<config::CurrentInstance> current;
  current.reserve(records.size());
  for (const store::InstanceRecord& record : records) {
    current.push_back({.name = record.name,
                       .plugin = record.plugin,
                       .enabled = record.enabled,
                       .orphaned = record.orphaned,
                       .config = record.config,
                       .grants = record.target.grants,
                       .owner = record.owner == store::Owner::File ? config::Owner::File : config::Owner::Api,
                       .source = record.source});
  }
  return current;
}

bool isNothingApproved(std::string_view grants) {
  return grants.empty() || grants == "{}";
}

config::InstanceSet heldOf(const std::vector<store::InstanceRecord>& records, const config::RestartConfig& defaults) {
  config::InstanceSet set;
  for (const store::InstanceRecord& record : records) {
    if (record.owner != store::Owner::Api || !isNothingApproved(record.target.grants)) continue;
    auto instance = config::fromRecord(record.name, record.plugin, record.config, defaults);
    if (!instance) continue;
    instance->file = record.name;
    set.instances.push_back(std::move(instance).value());
  }
  return set;
}

}  // namespace longhaul::host::admin
