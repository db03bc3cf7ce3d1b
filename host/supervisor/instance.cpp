#include "host/supervisor/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/catalog/admission.h"
#include "host/protocol/messages.h"
#include "host/supervisor/ends.h"
#include "host/supervisor/restart_settings.h"

namespace longhaul::host::supervisor {

using lifecycle::Action;
using lifecycle::ActionKind;
using lifecycle::Event;
using lifecycle::EventKind;
using lifecycle::Reason;
using lifecycle::WorkerId;

namespace {

// Health is shown to everybody who may look, and what a plugin says there is often a request that failed, whole.
std::string_view scrubbedHealth(const Scrubber& scrubber, std::string_view payload, std::string& buffer) {
  protocol::UpdateModuleHealth call;
  if (!decode(payload, call)) return payload;
  const std::string text = scrubber.scrubbed(call.data);
  if (text == call.data) return payload;
  call.data = text;
  protocol::encode(call, buffer);
  return buffer;
}

}  // namespace

Instance::Instance(Shared& shared, Supervisor::Kept kept)
    : shared_(shared),
      record_(std::move(kept.record)),
      log_(shared.around.logs.log(record_.name)),
      requests_(makeRequests()),
      health_(std::move(kept.health)) {
  if (kept.last_death) {
    last_end_ = endViewOf(*kept.last_death);
    unnamed_ = std::move(kept.last_death);
  }
  lifecycle::InstanceMachine::Setup setup;
  setup.orphaned = record_.orphaned;
  setup.last_good = lastGoodTarget();
  if (auto config = config::fromRecord(record_.name, record_.plugin, record_.config, shared_.settings.restart)) {
    setup.restart = restartSettings(config->restart);
  }
  // Until refreshTarget() knows better nothing can run.
  setup.held = "its plugin was not looked for yet";
  setup.held_reason = Reason::NotLookedFor;
  machine_.emplace(std::move(setup));
}

Instance::~Instance() {
  for (const auto& [kind, timer] : timers_)
    shared_.around.loop.timers().cancel(timer);
  for (const ContextWait& wait : context_waits_)
    shared_.around.loop.timers().cancel(wait.timer);
  for (const auto& [id, command] : commands_)
    shared_.around.loop.timers().cancel(command.timer);
  if (one_shot_) shared_.around.loop.timers().cancel(one_shot_->timer);
  shared_.around.loop.timers().cancel(refused_timer_);
}

// ---------------------------------------------------------------- wishes

void Instance::begin() {
  leaveBadRelease();
  if (const auto unnamed = std::exchange(unnamed_, std::nullopt)) nameDeath(*unnamed);
  refreshTarget();
  if (record_.enabled) tell(EventKind::Enable);
}

void Instance::setRecord(store::InstanceRecord record) {
  record_ = std::move(record);
  auto config = config::fromRecord(record_.name, record_.plugin, record_.config, shared_.settings.restart);
  if (config) machine_->setRestart(restartSettings(config->restart));
  watchFolder();
  refreshTarget();
}

void Instance::rewriteConfig(const store::RewriteConfig& write) {
  if (record_.config == write.config_before) record_.config = write.config;
  if (record_.last_good_config == write.last_good_before) record_.last_good_config = write.last_good;
}

void Instance::setEnabled(bool enabled, bool begun) {
  record_.enabled = enabled;
  if (!begun) return;
  if (enabled) refreshTarget();
  tell(enabled ? EventKind::Enable : EventKind::Disable);
}

void Instance::setOrphaned(bool orphaned) {
  record_.orphaned = orphaned;
  if (orphaned) record_.enabled = false;
  tell(orphaned ? EventKind::Orphan : EventKind::Adopt);
}

void Instance::stopForGood(std::function<void()> done) {
  stopped_ = std::move(done);
  ending_ = true;
  tell(EventKind::Disable);
}

void Instance::hostStop() {
  ending_ = true;
  tell(EventKind::HostStop);
}

std::vector<sandbox::LayerState> Instance::layersHere() const {
  auto layers = sandbox::layersOf(shared_.settings.sandbox, static_cast<std::uint64_t>(id().value));
  layers.push_back(groupLayerOf(shared_.settings, !shared_.settings.groups.empty()));
  return layers;
}

void Instance::approve(Supervisor::Done done) {
  const catalog::PluginFile* file = shared_.around.catalog.latest(record_.plugin);
  if (file == nullptr) {
    return done(Error{Code::NotFound, fmt::format("there is no plugin {}: nothing is asked for", record_.plugin)});
  }
  store::PutInstance put{.name = record_.name,
                         .plugin = record_.plugin,
                         .config = record_.config,
                         .grants = dumpJson(catalog::toJson(file->manifest.grants)),
                         .owner = record_.owner,
                         .source = record_.source,
                         .at_us = wallNowUs()};
  shared_.around.store.submit(std::move(put), [&shared = shared_, id = id(), done](store::WriteResult result) {
    if (!result) return done(std::move(result).error());
    if (Instance* instance = shared.find(id)) {
      instance->setRecord(std::move(std::get<store::InstancePut>(*result).record));
    }
    done({});
  });
}

// ---------------------------------------------------------------- the machine

void Instance::post(Event event) {
  if (one_shot_ && (!deferred_.empty() || endsOneShot(event))) {
    // It goes on without delay: the commands under way have the time that a stop has.
    deferred_.push_back(std::move(event));
    return stopOneShot(lifecycle::EndCause::Operator);
  }
  events_.push_back(std::move(event));
  if (!stepping_) performEvents();
}

void Instance::performEvents() {
  stepping_ = true;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    const lifecycle::PublicState before = machine_->publicState();
    const std::string reason_before = machine_->reason();
    const auto actions = machine_->step(next, shared_.around.loop.timers().now(), shared_.random());
    for (const Action& action : actions)
      perform(action);
    logChange(before, reason_before);
  }
  stepping_ = false;
  pumpCommands();
  requests_->pumpSoon();
  shared_.changed(id());
  if (stopped_ && !hasWorkers()) {
    shared_.around.loop.post([done = std::move(stopped_)] { done(); });
    stopped_ = nullptr;
  }
}

