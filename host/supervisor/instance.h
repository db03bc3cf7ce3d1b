// One instance at work: performs what its machine decides, and tells the machine what came of it. It owns the workers
// of its two slots, its timers and what is known of it now. Events that come while actions are performed wait until
// those are done. Loop only; private to this room. Late completions look the instance up by its id.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/base/token_bucket.h"
#include "host/services/ports.h"
#include "host/supervisor/heartbeat.h"
#include "host/supervisor/instance_http.h"
#include "host/supervisor/limit_plan.h"
#include "host/supervisor/resolve.h"
#include "host/supervisor/shared.h"
#include "host/supervisor/worker_process.h"

namespace longhaul::host::supervisor {

class Instance final : public WorkerEvents {
 public:
  Instance(Shared& shared, Supervisor::Kept kept);
  ~Instance() override;

  InstanceId id() const { return record_.id; }
  const store::InstanceRecord& record() const { return record_; }
  const lifecycle::InstanceMachine& machine() const { return *machine_; }
  bool hasWorkers() const { return machine_->current() || machine_->incoming() || one_shot_; }
  // `with_usage`: also reads /proc for the workers.
  InstanceView view(bool with_usage, bool with_limits = false) const;
  // Of what runs, or would run; null: no file of its plugin is known.
  const catalog::Manifest* manifest() const;
  std::optional<HttpServerView> httpServer() const;
  void addPids(std::vector<pid_t>& pids) const;
  void addTags(std::vector<std::string>& tags) const;

  // What was stored before it is told here.
  void setRecord(store::InstanceRecord record);
  void rewriteConfig(const store::RewriteConfig& write);
  void setEnabled(bool enabled, bool begun);
  void setOrphaned(bool orphaned);
  void begin();  // the host's start
  void restart() { tell(lifecycle::EventKind::Restart); }
  void release() { tell(lifecycle::EventKind::Release); }
  void hostStop();
  void slotFree();
  // Approves all that the newest file of its plugin asks for.
  void approve(Supervisor::Done done);
  void run(services::CommandAsked asked, services::InstanceCalls::Done done);
  std::unique_ptr<services::HttpExchange> openRequest(services::HttpAsked asked, services::HttpEvents& events);
  // `done` runs when no worker is left. The instance is not started again.
  void stopForGood(std::function<void()> done);
  // The catalog or the record changed: what should run now?
  void refreshTarget();
  // Another release counts for it, or none that it had taken up.
  void followRelease();
  lifecycle::RolloutMember rolloutMember(const catalog::PluginFile& file) const;
  // What its workers run, and what it would go back to.
  std::set<Digest> digests() const;
  void onFolderCounted(const FolderFound& found);
  // Logs what the kernel refused its workers since the last time. Reads a few files.
  void tellRefusals();

  void writeContext(store::ContextWrite write, std::function<void(Result<Supervisor::ContextWritten>)> done);

 private:
  struct Slot {
    std::unique_ptr<WorkerProcess> process;  // null: still being prepared
    lifecycle::WorkerId id{};
    lifecycle::Target target;
    std::vector<config::WantedListener> listeners;
    std::vector<std::string> passed;  // their names, in the order of the descriptors
    std::vector<std::string> granted_calls;
    Json parameters;                          // with secrets: for START alone, then dropped
    std::vector<sandbox::LayerState> layers;  // what confines it
    std::size_t context_bytes_max = 0;
    std::int64_t context_schema = 0, state_schema = 0;  // as START said
    int migration_tries_left = 0;                       // 0: none is due
    config::InstanceLimits written_limits;
    LimitPlan limits;
    ResourceWatch::Handle watched;
    process::GroupEvents told;  // of its group, in the log
    bool files_full_told = false;
    bool has_http = false;   // it has its HTTP channel
    bool cancelled = false;  // killed before it was launched
  };
  // Someone waits for a command's answer. Held until a worker takes it.
  struct Command {
    services::CommandAsked asked;
    services::InstanceCalls::Done done;  // null: its time was over, and the worker may still answer
    TimePoint deadline{};
    TimerId timer = TimerId::None;
    lifecycle::WorkerId worker = lifecycle::WorkerId::None;  // None: held
    bool not_begun = false;                                  // that worker is ending and left it to the next
  };
  // A worker for commands where no other serves the instance: by the same way as any worker, but its loop is not
  // entered. While it lives the machine starts none: an event that would, or that changes what is to run, waits and
  // ends the one-shot worker.
  struct OneShot {
    enum class Stage : std::uint8_t { Slot, Load, Fence, Start, Ready, Stop };
    Stage stage = Stage::Slot;
    Slot slot;
    TimerId timer = TimerId::None;  // of its stage
  };
  // A call over a limit, which is answered a while later.
  struct RefusedCall {
    lifecycle::WorkerId worker{};
    ipc::CallId call;
    std::string text;
    TimePoint answer_at;
  };
  struct ContextWait {
    std::int64_t version = 0;
    std::function<void(Result<Supervisor::ContextWritten>)> done;
    TimerId timer = TimerId::None;
  };

