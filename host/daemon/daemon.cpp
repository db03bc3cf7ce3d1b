#include "host/daemon/daemon.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "host/admin/admin_service.h"
#include "host/base/counted.h"
#include "host/base/event_loop.h"
#include "host/base/limits.h"
#include "host/catalog/catalog.h"
#include "host/catalog/system_libraries.h"
#include "host/daemon/instance_routes.h"
#include "host/daemon/instances_watch.h"
#include "host/daemon/job_thread.h"
#include "host/daemon/own_log.h"
#include "host/daemon/service_manager.h"
#include "host/daemon/state_folder.h"
#include "host/daemon/web.h"
#include "host/http/server.h"
#include "host/logs/log_files.h"
#include "host/process/cgroup.h"
#include "host/process/process_tree.h"
#include "host/process/worker_launcher.h"
#include "host/sandbox/plan.h"
#include "host/secrets/vault.h"
#include "host/services/questions.h"
#include "host/store/sqlite/backup.h"
#include "host/store/sqlite/sqlite_reader.h"
#include "host/store/sqlite/sqlite_store.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::daemon {
namespace {

// At the end, within the 30 s that a stop may take: SIGKILL takes a process milliseconds.
constexpr auto kDescendantsTimeout = std::chrono::seconds{2};

constexpr std::string_view kVersion = LONGHAUL_VERSION;

// A worker takes five to six descriptors; the soft limit of 1,024 is for programs that use select().
void raiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<UniqueFd> openSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
    ::sigaddset(&signals, number);
  UniqueFd fd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) return systemError("signalfd", errno);
  return fd;
}

// Why an operator wants no control groups; empty: they are wanted.
std::string groupsOff(const config::DaemonConfig& config) {
  if (config.watch_limits) return "limits.watch is set (--limits=watch)";
  const auto& off = config.sandbox_off;
  return std::find(off.begin(), off.end(), "cgroup") == off.end() ? "" : "sandbox.off names it";
}

void sayGroups(const process::CgroupTree& groups) {
  for (const auto power : {process::GroupPower::Memory, process::GroupPower::Pids, process::GroupPower::Cpu}) {
    const auto& layer = groups.layer(power);
    if (layer.version != process::GroupVersion::None) continue;
    ownLog(logs::LogLevel::Info, fmt::format("limits of {} are watched, no control group holds them: {}",
                                             groupPowerName(power), layer.reason));
  }
}

logs::LogSettings logSettings(const config::DaemonConfig& config) {
  return {.file_bytes_max = config.log_file_bytes,
          .files_max = config.log_files,
          .lines_per_second = config.log_lines_per_second,
          .lines_burst = config.log_lines_burst};
}

std::vector<sandbox::Layer> layersNamed(const std::vector<std::string>& names) {
  std::vector<sandbox::Layer> layers;
  for (const std::string& name : names) {
    if (const auto layer = sandbox::layerFromName(name)) layers.push_back(*layer);
  }
  return layers;
}

sandbox::Surroundings sandboxHere(const config::DaemonConfig& config, const StateFolder& state) {
  sandbox::Surroundings around;
  around.kernel = sandbox::Kernel::probe(config.landlock_abi_max);
  around.worker_uids = {config.worker_uids_first, config.worker_uids_count};
  const catalog::SystemLibraries libraries{"/"};
  for (const auto& folder : libraries.folders())
    around.library_folders.push_back(folder.native());
  around.off = layersNamed(config.sandbox_off);
  around.uids_missing = state.closedToOthers();
  for (const sandbox::LayerState& layer : layersOf(around)) {
    if (layer.status == sandbox::LayerStatus::On) continue;
    ownLog(logs::LogLevel::Warning,
           fmt::format("sandbox: {} is {}: {}", layerName(layer.layer), statusName(layer.status), layer.detail));
  }
  return around;
}

struct Stored {
  std::vector<supervisor::Supervisor::Kept> instances;
  std::vector<store::RolloutRecord> rollouts;
};

