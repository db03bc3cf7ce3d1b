// Makes plans and performs them, one at a time: for the instances folder, for apply, for a plugin that came at last.
// Reads the store's records, loads what is desired on the job thread, plans on the loop, and tells the supervisor.
// Loop only. Keeps the last plan of the folder, so that `explain` can show what is wrong with a file.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "host/admin/plan_steps.h"
#include "host/catalog/catalog.h"
#include "host/config/daemon_config.h"
#include "host/secrets/vault.h"
#include "host/store/store_queries.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

// Runs `job` on the job thread, then `done` on the loop.
using RunJob = std::function<void(std::function<void()> job, std::function<void()> done)>;

struct PlanOutcome;

struct PlanAsked {
  config::Owner owner = config::Owner::Api;
  bool whole_folder = false;  // the plan is kept for explain
  bool all_or_nothing = false;
  bool dry_run = false;
  bool yes = false;
  // What is desired; runs on the job thread.
  std::function<config::InstanceSet(const std::vector<store::InstanceRecord>&)> load{};
  // Told what will be touched (`results`), before it is; `go` once with a failure: nothing is. Empty: at once.
  std::function<void(const PlanOutcome& outcome, std::function<void(Result<void>)> go)> before{};
};

struct PlanOutcome {
  config::Plan plan;
  bool dry_run = false;
  bool applied = false;             // also when there was nothing to do
  std::vector<StepResult> results;  // what was touched, by name
  std::optional<Error> error;       // no plan could be made

  // All of it is well, or would be.
  bool ok(bool yes) const;
};

class PlanRunner {
 public:
  PlanRunner(supervisor::Supervisor& supervisor, const catalog::Catalog& catalog, store::StoreQueries& queries,
             const config::DaemonConfig& config, RunJob run_job, const secrets::Vault* vault);

  // What is good of it is performed, or all or nothing; and a plan that needs a yes without one is not.
  void run(PlanAsked asked, std::function<void(PlanOutcome)> done);
  // Runs `alone` while no plan is under way; the next one waits for its `over`.
  void exclusively(std::function<void(std::function<void()> over)> alone);
  // A folder's plan waits to be begun: another one would do the same.
  bool folderWaits() const;

  const config::Plan& lastFolder() const { return last_folder_; }

 private:
  struct Job {
    PlanAsked asked;
    std::function<void(PlanOutcome)> done;
    std::function<void(std::function<void()> over)> alone{};  // instead of a plan
  };
  struct Performing;

  void next();
  void loaded(std::vector<store::InstanceRecord> records, config::InstanceSet desired);
  void seal(const std::vector<store::InstanceRecord>& records, config::InstanceSet& desired) const;
  const catalog::Manifest* manifest(std::string_view plugin) const;
  void ended();
  void perform(PlanOutcome outcome);
  void performStep(const std::shared_ptr<Performing>& performing, std::size_t index);
  void finish(PlanOutcome outcome);
  void fail(const Error& error);
  template <class Function>
  auto guarded(Function function);

  supervisor::Supervisor& supervisor_;
  const catalog::Catalog& catalog_;
  store::StoreQueries& queries_;
  const config::DaemonConfig& config_;
  RunJob run_job_;
  const secrets::Vault* vault_;  // null: plain secrets are refused
  std::deque<Job> jobs_;         // the first one is under way when busy_
  bool busy_ = false;
  config::Plan last_folder_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
