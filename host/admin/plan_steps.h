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
  bool held = false;  // there is nothing to wait for: an older worker may go on meanwhile
  std::optional<Error> error;
  Since since;
};
Json toJson(const StepResult& result);

// Whether a worker that runs is replaced by this step: a file that only has another name changes no target.
bool replacesWorker(const config::PlannedInstance& planned);

// The instances as the planner wants them.
std::vector<config::CurrentInstance> currentOf(const std::vector<store::InstanceRecord>& records);

// "{}": the plugin was not there when the instance was made, so nothing could be approved.
bool isNothingApproved(std::string_view grants);

// Instances that were made by the API while their plugin was not there: nothing of them was checked or approved yet.
// What is planned for them once it came is what was asked for then. Each is a file of its own to the planner, so that
// one that does not fit leaves the others alone.
config::InstanceSet heldOf(const std::vector<store::InstanceRecord>& records, const config::RestartConfig& defaults);

}  // namespace longhaul::host::admin