  // What the catalog and the record ask for; where that cannot be taken up, the file of before if it still fits.
  Wanted wanted() const;
  void leaveBadRelease();
  Wanted wantedWith(const catalog::PluginFile* file) const;  // null: there is none
  void hold(lifecycle::Reason reason, std::string text);

  void tell(lifecycle::EventKind kind) { post({.kind = kind}); }
  void post(lifecycle::Event event);
  void performEvents();
  void perform(const lifecycle::Action& action);
  void logChange(lifecycle::PublicState before, const std::string& reason_before);
  void log(logs::LogLevel level, std::string_view text);

  Result<Runnable> runnableFor(const lifecycle::Target& target) const;
  std::optional<lifecycle::Target> lastGoodTarget() const;
  void bindListeners(const lifecycle::Target& target);
  void trimListeners(const lifecycle::Target& target);
  void spawn(const lifecycle::Action& action);
  void prepare(Slot& slot, const catalog::PluginFile& file, Json parameters);
  void prepared(lifecycle::WorkerId worker, const catalog::PluginFile& file, Result<config::Resolved> resolved);
  Result<void> launch(Slot& slot, const catalog::PluginFile& file, const std::vector<std::string>& secrets);
  std::vector<sandbox::LayerState> layersHere() const;  // of any worker of it
  std::filesystem::path dataFolder() const;             // of the workers: their working folder
  void startFailed(lifecycle::WorkerId worker, lifecycle::Reason reason, std::string text);
  store::Fence fenceFor(const lifecycle::Target& target) const;
  void queueFence(const lifecycle::Action& action);
  void fenceDone(lifecycle::FenceId fence, const lifecycle::Target& target, lifecycle::WorkerId death_of,
                 store::WriteResult result);
  void promote(const lifecycle::Action& action);
  void sendStart();
  // instance_migrate.cpp: the context over a change of its form.
  void tellRestored(const store::Fenced& fenced);
  void beginMigration(Slot& slot, const store::Fenced& fenced);
  bool mayMigrate(Slot& slot);  // false: the write of a migration is none that it was asked for
  void migrated(lifecycle::WorkerId worker, const services::Outcome& outcome);
  // Empty with a fault: too large.
  Result<std::string> startPayload(Slot& slot, const store::Fenced& fenced, bool one_shot) const;
  void setLastGood(const lifecycle::Target& target);
  void storeLastGood();
  void storeDeath(lifecycle::WorkerId worker);
  // instance_ends.cpp: what is kept of an end, and the names on its card, which come later.
  void keepEnd(const WorkerProcess& worker, const lifecycle::Exit& exit);
  void nameDeath(const store::Death& death);
  void deathNamed(store::Death death, const NameQuestion& question, const NameAnswer& answer);

  const catalog::PluginFile* fileForCommands() const;
  void pumpCommands();
  void sendCommand(std::uint64_t command, WorkerProcess& worker);
  void commandTimedOut(std::uint64_t command);
  // Answers and forgets it.
  void finishCommand(std::uint64_t command, Result<services::CommandResult> result);
  void failCommandsOf(lifecycle::WorkerId worker, const Error& error);
  std::size_t commandsOn(lifecycle::WorkerId worker) const;
  // instance_serving.cpp: HTTP requests and the workers.
  std::unique_ptr<InstanceRequests> makeRequests();
  InstanceRequests::Serving servingRequests() const;
  void giveHttpChannel(Slot& slot, const catalog::PluginFile& file);
  bool endsOneShot(const lifecycle::Event& event) const;
  void beginOneShot();
  void spawnOneShot();
  void oneShotLoaded();
  void oneShotFenced(lifecycle::WorkerId worker, store::WriteResult result);
  void stopOneShot(lifecycle::EndCause cause);
  void oneShotEnded(WorkerProcess& worker);
  void endOneShot(const Error* fault);
  void armOneShot(Duration after, std::string what);
  // instance_watch.cpp: whether the worker makes progress, and what was refused to it.
  void beginHeartbeat();
  void endHeartbeat(lifecycle::WorkerId worker);
  void heard(lifecycle::WatchdogVerdict verdict);
  void stacksTaken(lifecycle::WorkerId worker);
  std::optional<store::Health> shownHealth() const;
  // The first of a kind is logged and told of.
  void countDenied(DeniedView::Kind kind, const std::string& name, std::uint64_t count, std::string_view why);
  void keepDenied(const WorkerProcess& worker);  // which has ended
  std::vector<DeniedView> deniedViews() const;
  bool isOneShot(const WorkerProcess& worker) const { return one_shot_ && one_shot_->slot.process.get() == &worker; }