void Instance::perform(const Action& action) {
  switch (action.kind) {
    case ActionKind::BindListeners:
      return bindListeners(action.target);
    case ActionKind::TrimListeners:
      return trimListeners(action.target);
    case ActionKind::CloseListeners:
      return shared_.listeners.closeAll(id());
    case ActionKind::AskSlot:
      return shared_.slots.ask(id(), action.crash_loop);
    case ActionKind::GiveSlotBack:
      return shared_.slots.giveBack(id());
    case ActionKind::Spawn:
      return spawn(action);
    case ActionKind::KillIncoming:
    case ActionKind::KillCurrent:
    case ActionKind::SendKill:
      // What hangs stays unresponsive until it has ended.
      if (action.cause != lifecycle::EndCause::Watchdog) endHeartbeat(action.worker);
      if (Slot* found = slot(action.worker); found != nullptr && !found->process) found->cancelled = true;
      if (WorkerProcess* worker = process(action.worker)) worker->kill(action.cause, action.reason);
      return;
    case ActionKind::AbortCurrent:
      if (WorkerProcess* worker = process(action.worker)) worker->abort(action.cause, action.reason);
      return;
    case ActionKind::StopCurrent:
      endHeartbeat(action.worker);
      if (WorkerProcess* worker = process(action.worker)) worker->stop(action.cause, action.duration);
      return;
    case ActionKind::SendTerm:
      if (WorkerProcess* worker = process(action.worker)) worker->terminate();
      return;
    case ActionKind::ReportStuck:
      return log(logs::LogLevel::Error, "its worker was killed and is still there: the system does not let it end");
    case ActionKind::QueueFence:
      return queueFence(action);
    case ActionKind::Promote:
      return promote(action);
    case ActionKind::SendStart:
      return sendStart();
    case ActionKind::HoldCalls:
    case ActionKind::FlushCalls:
    case ActionKind::FailCalls:
      return;  // pumpCommands() does what the phase after the step says
    case ActionKind::SetLastGood:
      return setLastGood(action.target);
    case ActionKind::StoreDeath:
      return storeDeath(action.worker);
    case ActionKind::ArmTimer: {
      TimerId& timer = timers_[action.timer];
      shared_.around.loop.timers().cancel(timer);
      timer = shared_.around.loop.timers().after(action.duration,
                                                 [this, kind = action.timer] { tell(lifecycle::timerEvent(kind)); });
      return;
    }
    case ActionKind::DropTimer:
      shared_.around.loop.timers().cancel(std::exchange(timers_[action.timer], TimerId::None));
      return;
    case ActionKind::ReportRefusal:
      log(logs::LogLevel::Error, fmt::format("what was to replace it failed and was given up: {}", action.reason));
      // With another configuration than the one that was READY nobody knows whose fault it is.
      if (!action.host_trouble && record_.last_good &&
          record_.last_good->config_revision == action.target.config_revision &&
          record_.last_good->grants == action.target.grants) {
        shared_.releases.refused(record_.plugin, id(), action.target.digest, record_.last_good->digest,
                                 fmt::format("{}: {}", record_.name, action.reason));
      }
      return;
    case ActionKind::Alert:
      log(logs::LogLevel::Error, action.reason);
      if (machine_->failing()) {
        shared_.releases.crashLoop(record_.plugin, id(), machine_->target().digest,
                                   fmt::format("{}: {}", record_.name, machine_->reason()));
      }
      return;
  }
}