Result<Stored> readStored(store::StoreReader& reader) {
  auto records = reader.instances();
  if (!records) return std::move(records).error();
  auto rollouts = reader.rollouts();
  if (!rollouts) return std::move(rollouts).error();
  Stored stored{.instances = {}, .rollouts = *std::move(rollouts)};
  for (store::InstanceRecord& record : *records) {
    supervisor::Supervisor::Kept each;
    if (auto deaths = reader.deaths(record.id, 1); deaths && !deaths->empty()) each.last_death = (*deaths)[0];
    if (auto health = reader.healthHistory(record.id, 1); health && !health->empty()) each.health = (*health)[0];
    each.record = std::move(record);
    stored.instances.push_back(std::move(each));
  }
  return stored;
}

std::string signedText(const catalog::PluginFile& file) {
  if (!file.signer) return {};
  return fmt::format(", signed by key {} ({})", file.signer->key_id, file.signer->trusted_comment);
}

// Job thread.
Result<std::string> readSecret(const secrets::Vault& vault, const std::string& instance,
                               const config::Reference& reference, const std::string& parameter) {
  if (reference.kind != config::Reference::Kind::Encrypted) return config::readReference(reference);
  auto secret = vault.open(reference.name, {.instance = instance, .parameter = parameter});
  if (!secret) return withContext(fmt::format("the encrypted value of {}", parameter), std::move(secret).error());
  return secret;
}

}  // namespace

// In the order of construction; destroyed in the reverse.
struct Daemon::Parts {
  Parts(config::DaemonConfig config_in, StateFolder state_in)
      : config(std::move(config_in)), state(std::move(state_in)) {}

  Result<void> open(std::string worker_binary);
  void run();
  void start();
  void begin(Result<Stored> stored);
  void onSignal();
  void reload();
  void takeSettings(const config::DaemonConfigLoaded& loaded);
  void stop(int signal);

  config::DaemonConfig config;
  Reread reread;
  StateFolder state;
  EventLoop loop;
  ServiceManager manager{loop.timers()};
  UniqueFd signals;
  std::unique_ptr<FdWatch> signals_watch;
  std::unique_ptr<store::SqliteStore> store;
  std::unique_ptr<store::SqliteReader> reader;
  std::unique_ptr<logs::LogFiles> logs;
  std::unique_ptr<secrets::Vault> vault;
  process::PosixWorkerLauncher launcher;
  process::CgroupTree groups = process::CgroupTree::none({});
  std::unique_ptr<store::StoreExecutor> executor;
  std::unique_ptr<store::StoreQueries> queries;
  std::unique_ptr<JobThread> jobs;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<FdWatch> catalog_watch;
  std::unique_ptr<supervisor::Supervisor> supervisor;
  std::unique_ptr<services::MirrorDelivery> mirrors;
  std::unique_ptr<services::Questions> questions;
  std::unique_ptr<admin::AdminService> admin;
  std::unique_ptr<InstanceRoutes> routes;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<Web> web;
  std::unique_ptr<InstancesWatch> instances_watch;
  bool stopping = false;
};

