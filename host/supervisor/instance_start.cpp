// The way of a worker from its target to START, and what the store keeps of it: listeners, spawn, fence, context.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "host/base/files.h"
#include "host/base/limits.h"
#include "host/base/worker_contract.h"
#include "host/catalog/stager.h"
#include "host/protocol/messages.h"
#include "host/supervisor/confine.h"
#include "host/supervisor/crash_card.h"
#include "host/supervisor/data_folder.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::Action;
using lifecycle::EventKind;
using lifecycle::Reason;
using lifecycle::WorkerId;

namespace {

std::optional<Shared::FileIdentity> identityOf(const std::filesystem::path& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return std::nullopt;
  return Shared::FileIdentity{file.st_dev, file.st_ino, file.st_size,
                              file.st_mtim.tv_sec * 1'000'000'000 + file.st_mtim.tv_nsec};
}

std::string asText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dumpJson(value);
}

// Of what runnableFor() said.
Reason notRunnable(const Error& error) {
  return error.code == Code::NotFound ? Reason::StagedFile : Reason::ConfigRefused;
}

void applyChange(store::Context& context, const store::ContextChange& change) {
  if (change.version <= context.version) return;
  if (change.whole) context.values.clear();
  for (const auto& [key, value] : change.changes) {
    if (value) {
      context.values[key] = *value;
    } else {
      context.values.erase(key);
    }
  }
  context.version = change.version;
}

}  // namespace

// ---------------------------------------------------------------- what a target means

Result<Runnable> Instance::runnableFor(const lifecycle::Target& target) const {
  const catalog::PluginFile* file = shared_.around.catalog.find(target.digest);
  if (file == nullptr) {
    return Error{Code::NotFound, fmt::format("the staged file of {} with digest {} is gone: drop the plugin again",
                                             record_.plugin, target.digest.substr(0, 12))};
  }
  const bool newest = target.config_revision == record_.target.config_revision;
  return makeRunnable(record_, newest ? record_.config : record_.last_good_config, file->manifest,
                      shared_.settings.restart, shared_.settings.context_bytes_max);
}

std::optional<lifecycle::Target> Instance::lastGoodTarget() const {
  if (!record_.last_good) return std::nullopt;
  const catalog::PluginFile* file = shared_.around.catalog.find(record_.last_good->digest);
  if (file == nullptr) return std::nullopt;
  auto config = config::fromRecord(record_.name, record_.plugin, record_.last_good_config, shared_.settings.restart);
  if (!config) return std::nullopt;
  return makeTarget(*record_.last_good, file->manifest, config->long_running);
}

void Instance::bindListeners(const lifecycle::Target& target) {
  auto runnable = runnableFor(target);
  if (!runnable) return startFailed(WorkerId::None, notRunnable(runnable.error()), runnable.error().message);
  if (auto done = shared_.listeners.bind(id(), record_.name, runnable->listeners); !done) {
    startFailed(WorkerId::None, Reason::Listener, done.error().message);
  }
}

void Instance::trimListeners(const lifecycle::Target& target) {
  if (current_ && current_->target == target) return shared_.listeners.trim(id(), current_->listeners);
  if (auto runnable = runnableFor(target)) shared_.listeners.trim(id(), runnable->listeners);
}

// ---------------------------------------------------------------- spawn

void Instance::startFailed(WorkerId worker, Reason reason, std::string text) {
  if (one_shot_ && one_shot_->slot.id == worker) {
    const Error fault{Code::Closed, fmt::format("no worker could be started for it: {}", text)};
    return endOneShot(&fault);
  }
  if (incoming_ && incoming_->id == worker && !incoming_->process) incoming_.reset();
  post({.kind = EventKind::StartFailed, .worker = worker, .text = std::move(text), .reason = reason});
}

void Instance::spawn(const Action& action) {
  const catalog::PluginFile* file = shared_.around.catalog.find(action.target.digest);
  auto runnable = runnableFor(action.target);
  if (!runnable) return startFailed(action.worker, notRunnable(runnable.error()), runnable.error().message);
  Slot& slot = incoming_.emplace();
  slot.id = action.worker;
  slot.target = action.target;
  slot.granted_calls = grantedCalls(action.target.grants);
  slot.listeners = std::move(runnable->listeners);
  slot.context_bytes_max = runnable->context_bytes_max;
  slot.written_limits = runnable->config.limits;
  prepare(slot, *file, std::move(runnable->parameters));
}