void Instance::logChange(lifecycle::PublicState before, const std::string& reason_before) {
  const lifecycle::PublicState now = machine_->publicState();
  if (now == before && machine_->reason() == reason_before) return;
  const bool bad = now == lifecycle::PublicState::Backoff || now == lifecycle::PublicState::CrashLoop ||
                   now == lifecycle::PublicState::Quarantined || now == lifecycle::PublicState::Refused ||
                   now == lifecycle::PublicState::Held;
  log(bad ? logs::LogLevel::Warning : logs::LogLevel::Info,
      fmt::format("{}: {}", lifecycle::publicStateName(now), machine_->reason()));
}

void Instance::log(logs::LogLevel level, std::string_view text) {
  shared_.around.logs.appendHost(log_, level, text);
  shared_.flush_logs();
  if (shared_.around.report) shared_.around.report(level, record_.name, text);
}

// ---------------------------------------------------------------- slots

Instance::Slot* Instance::slot(WorkerId worker) {
  if (current_ && current_->id == worker) return &*current_;
  if (incoming_ && incoming_->id == worker) return &*incoming_;
  if (one_shot_ && one_shot_->slot.id == worker) return &one_shot_->slot;
  return nullptr;
}

WorkerProcess* Instance::process(WorkerId worker) const {
  if (current_ && current_->id == worker) return current_->process.get();
  if (incoming_ && incoming_->id == worker) return incoming_->process.get();
  if (one_shot_ && one_shot_->slot.id == worker) return one_shot_->slot.process.get();
  return nullptr;
}

WorkerProcess* Instance::serving() const {
  if (current_ && current_->process->started()) return current_->process.get();
  if (one_shot_ && one_shot_->slot.process && one_shot_->slot.process->started()) return one_shot_->slot.process.get();
  return nullptr;
}

void Instance::addPids(std::vector<pid_t>& pids) const {
  if (current_ && current_->process) pids.push_back(current_->process->pid());
  if (incoming_ && incoming_->process) pids.push_back(incoming_->process->pid());
  if (one_shot_ && one_shot_->slot.process) pids.push_back(one_shot_->slot.process->pid());
}

void Instance::addTags(std::vector<std::string>& tags) const {
  if (current_ && current_->process) tags.push_back(current_->process->tag());
  if (incoming_ && incoming_->process) tags.push_back(incoming_->process->tag());
  if (one_shot_ && one_shot_->slot.process) tags.push_back(one_shot_->slot.process->tag());
}

