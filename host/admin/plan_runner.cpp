#include "host/admin/plan_runner.h"

#include <algorithm>
#include <map>
#include <utility>

#include "host/admin/secret_parameters.h"

namespace longhaul::host::admin {

bool PlanOutcome::ok(bool yes) const {
  return !error && plan.ok() && (yes || !plan.needs_yes) &&
         std::none_of(results.begin(), results.end(),
                      [](const StepResult& result) { return result.error.has_value(); });
}

// The steps of one plan; each instance goes its way by itself, the last one to arrive ends it.
struct PlanRunner::Performing {
  PlanOutcome outcome;
  std::vector<PlanStep> steps;
  std::size_t left = 0;
};

template <class Function>
auto PlanRunner::guarded(Function function) {
  return [alive = std::weak_ptr<bool>(alive_), function = std::move(function)](auto&&... arguments) {
    if (alive.lock()) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

PlanRunner::PlanRunner(supervisor::Supervisor& supervisor, const catalog::Catalog& catalog,
                       store::StoreQueries& queries, const config::DaemonConfig& config, RunJob run_job,
                       const secrets::Vault* vault)
    : supervisor_(supervisor),
      catalog_(catalog),
      queries_(queries),
      config_(config),
      run_job_(std::move(run_job)),
      vault_(vault) {}

void PlanRunner::run(PlanAsked asked, std::function<void(PlanOutcome)> done) {
  jobs_.push_back({std::move(asked), std::move(done)});
  if (!busy_) next();
}

void PlanRunner::exclusively(std::function<void(std::function<void()> over)> alone) {
  jobs_.push_back({.asked = {}, .done = {}, .alone = std::move(alone)});
  if (!busy_) next();
}

bool PlanRunner::folderWaits() const {
  return std::any_of(jobs_.begin() + (busy_ ? 1 : 0), jobs_.end(),
                     [](const Job& job) { return job.asked.whole_folder && !job.asked.dry_run; });
}

void PlanRunner::next() {
  busy_ = !jobs_.empty();
  if (!busy_) return;
  if (const auto alone = jobs_.front().alone) {
    return alone(guarded([this] {
      jobs_.pop_front();
      ended();
    }));
  }
  using Records = Result<std::vector<store::InstanceRecord>>;
  const bool queued = queries_.submit(
      [](store::StoreReader& reader) { return reader.instances(); }, guarded([this](Records records) {
        if (!records) return fail(records.error());
        struct Loading {
          std::vector<store::InstanceRecord> records;
          config::InstanceSet desired;
        };
        auto loading = std::make_shared<Loading>(Loading{std::move(records).value(), {}});
        run_job_([loading, load = jobs_.front().asked.load] { loading->desired = load(loading->records); },
                 guarded([this, loading] { loaded(std::move(loading->records), std::move(loading->desired)); }));
      }));
  if (!queued) fail({Code::Busy, "too many reads of the store wait; try again"});
}

void PlanRunner::fail(const Error& error) {
  PlanOutcome outcome;
  outcome.dry_run = jobs_.front().asked.dry_run;
  outcome.error = error;
  finish(std::move(outcome));
}

const catalog::Manifest* PlanRunner::manifest(std::string_view plugin) const {
  const catalog::PluginFile* file = supervisor_.fileOf(std::string{plugin});
  return file == nullptr ? nullptr : &file->manifest;
}

// A file of the folder may be read by many: a plain secret in it is refused by the plan. What comes by the API is
// encrypted before anything is made of it.
void PlanRunner::seal(const std::vector<store::InstanceRecord>& records, config::InstanceSet& desired) const {
  for (config::InstanceConfig& instance : desired.instances) {
    const auto record = std::find_if(records.begin(), records.end(),
                                     [&](const store::InstanceRecord& each) { return each.name == instance.name; });
    const std::string before = record == records.end() ? std::string() : record->config;
    const std::string file = instance.file;
    for (config::Problem& problem : sealPlain(instance, manifest(instance.plugin), before, *vault_)) {
      problem.file = file;
      desired.problems.push_back(std::move(problem));
      desired.bad_files.push_back(file);
    }
  }
}

void PlanRunner::loaded(std::vector<store::InstanceRecord> records, config::InstanceSet desired) {
  const PlanAsked& asked = jobs_.front().asked;
  if (asked.owner == config::Owner::Api && vault_ != nullptr) seal(records, desired);
  PlanOutcome outcome;
  outcome.dry_run = asked.dry_run;
  outcome.plan = config::makePlan({
      .desired = &desired,
      .owner = asked.owner,
      .current = currentOf(records),
      .plugins = {.manifest = [this](std::string_view id) { return manifest(id); }, .ids = catalog_.ids()},
      .orphans_percent = config_.orphans_percent,
  });
  if (asked.whole_folder) last_folder_ = outcome.plan;
  if (asked.dry_run || (outcome.plan.needs_yes && !asked.yes) || (asked.all_or_nothing && !outcome.plan.ok())) {
    return finish(std::move(outcome));
  }
  perform(std::move(outcome));
}

void PlanRunner::perform(PlanOutcome outcome) {
  auto performing = std::make_shared<Performing>();
  performing->steps = stepsOf(outcome.plan, jobs_.front().asked.owner, wallNowUs());
  performing->left = performing->steps.size();
  outcome.applied = true;
  if (performing->steps.empty()) return finish(std::move(outcome));
  std::map<std::string_view, const config::PlannedInstance*> by_name;
  for (const config::PlannedInstance& planned : outcome.plan.instances)
    by_name[planned.name] = &planned;
  for (const PlanStep& step : performing->steps) {
    const config::PlannedInstance& planned = *by_name.at(step.name);
    StepResult result{.name = step.name, .action = step.action, .held = planned.held};
    const auto view = supervisor_.find(step.name);
    if (replacesWorker(planned) && view && view->current) {
      result.since = {.generation = view->current->generation.value, .refusal_counts = true};
    }
    outcome.results.push_back(std::move(result));
  }
  performing->outcome = std::move(outcome);
  const auto go = guarded([this, performing](const Result<void>& may) {
    if (!may) {
      performing->outcome.applied = false;
      performing->outcome.error = may.error();
      return finish(std::move(performing->outcome));
    }
    for (std::size_t i = 0; i < performing->steps.size(); ++i)
      performStep(performing, i);
  });
  const auto before = jobs_.front().asked.before;
  if (!before) return go(Result<void>{});
  before(performing->outcome, go);
}

void PlanRunner::performStep(const std::shared_ptr<Performing>& performing, std::size_t index) {
  PlanStep& step = performing->steps[index];
  auto done = guarded([this, performing, index](const Result<void>& result) {
    if (result) return performStep(performing, index);
    performing->outcome.results[index].error = result.error();
    if (--performing->left == 0) finish(std::move(performing->outcome));
  });
  if (step.put) {
    return supervisor_.put(*std::exchange(step.put, std::nullopt), done);
  }
  if (step.orphaned || step.enabled) {
    const auto id = supervisor_.idOf(step.name);
    if (!id) return done(Error{Code::NotFound, "it was removed meanwhile"});
    if (step.orphaned) return supervisor_.setOrphaned(*id, *std::exchange(step.orphaned, std::nullopt), done);
    return supervisor_.setEnabled(*id, *std::exchange(step.enabled, std::nullopt), done);
  }
  if (--performing->left == 0) finish(std::move(performing->outcome));
}

void PlanRunner::finish(PlanOutcome outcome) {
  const auto done = std::move(jobs_.front().done);
  jobs_.pop_front();
  busy_ = false;
  const std::weak_ptr<bool> alive = alive_;
  if (done) done(std::move(outcome));
  if (alive.lock() && !busy_) next();
}

void PlanRunner::ended() {
  busy_ = false;
  next();
}

}  // namespace longhaul::host::admin