Result<void> Daemon::Parts::open(std::string worker_binary) {
  raiseFileLimit();
  // What a dead worker leaves becomes a child of ours, so that it can be found and ended.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Also with --limits=watch: a former daemon may have had groups.
  groups = process::CgroupTree::open(
      {.hierarchies = groupsOff(config).empty() ? process::ownHierarchies() : std::vector<process::Hierarchy>{},
       .state_tag = state.tag(),
       .memory = state.path() / "cgroups",
       .self = ::getpid(),
       .sweep_timeout = kOrphanSweepTimeout});
  if (groups.sweptCount() > 0) {
    ownLog(logs::LogLevel::Warning,
           fmt::format("ended {} processes in the control groups of a former daemon", groups.sweptCount()));
  }
  if (const std::string off = groupsOff(config); !off.empty()) groups = process::CgroupTree::none(off);
  sayGroups(groups);
  auto swept = process::sweepOrphans(state.tag(), kOrphanSweepTimeout);
  if (!swept) return withContext("workers of a former daemon", std::move(swept).error());
  if (*swept > 0)
    ownLog(logs::LogLevel::Warning, fmt::format("ended {} of a former daemon", counted(*swept, "worker")));

  auto opened = store::SqliteStore::open(state.database());
  if (!opened) return withContext("the store", std::move(opened).error());
  store = std::move(*opened);
  auto opened_reader = store::SqliteReader::open(state.database());
  if (!opened_reader) return withContext("the store", std::move(opened_reader).error());
  reader = std::move(*opened_reader);
  auto made_logs = logs::LogFiles::create(state.logs(), logSettings(config), loop.timers());
  if (!made_logs) return withContext("the logs", std::move(made_logs).error());
  logs = std::move(*made_logs);
  logs->setOnTrouble([](const std::string& sentence) { ownLog(logs::LogLevel::Error, sentence); });

  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT: nothing sets it while the daemon runs
  vault = std::make_unique<secrets::Vault>(config.key_file, credentials == nullptr ? "" : credentials);
  if (const std::string trouble = vault->trouble(); !trouble.empty()) {
    ownLog(logs::LogLevel::Warning, fmt::format("secrets cannot be encrypted or read: {}", trouble));
  }

  const auto post = [this](std::function<void()> work) { loop.post(std::move(work)); };
  executor = std::make_unique<store::StoreExecutor>(*store, post);
  queries = std::make_unique<store::StoreQueries>(*reader, post);
  jobs = std::make_unique<JobThread>(loop);
  const auto run_job = [this](std::function<void()> work, std::function<void()> done) {
    jobs->run(std::move(work), std::move(done));
  };

  catalog::CatalogEvents events;
  events.on_active = [this](const catalog::PluginFile& file) {
    ownLog(logs::LogLevel::Info, fmt::format("plugin {} {} is {}, from {}{}", file.id, toText(file.version),
                                             file.digest.substr(0, 12), file.source.native(), signedText(file)));
    for (const std::string& warning : file.warnings)
      ownLog(logs::LogLevel::Warning, fmt::format("plugin {}: {}", file.id, warning));
    supervisor->onPluginChanged(file);
    admin->onPluginChanged(file);
  };
  events.on_refused = [this](const catalog::Refusal& refusal) {
    ownLog(logs::LogLevel::Error, fmt::format("{} is refused: {}", refusal.path.native(), refusal.reason));
    admin->onPluginRefused(refusal.path.native(), refusal.reason);
  };
  events.on_folder_problem = [](const std::filesystem::path& folder, const std::string& problem) {
    ownLog(logs::LogLevel::Error, problem.empty() ? fmt::format("{} can be read again", folder.native())
                                                  : fmt::format("plugins in {}: {}", folder.native(), problem));
  };
  catalog::CatalogOptions options;
  options.folders = config.plugin_dirs;
  options.policy.store_folder = state.plugins();
  options.policy.trust = config.trust;
  options.policy.worker = worker_binary;
  catalog = std::make_unique<catalog::Catalog>(std::move(options), loop.timers(), run_job, std::move(events));

  supervisor = std::make_unique<supervisor::Supervisor>(
      supervisor::Surroundings{
          loop, *executor, *queries, *catalog, launcher, *logs, run_job,
          [](logs::LogLevel level, const std::string& instance, std::string_view text) {
            ownLog(level, fmt::format("{}: {}", instance, text));
          },
          [this](const std::string& instance, const config::Reference& reference, const std::string& parameter) {
            return readSecret(*vault, instance, reference, parameter);
          }},
      supervisor::Settings{.state_dir = state.path(),
                           .worker_binary = std::move(worker_binary),
                           .state_tag = state.tag(),
                           .version = std::string(kVersion),
                           .host_id = store->hostId(),
                           .restart = config.restart,
                           .limits = config.limits,
                           .groups = groups,
                           .groups_off = !groupsOff(config).empty(),
                           .spawn_slots = config.spawn_slots,
                           .call_sockets_max = config.call_sockets,
                           .context_bytes_max = config.context_bytes,
                           .udp_receive_buffer_bytes = static_cast<int>(config.udp_receive_buffer_bytes),
                           .sandbox = sandboxHere(config, state),
                           .sandbox_require = layersNamed(config.sandbox_require)});
  const services::DeliveryAround delivery{*executor,
                                          *queries,
                                          *supervisor,
                                          loop.timers(),
                                          wallNowUs,
                                          [](const std::string& instance, const std::string& text) {
                                            ownLog(logs::LogLevel::Warning, fmt::format("{}: {}", instance, text));
                                          }};
  mirrors = std::make_unique<services::MirrorDelivery>(delivery);
  questions = std::make_unique<services::Questions>(delivery);
  executor->observe(
      [this](const store::Write& write, const store::WriteValue& value) { mirrors->stored(write, value); });
  admin = std::make_unique<admin::AdminService>(
      admin::Surroundings{loop, *supervisor, *catalog, *queries, *executor, config, logs->folder(), run_job,
                          std::string(kVersion), vault.get(), questions.get(),
                          [database = state.database(), folder = state.path()](const std::filesystem::path& target) {
                            return store::backUpStore(database, folder, target);
                          },
                          mirrors.get()});
  logs->setOnWritten([this](const std::string& instance) { admin->onLogWritten(instance); });

  auto made_signals = openSignals();
  if (!made_signals) return std::move(made_signals).error();
  signals = std::move(*made_signals);
  signals_watch = loop.watch(signals.get(), [this] { onSignal(); });
  signals_watch->waitReadable();
  routes = std::make_unique<InstanceRoutes>(
      loop, *supervisor, run_job,
      [this](const std::string& instance, const config::Reference& reference, const std::string& parameter) {
        return readSecret(*vault, instance, reference, parameter);
      });
  auto listening =
      http::Server::listen(loop, *admin, config.socketPath(), process::descendsFromThis, routes->forServer());
  if (!listening) return std::move(listening).error();
  server = std::move(*listening);
  admin->setRoutes([this](const std::string& instance) { return routes->view(instance, server->routeCounts()); });
  web = std::make_unique<Web>(*server, admin->sessions(), loop.timers());
  return web->open(config.web);
}