void Instance::prepare(Slot& slot, const catalog::PluginFile& file, Json parameters) {
  const auto identity = identityOf(file.path);
  const auto verified = shared_.verified.find(file.digest);
  const bool is_verified = identity && verified != shared_.verified.end() && verified->second == *identity;
  const std::filesystem::path folder = dataFolder();
  const std::uint32_t own_uid = sandbox::uidOf(shared_.settings.sandbox, static_cast<std::uint64_t>(id().value));
  const std::uint32_t owner = own_uid != 0 ? own_uid : ::geteuid();
  if (is_verified && isOwned(folder, owner) && !hasReferences(parameters)) {
    return prepared(slot.id, file, config::Resolved{std::move(parameters), {}});
  }
  // Hashing, reading secrets and giving files away block, so all are the job thread's. A crash loop comes here once.
  struct Job {
    catalog::PluginFile file;
    Json parameters;
    Result<void> owned;
    Result<void> verified;
    Result<config::Resolved> resolved = Error{};
  };
  auto job = std::make_shared<Job>();
  job->file = file;
  job->parameters = std::move(parameters);
  shared_.around.run_job(
      [job, name = record_.name, folder, owner, read = shared_.around.read_secret] {
        job->owned = ownDataFolder(folder, owner);
        job->verified = catalog::verifyStaged(job->file.path, job->file.digest);
        const auto reader = [&](const config::Reference& reference, const std::string& parameter) {
          return read ? read(name, reference, parameter) : config::readReference(reference);
        };
        job->resolved = config::resolveReferences(job->parameters, reader);
      },
      [&shared = shared_, id = id(), worker = slot.id, identity, job] {
        if (job->verified && identity) shared.verified[job->file.digest] = *identity;
        Instance* instance = shared.find(id);
        if (instance == nullptr) return;
        if (!job->owned) return instance->startFailed(worker, Reason::DataFolder, job->owned.error().message);
        if (!job->verified) return instance->startFailed(worker, Reason::StagedFile, job->verified.error().message);
        instance->prepared(worker, job->file, std::move(job->resolved));
      });
}

void Instance::prepared(WorkerId worker, const catalog::PluginFile& file, Result<config::Resolved> resolved) {
  Slot* found = slot(worker);
  if (found == nullptr || found->process) return;
  if (found->cancelled) return startFailed(worker, Reason::Stopping, "it was no longer wanted");
  if (!resolved) return startFailed(worker, Reason::Secret, resolved.error().message);
  found->parameters = std::move(resolved->parameters);
  if (auto done = launch(*found, file, resolved->secrets); !done)
    startFailed(worker, Reason::NoWorker, done.error().message);
}

std::filesystem::path Instance::dataFolder() const {
  return shared_.settings.state_dir / "data" / record_.name;
}

Result<void> Instance::launch(Slot& slot, const catalog::PluginFile& file, const std::vector<std::string>& secrets) {
  process::LaunchPlan plan;
  plan.instance = record_.name;
  plan.worker_binary = shared_.settings.worker_binary;
  plan.working_folder = dataFolder();
  plan.plugin_path = file.path;
  plan.state_tag = shared_.settings.state_tag;
  for (const Listeners::Passed& passed : shared_.listeners.passed(id(), slot.listeners)) {
    plan.listeners.push_back(passed.fd);
    slot.passed.push_back(passed.name);
  }
  const sandbox::Allowed allowed = allowedBy(slot.target.grants);
  const bool newest = slot.target.config_revision == record_.target.config_revision;
  process::WorkerGroup group = planLimitsOf(slot);
  sandbox::Plan confined = sandbox::makePlan(shared_.settings.sandbox, allowed,
                                             {.plugin_path = plan.plugin_path,
                                              .data_folder = plan.working_folder,
                                              .instance_number = static_cast<std::uint64_t>(id().value),
                                              .rlimits = slot.limits.rlimits});
  for (const std::filesystem::path& entry : group.entries())
    confined.confinement.groups.push_back(entry);
  auto launched = shared_.around.launcher.launch(plan);
  if (!launched) {
    shared_.remove_group(std::move(group));
    return std::move(launched).error();
  }
  const auto payload = confinePayload(confined, shared_.settings.sandbox, allowed, launched->pid);
  slot.process = std::make_unique<WorkerProcess>(
      shared_.around.loop, *this, shared_.call_sockets,
      WorkerProcess::About{slot.id, slot.target, toText(file.version), Scrubber{secrets},
                           slot.limits.mostText(Limit::Memory), slot.limits.mostText(Limit::Disk),
                           configHash(newest ? record_.config : record_.last_good_config)},
      std::move(*launched));
  slot.layers = confined.layers;
  slot.layers.push_back(groupLayerOf(shared_.settings, !group.empty()));
  beginLimits(slot, std::move(group));
  // The worker waits for it; without it, it must not go on.
  if (!payload) {
    const std::string& text = payload.error().message;
    slot.process->fail(lifecycle::FailedStage::Confine, text);
    slot.process->kill(lifecycle::EndCause::Superseded, text);
    return {};
  }
  slot.process->sendConfine(*payload);
  giveHttpChannel(slot, file);
  return {};
}

