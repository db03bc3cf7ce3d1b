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
    failure = needsYes(outcome.plan.needs_yes_reason);
  }
  failure.more = std::move(json);
  return failure;
}

std::vector<std::string> planLines(const Answer& answer) {
  std::vector<std::string> lines;
  const auto* failure = std::get_if<Failure>(&answer);
  if (failure != nullptr) lines.push_back(failure->detail);
  const auto done = failure == nullptr ? parseJson(std::get<std::string>(answer)) : Result<Json>{failure->more};
  std::string text = done && done->is_object() ? done->value("text", std::string{}) : std::string{};
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

PlanAsked AdminService::folderPlan() const {
  return {
      .owner = config::Owner::File,
      .whole_folder = true,
      .load = [folder = around_.config.instances_dir, restart = around_.config.restart](
                  const std::vector<store::InstanceRecord>&) { return config::loadInstancesFolder(folder, restart); }};
}

// Files act in nobody's name, so the daemon stands in the audit for what they made, and approved.
void AdminService::auditFolder(const PlanOutcome& outcome) {
  if (outcome.dry_run) return;
  for (const StepResult& result : outcome.results) {
    const auto& planned = outcome.plan.instances;
    const auto found =
        std::find_if(planned.begin(), planned.end(), [&](const auto& each) { return each.name == result.name; });
    if (found == planned.end() || result.action == config::Action::Unchanged) continue;
    Json detail{{"action", config::toText(result.action)}};
    if (!found->source.empty()) detail["file"] = found->source;
    if (!found->approves.empty()) detail["approves"] = found->approves;
    audit_log_.add({.name = "longhauld", .role = Role::Admin},
                   {.act = "instances.apply",
                    .target = result.name,
                    .detail = std::move(detail),
                    .outcome = result.error ? result.error->message : std::string("done")},
                   [](const Result<void>&) {});  // the store's own faults are told elsewhere
  }
}

void AdminService::applyFolder(std::function<void(const PlanOutcome& outcome)> done) {
  if (!done && plans_.folderWaits()) return;
  plans_.run(folderPlan(), [this, done = std::move(done)](const PlanOutcome& outcome) {
    news_.planned(outcome);
    auditFolder(outcome);
    if (done) done(outcome);
  });
  plans_.run({.owner = config::Owner::Api,
              .load = [restart = around_.config.restart](
                          const std::vector<store::InstanceRecord>& records) { return heldOf(records, restart); }},
             {});
}

void AdminService::reload(bool dry_run, bool yes, const Reply& reply) {
  around_.catalog.rescan(guarded([this, dry_run, yes, reply] {
    PlanAsked asked = folderPlan();
    asked.dry_run = dry_run;
    asked.yes = yes;
    plans_.run(std::move(asked), [this, yes, reply](const PlanOutcome& outcome) {
      news_.planned(outcome);
      auditFolder(outcome);
      reply(planAnswer(outcome, yes));
    });
  }));
}

void AdminService::onPluginChanged(const catalog::PluginFile& file) {
  news_.pluginActive(file);
  if (!ready()) return;  // at the start the folder is applied once all plugins are known
  const auto instances = around_.supervisor.list();
  const bool missed = std::any_of(instances.begin(), instances.end(), [&](const supervisor::InstanceView& view) {
    return view.plugin == file.id && isNothingApproved(view.grants);
  });
  // What did not fit the manifest before may fit it now.
  if (missed || !plans_.lastFolder().ok()) applyFolder({});
}

void AdminService::apply(ApplyAsked asked, const Reply& reply) {
  const bool yes = asked.yes;
  plans_.run(
      {.owner = config::Owner::Api,
       .all_or_nothing = true,
       .dry_run = asked.dry_run,
       .yes = yes,
       .load = [text = std::move(asked.text), file = std::move(asked.file), restart = around_.config.restart](
                   const std::vector<store::InstanceRecord>&) { return config::parseInstances(text, file, restart); }},
      [this, yes, reply](const PlanOutcome& outcome) {
        news_.planned(outcome);
        reply(planAnswer(outcome, yes));
      });
}

Answer AdminService::policy(const std::string& name) const {
  const auto view = around_.supervisor.find(name);
  if (!view) return unknownInstance(name);
  const auto instance = config::fromRecord(view->name, view->plugin, view->config, around_.config.restart);
  if (!instance) return toFailure(instance.error());
  return dumpJson(policyJson(name, instance->restart));
}

}  // namespace longhaul::host::admin