void Daemon::Parts::run() {
  ownLog(logs::LogLevel::Info, fmt::format("longhauld {} listens on {}, pid {}, state in {}", kVersion,
                                           config.socketPath().native(), ::getpid(), state.path().native()));
  loop.post([this] { start(); });
  loop.run();
}

void Daemon::Parts::start() {
  if (catalog->fd() >= 0) {
    catalog_watch = loop.watch(catalog->fd(), [this] {
      catalog->onReadable();
      catalog_watch->waitReadable();
    });
    catalog_watch->waitReadable();
  }
  auto started = catalog->start([this] {
    queries->submit([](store::StoreReader& each) { return readStored(each); },
                    [this](auto stored) { begin(std::move(stored)); });
  });
  if (!started) {
    ownLog(logs::LogLevel::Error, started.error().message);
    loop.stop();
  }
}

// First what the files say now, then the start: no instance runs with what it no longer should.
void Daemon::Parts::begin(Result<Stored> stored) {
  if (stopping) return;
  if (!stored) {
    ownLog(logs::LogLevel::Error, fmt::format("the store's instances: {}", stored.error().message));
    loop.stop();
    return;
  }
  supervisor->loadReleases(stored->rollouts);
  supervisor->load(std::move(stored->instances));
  const auto apply = [this](bool first) {
    if (stopping) return;
    admin->applyFolder([this, first](const admin::PlanOutcome& outcome) {
      if (outcome.error) ownLog(logs::LogLevel::Error, outcome.error->message);
      for (const config::Problem& problem : outcome.plan.problems)
        ownLog(logs::LogLevel::Error, config::toText(problem));
      if (outcome.plan.needs_yes && !outcome.applied) ownLog(logs::LogLevel::Error, outcome.plan.needs_yes_reason);
      if (!first || stopping) return;
      supervisor->begin();
      mirrors->start();
      questions->start();
      admin->setNotReady("");
      manager.ready("ready");
      ownLog(logs::LogLevel::Info, "ready");
    });
  };
  apply(true);
  instances_watch = std::make_unique<InstancesWatch>(
      loop, [this](auto work, auto done) { jobs->run(std::move(work), std::move(done)); }, config.instances_dir,
      [apply] { apply(false); });
}