// ---------------------------------------------------------------- what a worker tells

void Instance::onLoaded(WorkerProcess& worker, std::string_view payload) {
  protocol::Loaded loaded;
  if (!decode(payload, loaded)) return onViolation(worker, "a LOADED that is none");
  if (auto fits = catalog::checkAbiVersion(loaded.abi_version, catalog::hostAbiVersion()); !fits) {
    worker.fail(lifecycle::FailedStage::Abi, fits.error().message);
    worker.kill(lifecycle::EndCause::Superseded, fits.error().message);
    return;
  }
  const catalog::PluginFile* file = shared_.around.catalog.find(worker.about().target.digest);
  for (const std::string_view extension : loaded.extensions) {
    if (file == nullptr || file->manifest.offers(extension)) continue;
    const std::string text = fmt::format(
        "the plugin has a table {} that its manifest does not name: add it to "
        "\"capabilities\"",
        extension);
    worker.fail(lifecycle::FailedStage::Manifest, text);
    worker.kill(lifecycle::EndCause::Superseded, text);
    return;
  }
  if (file != nullptr) {
    for (const std::string& capability : file->manifest.capabilities) {
      if (std::find(loaded.extensions.begin(), loaded.extensions.end(), capability) != loaded.extensions.end())
        continue;
      const std::string text = fmt::format(
          "its manifest names {} and the plugin gives no table for it: give one from getExtension, or take it out of "
          "\"capabilities\"",
          capability);
      worker.fail(lifecycle::FailedStage::Manifest, text);
      worker.kill(lifecycle::EndCause::Superseded, text);
      return;
    }
  }
  if (isOneShot(worker)) return oneShotLoaded();
  post({.kind = EventKind::Loaded, .worker = worker.about().id});
}

void Instance::onReady(WorkerProcess& worker) {
  if (isOneShot(worker)) {
    shared_.around.loop.timers().cancel(std::exchange(one_shot_->timer, TimerId::None));
    one_shot_->stage = OneShot::Stage::Ready;
    return pumpCommands();
  }
  post({.kind = EventKind::Ready, .worker = worker.about().id});
  beginHeartbeat();
}

void Instance::onExtend(WorkerProcess& worker, Duration by) {
  if (isOneShot(worker)) return;  // its plugin enters no loop that could become ready later
  post({.kind = EventKind::Extend, .worker = worker.about().id, .duration = by});
}

void Instance::onContextApplied(WorkerProcess& worker, std::int64_t version) {
  if (serving() == &worker) finishContextWaits(version, true);
}

void Instance::onCall(WorkerProcess& worker, ipc::CallId call, protocol::Method method, std::string_view payload) {
  Slot* const of = isOneShot(worker) && worker.started() ? &one_shot_->slot : current_ ? &*current_ : nullptr;
  if (of == nullptr || of->process.get() != &worker) return onViolation(worker, "a server call before START");
  ++calls_count_;
  ++shared_.totals.calls;
  const std::size_t payload_bytes = payload.size();
  const bool migrates = method == protocol::Method::migrateContext;
  if (migrates && !mayMigrate(*of)) return onViolation(worker, "a migration's write that is not due");
  if (!migrates && refuseCall(worker, call, payload_bytes)) return;
  call_bytes_ += payload_bytes;
  std::string scrubbed;
  if (method == protocol::Method::updateModuleHealth) {
    payload = scrubbedHealth(worker.about().scrubber, payload, scrubbed);
  }
  const services::Caller caller{.instance = record_.id,
                                .generation = worker.generation(),
                                .name = record_.name,
                                .plugin = record_.plugin,
                                .context_bytes_max = of->context_bytes_max,
                                .health = &health_,
                                .granted_calls = &of->granted_calls};
  const bool understood = shared_.api.call(
      caller, method, payload, [this](const std::string& text) { log(logs::LogLevel::Warning, text); },
      [&shared = shared_, id = record_.id, worker_id = worker.about().id, call, method,
       payload_bytes](const services::Outcome& outcome) {
        Instance* instance = shared.find(id);
        if (instance == nullptr) return;
        instance->call_bytes_ -= payload_bytes;
        if (outcome.status == static_cast<std::int32_t>(Code::NotGranted)) {
          instance->countDenied(DeniedView::Kind::ServerCall, std::string{protocol::methodName(method)}, 1,
                                outcome.payload);
        }
        if (method == protocol::Method::migrateContext) instance->migrated(worker_id, outcome);
        instance->answered(worker_id, call, outcome);
      });
  if (understood) return;
  call_bytes_ -= payload_bytes;
  onViolation(worker, fmt::format("arguments of {} that are none", protocol::methodName(method)));
}