// ---------------------------------------------------------------- fence and start

store::Fence Instance::fenceFor(const lifecycle::Target& target) const {
  const catalog::PluginFile* file = shared_.around.catalog.find(target.digest);
  return {.instance = id(),
          .target = {target.digest, target.config_revision, target.grants},
          .state_schema = file != nullptr ? file->manifest.state_schema : 0,
          .death = std::nullopt,
          .at_us = wallNowUs()};
}

void Instance::queueFence(const Action& action) {
  store::Fence fence = fenceFor(action.target);
  if (const auto death = deaths_.find(action.death_of); death != deaths_.end()) fence.death = death->second;
  shared_.around.store.submit(std::move(fence),
                              [&shared = shared_, id = id(), fence_id = action.fence, target = action.target,
                               death_of = action.death_of](store::WriteResult result) {
                                if (Instance* instance = shared.find(id))
                                  instance->fenceDone(fence_id, target, death_of, std::move(result));
                              });
}

void Instance::fenceDone(lifecycle::FenceId fence, const lifecycle::Target& target, WorkerId death_of,
                         store::WriteResult result) {
  if (!result) {
    log(logs::LogLevel::Error, fmt::format("the store gave no generation: {}", result.error().message));
    return post({.kind = EventKind::FenceFailed, .worker = death_of, .fence = fence, .text = result.error().message});
  }
  deaths_.erase(death_of);
  auto& fenced = std::get<store::Fenced>(*result);
  const Generation generation = fenced.generation;
  record_.generation = generation;
  record_.target.digest = target.digest;
  record_.context_version = fenced.context.version;
  for (const std::string& key : fenced.context.quarantined_keys) {
    log(logs::LogLevel::Error,
        fmt::format("the context's key {} failed its checksum and is not given to the plugin", key));
  }
  if (fenced.last_run.quarantined) log(logs::LogLevel::Error, "the last run failed its checksum: the plugin gets {}");
  tellRestored(fenced);
  fenced_ = std::move(fenced);
  post({.kind = EventKind::Fenced, .fence = fence, .generation = generation});
}

void Instance::promote(const Action& action) {
  LONGHAUL_CHECK(incoming_ && incoming_->id == action.worker && !current_, "promote without an incoming worker");
  current_ = std::exchange(incoming_, std::nullopt);
  current_->process->setGeneration(action.generation);
}

void Instance::sendStart() {
  LONGHAUL_CHECK(current_ && fenced_, "START without a worker or its generation");
  const store::Fenced fenced = *std::exchange(fenced_, std::nullopt);
  beginMigration(*current_, fenced);
  const auto payload = startPayload(*current_, fenced, false);
  if (!payload) {
    return post({.kind = EventKind::Condemned,
                 .worker = current_->id,
                 .cause = lifecycle::EndCause::Limit,
                 .text = payload.error().message});
  }
  ++starts_count_;
  ++shared_.totals.starts;
  current_->process->sendStart(*payload);
}

Result<std::string> Instance::startPayload(Slot& slot, const store::Fenced& fenced, bool one_shot) const {
  const Json parameters = std::exchange(slot.parameters, Json());
  const catalog::PluginFile* file = shared_.around.catalog.find(slot.target.digest);
  const std::string params = dumpJson(parameters);
  const std::string version = dumpJson({{"version", shared_.settings.version},
                                        {"buildNumber", shared_.settings.version},
                                        {"platform", "longhaul"},
                                        {"engine", false}});

  protocol::Start start;
  start.generation = fenced.generation.value;
  start.context_version = fenced.context.version;
  start.last_run_version = fenced.last_run.version;
  start.context_bytes_max = slot.context_bytes_max;
  start.signals_ready = file != nullptr && file->manifest.signals_ready ? 1 : 0;
  start.one_shot = one_shot ? 1 : 0;
  start.context_schema = slot.context_schema;
  start.state_schema = slot.state_schema;
  start.instance = record_.name;
  start.params = params;
  start.last_run = fenced.last_run.object;
  start.version = version;
  start.urls = R"({"server":"","investigation":"","warRoom":""})";  // there is no page yet
  start.license_id = shared_.settings.host_id;
  std::vector<std::string> texts;
  texts.reserve(parameters.size());
  for (const auto& [name, value] : parameters.items()) {
    texts.push_back(asText(value));
    start.parameters.push_back({name, texts.back()});
  }
  for (const auto& [key, value] : fenced.context.values)
    start.context.push_back({key, value});
  for (std::size_t i = 0; i < slot.passed.size(); ++i) {
    start.listeners.push_back({static_cast<std::uint32_t>(kFirstListenerFd + static_cast<int>(i)), slot.passed[i]});
  }
  std::string payload;
  protocol::encode(start, payload);
  if (payload.size() > kMessageBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("its parameters and context have {} bytes together, at most {} fit into START",
                             payload.size(), kMessageBytesMax)};
  }
  return payload;
}

