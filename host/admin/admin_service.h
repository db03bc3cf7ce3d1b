// What an operator can ask for, whoever carries the question: each method is one question or act of docs/API.md and
// gives its JSON, or a failure with the remedy. Nothing of HTTP is in here, and nothing decides who may ask.
// Loop only. A reply runs once, at once or later on the loop; not at all for what was cancelled, and for what is under
// way when the service ends. Owns the waits and the planning; the rest is the daemon's and outlives it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/activity.h"
#include "host/admin/answer.h"
#include "host/admin/bearers.h"
#include "host/admin/conversation_service.h"
#include "host/admin/event_stream.h"
#include "host/admin/instance_waits.h"
#include "host/admin/log_requests.h"
#include "host/admin/news.h"
#include "host/admin/people_service.h"
#include "host/admin/plan_runner.h"
#include "host/admin/release_service.h"
#include "host/admin/route_view.h"
#include "host/admin/secret_service.h"
#include "host/admin/sessions.h"
#include "host/base/event_loop.h"
#include "host/store/store_executor.h"

namespace longhaul::host::admin {

// Everything outside that it works with.
struct Surroundings {
  EventLoop& loop;
  supervisor::Supervisor& supervisor;
  catalog::Catalog& catalog;
  store::StoreQueries& queries;    // completions on the loop
  store::StoreExecutor& executor;  // likewise
  const config::DaemonConfig& config;
  std::filesystem::path logs_folder;  // LogFiles' folder
  RunJob run_job;
  std::string version;                       // "0.1.0"
  secrets::Vault* vault = nullptr;           // null: nothing is encrypted, and plain secrets are refused
  services::Questions* questions = nullptr;  // null: nothing can be asked
  // Copies the store to a file that is not there yet. Blocks; for the job thread. Empty: there is nothing to copy.
  std::function<Result<void>(const std::filesystem::path& target)> back_up{};
  services::MirrorDelivery* mirrors = nullptr;  // null: nothing is mirrored
};

enum class Act : std::uint8_t { Enable, Disable, Restart, Release };

struct WaitAsked {
  Goal goal = Goal::Settled;
  Since since{};
  Duration timeout = kApiWaitDefault;
};

struct IncidentsAsked {
  std::string instance{};  // a name; empty: all
  std::string status{};    // "active", "closed"; empty: both
  std::string type{};
  bool oldest_first = false;
  std::size_t limit = kPageRowsDefault;
  std::string cursor{};
};

struct ApplyAsked {
  std::string text;  // YAML or JSON, as a file of the instances folder
  std::string file;  // what messages call it
  bool dry_run = false;
  bool yes = false;
};

class AdminService {
 public:
  explicit AdminService(Surroundings surroundings);
  ~AdminService();
  AdminService(const AdminService&) = delete;
  AdminService& operator=(const AdminService&) = delete;

  // ---- told by the daemon
  // Empty: ready. Until it is told, it is not.
  void setNotReady(std::string reason) { not_ready_ = std::move(reason); }
  bool ready() const { return not_ready_.empty(); }
  const std::string& notReady() const { return not_ready_; }
  // {"ready", "reason"?}; `verbose`: with what an operator should look at, which makes nothing less ready.
  Json readiness(bool verbose) const;
  // What can be told of an instance's route; until it is set, nothing is.
  void setRoutes(std::function<std::optional<RouteView>(const std::string& instance)> routes) {
    routes_ = std::move(routes);
  }
  // For LogFiles::setOnWritten.
  void onLogWritten(const std::string& instance) { log_requests_.written(instance); }
  // For the catalog's on_active, after the supervisor was told: a plugin that was missed lets instances be checked,
  // approved and started that were made before it came.
  void onPluginChanged(const catalog::PluginFile& file);
  void onPluginRefused(const std::string& path, const std::string& reason) { news_.pluginRefused(path, reason); }
  // Reads the instances folder and performs the plan, unless it needs a yes: at start and whenever a file changed. Then
  // the same for instances of the API that were made before their plugin came. `done` may be empty; it is told the
  // folder's plan (config::toText).
  void applyFolder(std::function<void(const PlanOutcome& outcome)> done);

  // ---- the daemon
  std::string version() const;
  const std::string& versionNumber() const { return around_.version; }
  // What counts of the daemon's own settings, and where each is from. Holds no secrets.
  std::string configuration() const;
  std::string metrics() const;
  void reload(bool dry_run, bool yes, const Reply& reply);
  Answer plugins() const;
  // `body`: {"path"}, absolute, on the daemon's machine.
  void backUp(std::string_view body, const Reply& reply);
  EventStream& events() { return events_; }
  TimerQueue& timers() { return around_.loop.timers(); }
  PeopleService& people() { return people_; }
  Bearers& bearers() { return bearers_; }
  Sessions& sessions() { return sessions_; }
  AuditLog& auditLog() { return audit_log_; }
  ConversationService& conversations() { return conversations_; }
  const Activity& activity() const { return activity_; }
  SecretService& secrets() { return secrets_; }
  ReleaseService& releases() { return releases_; }

