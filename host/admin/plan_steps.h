// From a plan to what the supervisor is told, and to what one waits for afterwards. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/admin/waiting.h"
#include "host/config/instances.h"
#include "host/config/plan.h"
#include "host/store/values.h"

namespace longhaul::host::admin {

// What is done to one instance, in this order; each part waits for the one before.
struct PlanStep {
  std::string name;
  config::Action action = config::Action::Unchanged;
  std::optional<store::PutInstance> put;
  std::optional<bool> orphaned;
  std::optional<bool> enabled;
};

// Of Create, Change and Orphan; the others are left alone.
std::vector<PlanStep> stepsOf(const config::Plan& plan, config::Owner owner, std::int64_t now_us);

// What came of one step.
struct StepResult {
  std::string name;
  config::Action action = config::Action::Unchanged;
  std::optional<Error> error;
  Since since;
};
Json toJson(const StepResult& result);

// Whether a worker that runs is replaced by this step: a file that only has another name changes no target.
bool replacesWorker(const config::PlannedInstance& planned);

// The instances as the planner wants them.
std::vector<config::CurrentInstance> currentOf(const std::vector<store::InstanceRecord>& records);

// Instances of this plugin that were made by the API while it was not there: nothing of it was checked or approved yet.
// What is planned for them now is what was asked for then.
config::InstanceSet heldOf(const std::vector<store::InstanceRecord>& records, std::string_view plugin,
                           const config::RestartConfig& defaults);

}  // namespace longhaul::host::admin
