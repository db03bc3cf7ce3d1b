// Performs what the instance machines decided: owns the instances, their workers, listeners and timers. It is the only
// place where a wish of an operator, news of a worker, a file that changed and a result of the store meet. Loop only;
// nothing here blocks on a worker, and nothing runs a plugin's code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/event_loop.h"
#include "host/base/result.h"
#include "host/catalog/catalog.h"
#include "host/config/instance_limits.h"
#include "host/config/references.h"
#include "host/config/restart_config.h"
#include "host/logs/log_files.h"
#include "host/process/cgroup.h"
#include "host/process/worker_launcher.h"
#include "host/sandbox/plan.h"
#include "host/services/http_port.h"
#include "host/services/ports.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"
#include "host/supervisor/instance_view.h"
#include "host/supervisor/release_view.h"

namespace longhaul::host::supervisor {

class HttpEntrance;

struct Settings {
  std::filesystem::path state_dir;
  std::filesystem::path worker_binary;
  std::string state_tag;          // marks the workers of this state directory (process/worker_launcher.h)
  std::string version;            // of the host: what demistoVersion gives
  std::string host_id;            // what getLicenseID gives
  config::RestartConfig restart;  // defaults of instances
  config::Limits limits{};        // defaults of instances
  process::CgroupTree groups = process::CgroupTree::none("it was not asked for");
  bool groups_off = false;             // an operator wants none
  std::size_t spawn_slots = 4;         // 2 × cores
  std::size_t call_sockets_max = 256;  // extra call sockets of all workers
  std::size_t context_bytes_max = kContextBytesMax;
  int udp_receive_buffer_bytes = 8 << 20;
  sandbox::Surroundings sandbox{};
  std::vector<sandbox::Layer> sandbox_require{};  // an instance that would lack one of these is held
};

// Everything outside that it works with. All of it outlives the supervisor.
struct Surroundings {
  EventLoop& loop;
  store::StoreExecutor& store;
  store::StoreQueries& queries;
  catalog::Catalog& catalog;
  process::WorkerLauncher& launcher;
  logs::LogFiles& logs;
  catalog::Catalog::RunJob run_job;  // what blocks: reading secrets, hashing a staged file, deleting a folder
  // A line for the daemon's own log. May be empty.
  std::function<void(logs::LogLevel level, const std::string& instance, std::string_view text)> report;
  // What a reference of this instance stands for, on the job thread. Empty: config::readReference, so nothing
  // encrypted.
  std::function<Result<std::string>(const std::string& instance, const config::Reference& reference,
                                    const std::string& parameter)>
      read_secret{};
};

// Totals for /metrics, since the daemon's start.
struct Totals {
  std::uint64_t starts = 0;
  std::uint64_t calls = 0;
  std::uint64_t failed_calls = 0;
  std::uint64_t incidents = 0;
  std::map<std::string, std::uint64_t> ends;  // by exit class
};

class Supervisor final : public services::InstanceCalls {
 public:
  using Done = std::function<void(Result<void>)>;

  Supervisor(Surroundings surroundings, Settings settings);
  ~Supervisor() override;

  // Takes over what the store keeps; the newest end and health of each instance. Nothing runs until begin(), so that
  // what changed in the files meanwhile is put first, and no instance starts with what is no longer wanted.
  struct Kept {
    store::InstanceRecord record;
    std::optional<store::Death> last_death;
    std::optional<store::Health> health;
  };
  void load(std::vector<Kept> kept);
  // What the store keeps of the plugins' releases. Before begin().
  void loadReleases(const std::vector<store::RolloutRecord>& kept);
  // Starts what is enabled; from now on also what is put.
  void begin();
  // Stops all workers in parallel, bounded by kHostStopTimeout; `done` runs once, when none is left. The wishes stay.
  void stop(std::function<void()> done);

