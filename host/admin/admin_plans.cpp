// Apply, reload, the instances folder, and the schedule of restarts: what comes from the configuration.

#include <algorithm>
#include <map>

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

// Files and plugins that come act in nobody's name, so the daemon stands in the audit for what they made, and approved:
// each instance that the plan touches is there before it is touched.
struct AdminService::PlanAudit {
  static constexpr const char* kActor = "longhauld";
  struct Row {
    Audited audited;
    Result<std::int64_t> record = Error{Code::Internal, "not begun"};
  };
  std::map<std::string, Row> rows;  // by instance
  std::size_t left = 0;
};

PlanAsked AdminService::audited(PlanAsked asked, const std::shared_ptr<PlanAudit>& audit) {
  asked.before = [this, audit](const PlanOutcome& outcome, const std::function<void(Result<void>)>& go) {
    for (const StepResult& result : outcome.results) {
      const auto& planned = outcome.plan.instances;
      const auto found =
          std::find_if(planned.begin(), planned.end(), [&](const auto& each) { return each.name == result.name; });
      if (found == planned.end() || result.action == config::Action::Unchanged) continue;
      Json detail{{"action", config::toText(result.action)}};
      if (!found->source.empty()) detail["file"] = found->source;
      if (!found->approves.empty()) detail["approves"] = found->approves;
      audit->rows[result.name] = {{.act = "instances.apply", .target = result.name, .detail = std::move(detail)}};
    }
    audit->left = audit->rows.size();
    if (audit->left == 0) return go({});
    for (auto& [name, row] : audit->rows) {
      audit_log_.begin({.name = PlanAudit::kActor, .role = Role::Admin}, row.audited,
                       [audit, go, &row](const Result<std::int64_t>& begun) {
                         row.record = begun;
                         if (--audit->left > 0) return;
                         for (const auto& [each, other] : audit->rows) {
                           if (!other.record) return go(notAudited(other.record.error()));
                         }
                         go({});
                       });
    }
  };
  return asked;
}

void AdminService::planOver(const std::shared_ptr<PlanAudit>& audit, const PlanOutcome& outcome,
                            const std::function<void()>& done) {
  audit->left = 1;
  // Shared: each of a thousand rows would keep a copy of an outcome with a thousand rows.
  const auto over = guarded([audit, done = std::make_shared<std::function<void()>>(done)] {
    if (--audit->left == 0) (*done)();
  });
  std::map<std::string_view, const StepResult*> results;
  for (const StepResult& each : outcome.results)
    results.emplace(each.name, &each);
  for (auto& [name, row] : audit->rows) {
    if (!row.record) continue;
    const auto result = results.find(name);
    row.audited.outcome = "done";
    if (outcome.error) row.audited.outcome = outcome.error->message;
    if (result != results.end() && result->second->error) row.audited.outcome = result->second->error->message;
    ++audit->left;
    audit_log_.end(*row.record, {.name = PlanAudit::kActor, .role = Role::Admin}, row.audited, over);
  }
  over();
}

void AdminService::applyFolder(std::function<void(const PlanOutcome& outcome)> done) {
  if (!done && plans_.folderWaits()) return;
  const auto audit = std::make_shared<PlanAudit>();
  plans_.run(audited(folderPlan(), audit), [this, audit, done = std::move(done)](const PlanOutcome& outcome) {
    news_.planned(outcome);
    planOver(audit, outcome, [done, outcome] {
      if (done) done(outcome);
    });
  });
  const auto held = std::make_shared<PlanAudit>();
  const auto load = [restart = around_.config.restart](const std::vector<store::InstanceRecord>& records) {
    return heldOf(records, restart);
  };
  plans_.run(audited({.owner = config::Owner::Api, .load = load}, held),
             [this, held](const PlanOutcome& outcome) { planOver(held, outcome, [] {}); });
}

void AdminService::reload(bool dry_run, bool yes, const Reply& reply) {
  around_.catalog.rescan(guarded([this, dry_run, yes, reply] {
    const auto audit = std::make_shared<PlanAudit>();
    PlanAsked asked = audited(folderPlan(), audit);
    asked.dry_run = dry_run;
    asked.yes = yes;
    plans_.run(std::move(asked), [this, audit, yes, reply](const PlanOutcome& outcome) {
      news_.planned(outcome);
      planOver(audit, outcome, [outcome, yes, reply] { reply(planAnswer(outcome, yes)); });
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