void Daemon::Parts::onSignal() {
  signalfd_siginfo info{};
  while (::read(signals.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGCHLD) {
      supervisor->reapAdoptedSoon();
    } else if (info.ssi_signo != SIGHUP) {
      stop(static_cast<int>(info.ssi_signo));
    } else if (!stopping) {
      reload();
    }
  }
  signals_watch->waitReadable();
}

void Daemon::Parts::reload() {
  ownLog(logs::LogLevel::Info, "SIGHUP: reading the settings and the plugin and instance folders again");
  manager.reloading();
  web->reload();
  auto loaded = std::make_shared<config::DaemonConfigLoaded>();
  jobs->run([loaded, reread = reread] { *loaded = reread(); },
            [this, loaded] {
              if (stopping) return;
              takeSettings(*loaded);
              admin->reload(false, false, [this](const admin::Answer& answer) {
                manager.ready("ready");
                const bool failed = std::holds_alternative<admin::Failure>(answer);
                for (const std::string& line : admin::planLines(answer))
                  ownLog(failed ? logs::LogLevel::Error : logs::LogLevel::Info, line);
              });
            });
}

// What parts keep copies of waits for the next start; it is said, so that nobody waits for its effect.
void Daemon::Parts::takeSettings(const config::DaemonConfigLoaded& loaded) {
  for (const config::Problem& problem : loaded.problems)
    ownLog(logs::LogLevel::Error, config::toText(problem));
  if (!loaded.problems.empty()) {
    return ownLog(logs::LogLevel::Error, "the settings stay as they are: mend the files and send SIGHUP again");
  }
  for (const config::SettingChange& change : config::settingChanges(config, loaded.config)) {
    const bool now =
        change.key == "log_level" || change.key == "instances.orphans_percent" || change.key.starts_with("trust.");
    ownLog(now ? logs::LogLevel::Info : logs::LogLevel::Warning,
           fmt::format("{}: {} → {} ({}){}", change.key, change.before, change.after, change.origin,
                       now ? "" : "; it takes effect when the daemon is started anew"));
  }
  config.log_level = loaded.config.log_level;
  config.orphans_percent = loaded.config.orphans_percent;
  config.trust = loaded.config.trust;
  catalog->setTrust(config.trust);
  setOwnLogLevel(config.log_level);
}

void Daemon::Parts::stop(int signal) {
  if (std::exchange(stopping, true)) return;
  ownLog(logs::LogLevel::Info, fmt::format("{}: stopping", ::sigabbrev_np(signal)));
  admin->setNotReady("the daemon stops");
  manager.stopping();
  server->drain();
  instances_watch.reset();
  supervisor->stop([this] {
    // What forked while its worker was ended, where no control group holds it.
    const auto left = process::endDescendants(kDescendantsTimeout);
    if (!left) ownLog(logs::LogLevel::Error, left.error().message);
    if (left && *left > 0) {
      ownLog(logs::LogLevel::Warning,
             fmt::format("ended what plugins left behind: {}", counted(*left, "process", "processes")));
    }
    ownLog(logs::LogLevel::Info, "stopped");
    loop.stop();
  });
}

Result<std::unique_ptr<Daemon>> Daemon::open(const config::DaemonConfig& config, std::string worker_binary,
                                             Reread reread) {
  auto state = StateFolder::open(config.state_dir);
  if (!state) return std::move(state).error();
  auto parts = std::make_unique<Parts>(config, std::move(*state));
  parts->reread = std::move(reread);
  if (auto done = parts->open(std::move(worker_binary)); !done) return std::move(done).error();
  return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Daemon::~Daemon() = default;

void Daemon::run() {
  parts_->run();
}

}  // namespace longhaul::host::daemon