void Instance::answered(WorkerId worker, ipc::CallId call, const services::Outcome& outcome) {
  if (WorkerProcess* found = process(worker)) found->reply(call, outcome.status, outcome.payload);
  if (outcome.status < 0) {
    ++failed_calls_count_;
    ++shared_.totals.failed_calls;
    return;
  }
  incidents_count_ += outcome.incidents_created;
  shared_.totals.incidents += outcome.incidents_created;
  if (outcome.context_version != 0) record_.context_version = outcome.context_version;
  if (!outcome.health) return;
  health_ = outcome.health;
  shared_.changed(id());
}

void Instance::onLine(WorkerProcess&, logs::LogLine line) {
  shared_.around.logs.append(log_, line);
  shared_.flush_logs();
}

void Instance::onRingDrops(WorkerProcess&, std::uint64_t lines_count) {
  shared_.around.logs.countRingDrops(log_, lines_count);
  shared_.flush_logs();
}

void Instance::onViolation(WorkerProcess& worker, std::string text) {
  if (isOneShot(worker)) return worker.kill(lifecycle::EndCause::Protocol, text);
  post({.kind = EventKind::Condemned,
        .worker = worker.about().id,
        .cause = lifecycle::EndCause::Protocol,
        .text = std::move(text)});
}

void Instance::onEnded(WorkerProcess& worker) {
  const WorkerId ended = worker.about().id;
  const lifecycle::Exit exit = lifecycle::exitReason(worker.observed());
  const std::string exit_class{lifecycle::exitClassName(exit.exit_class)};
  keepEnd(worker, exit);
  ++shared_.totals.ends[exit_class];
  endHeartbeat(ended);
  keepDenied(worker);
  log(exit.failure ? logs::LogLevel::Error : logs::LogLevel::Info,
      fmt::format("worker {} ended: {}: {}", worker.pid(), exit_class, exit.text));
  for (const std::string& mended : shared_.listeners.heal(id()))
    log(logs::LogLevel::Warning, mended);

  failCommandsOf(ended,
                 {Code::Closed, fmt::format("the worker that ran it ended ({}: {}): whether it took effect is not "
                                            "known",
                                            exit_class, exit.text)});
  requests_->ended(ended, worker.observed().bye.has_value());
  shared_.remove_group(worker.leaveGroup());
  if (isOneShot(worker)) return oneShotEnded(worker);

  const bool was_current = current_ && current_->id == ended;
  const Digest digest = worker.about().target.digest;
  auto& of = was_current ? current_ : incoming_;
  bury(std::move(of->process));
  of.reset();
  if (was_current) finishContextWaits(0, false);
  watchFolder();
  if (exit.failure) {
    shared_.releases.failed(record_.plugin, id(), digest,
                            fmt::format("{}: {}: {}", record_.name, exit_class, exit.text));
  }
  post({.kind = was_current ? EventKind::CurrentEnded : EventKind::IncomingEnded, .worker = ended, .exit = exit});
}

// What ended is on the stack of this call: it goes in a later turn.
void Instance::bury(std::unique_ptr<WorkerProcess> worker) {
  dying_.push_back(std::move(worker));
  shared_.around.loop.post([&shared = shared_, id = id()] {
    if (Instance* instance = shared.find(id)) instance->dying_.clear();
  });
}

}  // namespace longhaul::host::supervisor