  // ---- instances
  // `names`: names and globs; none: all.
  Answer list(const std::vector<std::string>& names) const;
  // With `wait` the reply comes when that is over: WaitId::None when it ran at once.
  WaitId get(const std::string& name, const std::optional<WaitAsked>& wait, const Reply& reply);
  void act(const std::string& name, Act act, const Reply& reply);
  void remove(const std::string& name, bool yes, const Reply& reply);
  Answer explain(const std::string& target) const;
  Answer policy(const std::string& name) const;
  // What its worker used lately: the looks of the resource watch.
  Answer usage(const std::string& name) const;
  // What `exec` can run in it.
  Answer commands(const std::string& name) const;
  void deaths(const std::string& name, std::size_t limit, const Reply& reply);
  // What its plugin said of its health, newest first.
  void health(const std::string& name, std::size_t limit, const Reply& reply);
  WaitId logs(const std::string& name, const LogsAsked& asked, const Reply& reply);
  // The reply of this wait will not run.
  void cancel(WaitId id);

  void context(const std::string& name, const std::optional<std::string>& key, const Reply& reply);
  // The kept copies of its context: a list without values, or one whole.
  void snapshots(const std::string& name, const Reply& reply);
  void snapshot(const std::string& name, std::string_view id, const Reply& reply);
  // `if_match` here and below: the tags of which what is there must have one (etag.h); empty: whatever is there.
  void replaceContext(const std::string& name, std::string_view body, const std::string& if_match, const Reply& reply);
  void patchContext(const std::string& name, std::string_view body, const Reply& reply);

  void apply(ApplyAsked asked, const Reply& reply);
  // As they are stored; what can be secret is hidden.
  Answer parameters(const std::string& name) const;
  // `body`: an object of parameters and their new values; null takes one away.
  void setParameters(const std::string& name, std::string_view body, bool dry_run, const std::string& if_match,
                     const Reply& reply);
  void approve(const std::string& name, const Reply& reply);
  // `body`: {"command", "arguments", "incidentId", "timeoutMs"}; of a test {"timeoutMs"}. `user`: who asks.
  void execute(const std::string& name, std::string_view body, const std::string& user, const Reply& reply);
  void test(const std::string& name, std::string_view body, const Reply& reply);

  // ---- incidents
  void incidents(const IncidentsAsked& asked, const Reply& reply);
  void incident(std::string_view id, const Reply& reply);
  void incidentCounts(const Reply& reply);
  void createIncident(std::string_view body, const Reply& reply);
  void entries(std::string_view id, std::size_t limit, const std::string& cursor, const Reply& reply);
  void addEntry(std::string_view id, std::string_view body, const std::string& author, const Reply& reply);

 private:
  PlanAsked folderPlan() const;
  struct PlanAudit;
  PlanAsked audited(PlanAsked asked, const std::shared_ptr<PlanAudit>& audit);
  void planOver(const std::shared_ptr<PlanAudit>& audit, const PlanOutcome& outcome, const std::function<void()>& done);
  Failure unknownInstance(std::string_view name) const;
  std::optional<RouteView> routeOf(const std::string& name) const { return routes_ ? routes_(name) : std::nullopt; }
  const catalog::Manifest* manifestOf(const supervisor::InstanceView& view) const;
  std::vector<std::string> instancesOf(std::string_view digest) const;
  void acted(const std::string& name, Act act, bool changed, const Since& since, const Result<void>& result,
             const Reply& reply) const;
  void removeRecord(const store::InstanceRecord& record, const Reply& reply);
  void writeContext(const std::string& name, std::variant<store::ContextWrite, Failure> write, const Reply& reply);
  void commit(store::CommitWrite write, std::function<void(const store::Committed&)> then, const Reply& reply);
  std::optional<WaitId> newWait();
  // Reads through the reader thread; a read that fails is answered, the value of one that did not goes on.
  template <class Query, class Then>
  void query(const Reply& reply, Query query, Then then);
  template <class Function>
  auto guarded(Function function) const;

  Surroundings around_;
  const std::int64_t started_at_us_;
  std::function<std::optional<RouteView>(const std::string& instance)> routes_;
  std::string not_ready_ = "the daemon starts";
  EventStream events_;
  News news_;
  AuditLog audit_log_;
  PeopleService people_;
  Sessions sessions_{people_};
  Bearers bearers_;
  ConversationService conversations_;
  PlanRunner plans_;
  SecretService secrets_;
  ReleaseService releases_;
  InstanceWaits waits_;
  LogRequests log_requests_;
  Activity activity_;
  std::uint64_t subscription_ = 0;
  std::uint64_t last_wait_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

// The answer to apply and reload.
Answer planAnswer(const PlanOutcome& outcome, bool yes);
// The plan of such an answer as lines for a log; of a failure also its sentence.
std::vector<std::string> planLines(const Answer& answer);

}  // namespace longhaul::host::admin