  config::Limits limitsOf(const config::InstanceLimits& written) const;
  LimitSurroundings limitSurroundings(bool groups) const;
  process::WorkerGroup planLimitsOf(Slot& slot);
  void beginLimits(Slot& slot, process::WorkerGroup group);
  void overLimit(lifecycle::WorkerId worker, const std::string& text);
  void watchFolder();
  bool refuseCall(const WorkerProcess& worker, ipc::CallId call, std::size_t payload_bytes);
  void armRefusals();
  std::vector<LimitView> limitViews() const;

  void bury(std::unique_ptr<WorkerProcess> worker);
  WorkerProcess* process(lifecycle::WorkerId worker) const;
  WorkerProcess* serving() const;  // the worker that was given a context; null: none
  Slot* slot(lifecycle::WorkerId worker);
  void contextChanged(const store::ContextChange& change);
  void finishContextWaits(std::int64_t version, bool applied);
  void answered(lifecycle::WorkerId worker, ipc::CallId call, const services::Outcome& outcome);

  void onLoaded(WorkerProcess& worker, std::string_view payload) override;
  void onReady(WorkerProcess& worker) override;
  void onExtend(WorkerProcess& worker, Duration by) override;
  void onContextApplied(WorkerProcess& worker, std::int64_t version) override;
  void onCommandDone(WorkerProcess& worker, std::string_view payload) override;
  void onCall(WorkerProcess& worker, ipc::CallId call, protocol::Method method, std::string_view payload) override;
  void onLine(WorkerProcess& worker, logs::LogLine line) override;
  void onRingDrops(WorkerProcess& worker, std::uint64_t lines_count) override;
  void onDenied(WorkerProcess& worker, int system_call) override;
  void onViolation(WorkerProcess& worker, std::string text) override;
  std::vector<pid_t> livingPids() override { return shared_.living_pids(); }
  void onEnded(WorkerProcess& worker) override;

  Shared& shared_;
  store::InstanceRecord record_;
  logs::InstanceLog& log_;
  std::optional<lifecycle::InstanceMachine> machine_;
  std::deque<lifecycle::Event> events_;
  bool stepping_ = false;

  std::optional<Slot> current_, incoming_;
  std::optional<OneShot> one_shot_;
  std::uint64_t one_shots_count_ = 0;
  std::deque<lifecycle::Event> deferred_;  // what came while a one-shot worker lives
  std::map<std::uint64_t, Command> commands_;
  std::uint64_t last_command_ = 0;
  std::unique_ptr<InstanceRequests> requests_;
  std::vector<std::unique_ptr<WorkerProcess>> dying_;
  std::map<lifecycle::WorkerId, store::Death> deaths_;  // ended and not stored yet
  std::optional<store::Fenced> fenced_;                 // what the next START gives
  std::map<lifecycle::TimerKind, TimerId> timers_;
  std::vector<ContextWait> context_waits_;
  std::function<void()> stopped_;
  bool ending_ = false;  // the host stops, or it is removed: no command gets a worker any more

  std::unique_ptr<Heartbeat> heartbeat_;  // of the current worker, while it is READY and not asked to stop
  lifecycle::WorkerId heartbeat_of_ = lifecycle::WorkerId::None;
  // By kind and name, since the daemon's start; of workers that live the page has the rest.
  std::map<std::pair<DeniedView::Kind, std::string>, std::uint64_t> denied_;
  std::optional<store::Health> health_;
  std::optional<EndView> last_end_;
  std::optional<store::Death> unnamed_;  // the newest end, whose names the daemon before did not live to see
  std::string not_taken_;                // why what the catalog or the record asks for does not run
  lifecycle::Reason not_taken_reason_ = lifecycle::Reason::Running;
  std::uint64_t starts_count_ = 0;
  std::uint64_t calls_count_ = 0;
  std::uint64_t failed_calls_count_ = 0;
  std::uint64_t incidents_count_ = 0;

  std::int64_t calls_per_second_ = 0;
  TokenBucket calls_bucket_{0, 1};
  RateMeter calls_meter_;
  std::size_t call_bytes_ = 0;  // of calls that the services have and did not answer
  std::deque<RefusedCall> refused_calls_;
  TimerId refused_timer_ = TimerId::None;
  std::uint64_t refused_calls_count_ = 0;
  std::optional<TimePoint> calls_refused_told_at_;
  std::uint64_t disk_bytes_max_ = 0;
  TimePoint folder_within_at_{};  // when its folder was last counted and within
  std::string disk_full_;         // why it is held until its folder has room; empty: it has
};

}  // namespace longhaul::host::supervisor
