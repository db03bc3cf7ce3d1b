// Apply, reload, the instances folder, and the schedule of restarts: what comes from the configuration.

#include <algorithm>

#include "host/admin/admin_service.h"
#include "host/admin/late.h"
#include "host/admin/policy_json.h"

namespace longhaul::host::admin {

Answer planAnswer(const PlanOutcome& outcome, bool yes) {
  if (outcome.error) return toFailure(*outcome.error);
  Json results = Json::array();
  for (const StepResult& result : outcome.results)
    results.push_back(toJson(result));
  const bool ok = outcome.ok(yes);
  Json json{{"ok", ok},
            {"dryRun", outcome.dry_run},
            {"applied", outcome.applied},
            {"plan", config::toJson(outcome.plan)},
            {"text", config::toText(outcome.plan)},
            {"results", std::move(results)}};
  if (ok || outcome.dry_run) return dumpJson(json);

  Failure failure;
  const auto failed = std::find_if(outcome.results.begin(), outcome.results.end(),
                                   [](const StepResult& result) { return result.error.has_value(); });
  if (failed != outcome.results.end()) {
    failure = toFailure(withContext(failed->name, *failed->error));
  } else if (!outcome.plan.problems.empty()) {
    const config::Problem& first = outcome.plan.problems.front();
    failure = invalid(config::toText(first), first.pointer);
    failure.plan_is_at_fault = true;
  } else {
    failure = {.code = std::string(kNeedsYes), .detail = outcome.plan.needs_yes_reason, .hint = "say --yes"};
  }
  failure.more = std::move(json);
  return failure;
}

void AdminService::applyFolder(std::function<void(const PlanOutcome& outcome)> done) {
  if (!done && plans_.folderWaits()) return;
  plans_.run(
      {.owner = config::Owner::File,
       .whole_folder = true,
       .load = [folder = around_.config.instances_dir, restart = around_.config.restart](
                   const std::vector<store::InstanceRecord>&) { return config::loadInstancesFolder(folder, restart); }},
      [done = std::move(done)](const PlanOutcome& outcome) {
        if (done) done(outcome);
      });
}

void AdminService::reload(bool dry_run, bool yes, const Reply& reply) {
  around_.catalog.rescan(guarded([this, dry_run, yes, reply] {
    plans_.run(
        {.owner = config::Owner::File,
         .whole_folder = true,
         .dry_run = dry_run,
         .yes = yes,
         .load =
             [folder = around_.config.instances_dir, restart = around_.config.restart](
                 const std::vector<store::InstanceRecord>&) { return config::loadInstancesFolder(folder, restart); }},
        [yes, reply](const PlanOutcome& outcome) { reply(planAnswer(outcome, yes)); });
  }));
}

void AdminService::onPluginChanged(const catalog::PluginFile& file) {
  if (!ready()) return;  // the folder is applied at the end of the start
  applyFolder({});
  plans_.run(
      {.owner = config::Owner::Api,
       .load = [plugin = file.id, restart = around_.config.restart](
                   const std::vector<store::InstanceRecord>& records) { return heldOf(records, plugin, restart); }},
      {});
}

void AdminService::apply(ApplyAsked asked, const Reply& reply) {
  const bool yes = asked.yes;
  plans_.run(
      {.owner = config::Owner::Api,
       .dry_run = asked.dry_run,
       .yes = yes,
       .load = [text = std::move(asked.text), file = std::move(asked.file), restart = around_.config.restart](
                   const std::vector<store::InstanceRecord>&) { return config::parseInstances(text, file, restart); }},
      [yes, reply](const PlanOutcome& outcome) { reply(planAnswer(outcome, yes)); });
}

Answer AdminService::policy(const std::string& name) const {
  const auto view = around_.supervisor.find(name);
  if (!view) return unknownInstance(name);
  const auto instance = config::fromRecord(view->name, view->plugin, view->config, around_.config.restart);
  if (!instance) return toFailure(instance.error());
  return dumpJson(policyJson(name, instance->restart));
}

}  // namespace longhaul::host::admin