  // ---- looking
  std::vector<InstanceView> list() const;  // by name
  // `with_limits`: also what is used of each limit, which reads a dozen files of the kernel.
  std::optional<InstanceView> find(std::string_view name, bool with_limits = false) const;
  std::optional<InstanceId> idOf(std::string_view name) const;
  std::vector<std::string> names() const;
  const Totals& totals() const;
  // What holds memory, pids and cpu_percent here, and if no control group does, why not.
  struct LimitLayer {
    std::string name;
    std::string held_by;
    std::string reason;
  };
  std::vector<LimitLayer> limitLayers() const;
  // Who holds this address: the instance's name; empty: nobody. `transport` "udp", "tcp" or "unix".
  std::string holderOf(std::string_view transport, std::string_view address) const;

  // What instances of the plugin run, but for a canary; null: no file of it is known.
  const catalog::PluginFile* fileOf(const std::string& plugin) const;
  // Nothing: no file of this plugin ever counted.
  std::optional<ReleasesView> releases(const std::string& plugin) const;

  // ---- acting. Each is in the store before `done` says so; what follows (a start, a swap) goes on by itself: watch
  // it. A new instance, or new configuration of the one with this name. The configuration was validated (host/config).
  void put(store::PutInstance put, Done done);
  // Another writing of the same configuration: nothing is started anew for it.
  void rewriteConfig(store::RewriteConfig write, Done done);
  void setEnabled(InstanceId id, bool enabled, Done done);
  void setOrphaned(InstanceId id, bool orphaned, Done done);
  void restart(InstanceId id, Done done);
  void release(InstanceId id, Done done);
  // Approves all that the newest file of its plugin asks for: what was held for that goes on.
  void approve(InstanceId id, Done done);
  // Stops the worker, then deletes the instance with context, logs and data. Its incidents stay.
  void remove(InstanceId id, Done done);

  // A release that is bad is tried again, when its file is the plugin's active one. `keep`: and not taken back.
  // `digest`: whole, or its first digits.
  void allowRelease(const std::string& plugin, std::string_view digest, bool keep, Done done);
  // All instances go back to this release, or with an empty digest to what was ready before; what they leave is bad.
  void rollBack(const std::string& plugin, std::string_view digest, std::string_view who, Done done);
  // Disables the plugin's instances and deletes its staged files and their history. CONFLICT while a file of it is in a
  // plugin folder.
  void removePlugin(const std::string& plugin, Done done);

  // An operator's write of the context: durable, then pushed to the worker. `applied` false: the worker that runs did
  // not take it within kContextAppliedTimeout, or there is none; it will see it all the same.
  struct ContextWritten {
    std::int64_t version = 0;
    bool applied = false;
  };
  void writeContext(InstanceId id, store::ContextWrite write, std::function<void(Result<ContextWritten>)> done);

  // In the worker that serves the instance, or else in one that is started for it.
  void run(services::CommandAsked asked, services::InstanceCalls::Done done) override;
  // HTTP requests to instances whose plugins offer longhaul.http/1. Lives as long as the supervisor.
  HttpEntrance& http();

  // ---- news
  // What becomes of releases: for events and audit. Once.
  void onRelease(std::function<void(const ReleaseNews&)> on_release);
  // The catalog has another active file for this plugin: its instances follow, a canary first (Walk 3).
  void onPluginChanged(const catalog::PluginFile& file);
  // A child of this process ended (SIGCHLD). Workers are waited for one by one; what a worker started and let go became
  // a child of ours too, and nobody else would take its end while that worker lives. At most once in kReapAdoptedEvery.
  void reapAdoptedSoon();

  // The layers of the sandbox that any worker gets here, whatever it was granted.
  std::vector<sandbox::LayerState> layers() const;

  // Runs after each change of state, health or worker of an instance; an instance that was removed is told once more.
  // Told in a turn of its own, once for what happened in one turn. The id works until unsubscribe().
  std::uint64_t subscribe(std::function<void(InstanceId)> on_change);
  void unsubscribe(std::uint64_t subscription);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::host::supervisor