// ---------------------------------------------------------------- what the store keeps

void Instance::setLastGood(const lifecycle::Target& target) {
  const store::Target good{target.digest, target.config_revision, target.grants};
  shared_.releases.ready(record_.plugin, id(), target.digest);
  if (record_.last_good == good) return;
  record_.last_good = good;
  if (target.config_revision == record_.target.config_revision) record_.last_good_config = record_.config;
  storeLastGood();
}

void Instance::storeLastGood() {
  shared_.around.store.submit(
      store::SetLastGood{id(), *record_.last_good}, [&shared = shared_, id = id()](const auto& result) {
        Instance* instance = shared.find(id);
        if (!result && instance != nullptr) {
          instance->log(logs::LogLevel::Error,
                        fmt::format("what ran last could not be stored: {}", result.error().message));
        }
      });
}

// ---------------------------------------------------------------- an operator's write of the context

void Instance::writeContext(store::ContextWrite write, std::function<void(Result<Supervisor::ContextWritten>)> done) {
  store::CommitWrite commit;
  commit.instance = id();
  commit.at_us = wallNowUs();
  commit.context = std::move(write);
  commit.context_bytes_max = shared_.settings.context_bytes_max;
  if (auto config = config::fromRecord(record_.name, record_.plugin, record_.config, shared_.settings.restart);
      config && config->limits.context_mib) {
    commit.context_bytes_max = static_cast<std::size_t>(*config->limits.context_mib) << 20;
  }
  auto completion = [&shared = shared_, id = id(), done](store::WriteResult result) {
    if (!result) return done(std::move(result).error());
    const auto& committed = std::get<store::Committed>(*result);
    Instance* instance = shared.find(id);
    const std::int64_t version = committed.context_version.value_or(0);
    if (instance == nullptr || !committed.context) return done(Supervisor::ContextWritten{version, true});
    instance->contextChanged(*committed.context);
    if (instance->serving() == nullptr) return done(Supervisor::ContextWritten{version, false});
    ContextWait wait{.version = version, .done = done};
    wait.timer = shared.around.loop.timers().after(kContextAppliedTimeout, [instance, version] {
      // Of this and of those before it: a worker applies them in their order.
      instance->finishContextWaits(version, false);
    });
    instance->context_waits_.push_back(std::move(wait));
  };
  if (!shared_.around.store.submit(std::move(commit), std::move(completion))) {
    done(Error{Code::Busy, "the store's queue is full: try again"});
  }
}

void Instance::contextChanged(const store::ContextChange& change) {
  record_.context_version = change.version;
  // A START on its way was read from the store before this write.
  if (fenced_) applyChange(fenced_->context, change);
  WorkerProcess* const worker = serving();
  if (worker == nullptr) return;
  protocol::ContextChange message;
  message.version = change.version;
  message.whole = change.whole ? 1 : 0;
  for (const auto& [key, value] : change.changes) {
    message.changes.push_back({key, value ? protocol::OptionalText{*value} : std::nullopt});
  }
  std::string payload;
  protocol::encode(message, payload);
  worker->sendContextChange(payload);
}

void Instance::finishContextWaits(std::int64_t version, bool applied) {
  std::vector<ContextWait> finished;
  for (auto wait = context_waits_.begin(); wait != context_waits_.end();) {
    // 0: the worker ended, so none of them will be told.
    if (version != 0 && wait->version > version) {
      ++wait;
      continue;
    }
    shared_.around.loop.timers().cancel(wait->timer);
    finished.push_back(std::move(*wait));
    wait = context_waits_.erase(wait);
  }
  for (const ContextWait& wait : finished)
    wait.done(Supervisor::ContextWritten{wait.version, applied});
}

}  // namespace longhaul::host::supervisor
