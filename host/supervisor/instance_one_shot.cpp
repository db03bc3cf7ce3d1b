// The worker that is started for commands while no other serves the instance. It takes the way of every worker (spawn
// slot, LOADED, fence, START, READY), so what it writes is of the newest generation; its loop is not entered.
#include <fmt/format.h>

#include <utility>

#include "host/base/limits.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::EndCause;
using lifecycle::EventKind;
using lifecycle::Phase;
using lifecycle::Reason;
using lifecycle::WorkerId;

namespace {

// The machine counts its workers from 1 up.
constexpr std::uint64_t kFirstOneShot = std::uint64_t{1} << 63;

}  // namespace

// Who orders a stop or a fresh worker means this one too. Anything else ends it only when the instance needs the place
// for a worker of its own, or when other bytes, configuration or grants are to run now: a copy of the machine says so.
bool Instance::endsOneShot(const lifecycle::Event& event) const {
  switch (event.kind) {
    case EventKind::Disable:
    case EventKind::Orphan:
    case EventKind::HostStop:
    case EventKind::Restart:
      return true;
    default:
      break;
  }
  lifecycle::InstanceMachine tried = *machine_;
  tried.step(event, shared_.around.loop.timers().now(), 0);
  if (tried.phase() != Phase::Rest && tried.phase() != Phase::Wait) return true;
  const Wanted now = wanted();
  return !now.target || !(*now.target == one_shot_->slot.target);
}

void Instance::beginOneShot() {
  const Result<lifecycle::Target> wanted = this->wanted().target;
  Result<Runnable> runnable = wanted ? runnableFor(*wanted) : Result<Runnable>{wanted.error()};
  if (!runnable) {
    return failCommandsOf(WorkerId::None,
                          {Code::Closed, fmt::format("no worker can be started for it: {}", runnable.error().message)});
  }
  OneShot& one_shot = one_shot_.emplace();
  one_shot.slot.id = WorkerId{kFirstOneShot + ++one_shots_count_};
  one_shot.slot.target = *wanted;
  one_shot.slot.granted_calls = grantedCalls(wanted->grants);
  one_shot.slot.listeners = std::move(runnable->listeners);
  one_shot.slot.context_bytes_max = runnable->context_bytes_max;
  one_shot.slot.written_limits = runnable->config.limits;
  one_shot.slot.parameters = std::move(runnable->parameters);
  shared_.slots.ask(id(), machine_->publicState() == lifecycle::PublicState::CrashLoop);
}

void Instance::slotFree() {
  if (one_shot_ && one_shot_->stage == OneShot::Stage::Slot) return spawnOneShot();
  tell(EventKind::SlotFree);
}

void Instance::armOneShot(Duration after, std::string what) {
  shared_.around.loop.timers().cancel(one_shot_->timer);
  one_shot_->timer = shared_.around.loop.timers().after(after, [this, what = std::move(what)] {
    one_shot_->timer = TimerId::None;
    const bool stopping = one_shot_->stage == OneShot::Stage::Stop;
    WorkerProcess* const worker = one_shot_->slot.process.get();
    if (worker == nullptr) {
      one_shot_->slot.cancelled = true;  // its preparing ends first
      return;
    }
    const EndCause cause = stopping                                   ? EndCause::Operator
                           : one_shot_->stage == OneShot::Stage::Load ? EndCause::LoadDeadline
                                                                      : EndCause::ReadyDeadline;
    worker->kill(cause, what);
  });
}

void Instance::spawnOneShot() {
  one_shot_->stage = OneShot::Stage::Load;
  armOneShot(kLoadTimeout, "it was not loaded in time");
  const catalog::PluginFile* file = shared_.around.catalog.find(one_shot_->slot.target.digest);
  if (file == nullptr) return startFailed(one_shot_->slot.id, Reason::StagedFile, "its staged file is gone");
  // A plugin that asks for its sockets finds them here as well. What a back-off keeps is bound already.
  if (auto bound = shared_.listeners.bind(id(), record_.name, one_shot_->slot.listeners); !bound) {
    return startFailed(one_shot_->slot.id, Reason::Listener, bound.error().message);
  }
  Json parameters = std::exchange(one_shot_->slot.parameters, Json());
  prepare(one_shot_->slot, *file, std::move(parameters));
}

void Instance::oneShotLoaded() {
  shared_.slots.giveBack(id());
  if (one_shot_->stage != OneShot::Stage::Load) return;
  one_shot_->stage = OneShot::Stage::Fence;
  armOneShot(one_shot_->slot.target.ready_timeout, "it was not ready in time");
  shared_.around.store.submit(fenceFor(one_shot_->slot.target),
                              [&shared = shared_, id = id(), worker = one_shot_->slot.id](store::WriteResult result) {
                                if (Instance* instance = shared.find(id))
                                  instance->oneShotFenced(worker, std::move(result));
                              });
}

void Instance::oneShotFenced(WorkerId worker, store::WriteResult result) {
  if (result) {
    record_.generation = std::get<store::Fenced>(*result).generation;
    tellRestored(std::get<store::Fenced>(*result));
  }
  if (!one_shot_ || one_shot_->slot.id != worker || one_shot_->stage != OneShot::Stage::Fence) return;
  WorkerProcess& process = *one_shot_->slot.process;
  if (!result) return process.kill(EndCause::Store, result.error().message);
  const auto& fenced = std::get<store::Fenced>(*result);
  record_.target.digest = one_shot_->slot.target.digest;
  record_.context_version = fenced.context.version;
  process.setGeneration(fenced.generation);
  beginMigration(one_shot_->slot, fenced);
  const auto payload = startPayload(one_shot_->slot, fenced, true);
  if (!payload) return process.kill(EndCause::Limit, payload.error().message);
  one_shot_->stage = OneShot::Stage::Start;
  ++shared_.totals.starts;
  process.sendStart(*payload);
}

// The commands under way have the plugin's stop deadline; those that are held wait for the next worker.
void Instance::stopOneShot(EndCause cause) {
  using Stage = OneShot::Stage;
  const Stage stage = std::exchange(one_shot_->stage, Stage::Stop);
  if (stage == Stage::Stop) return;
  if (stage == Stage::Slot) {
    shared_.slots.giveBack(id());
    return endOneShot(nullptr);
  }
  WorkerProcess* const worker = one_shot_->slot.process.get();
  if (worker == nullptr) {
    one_shot_->slot.cancelled = true;
  } else if (stage != Stage::Ready) {
    worker->kill(EndCause::Superseded, "it was no longer wanted");
  } else {
    armOneShot(one_shot_->slot.target.stop_timeout, "it did not stop in time");
    worker->stop(cause, one_shot_->slot.target.stop_timeout);
  }
}

void Instance::oneShotEnded(WorkerProcess& worker) {
  const bool was_ready = one_shot_->stage == OneShot::Stage::Ready || one_shot_->stage == OneShot::Stage::Stop;
  const lifecycle::Exit exit = lifecycle::exitReason(worker.observed());
  if (exit.failure) {
    storeDeath(one_shot_->slot.id);
  } else {
    deaths_.erase(one_shot_->slot.id);
  }
  finishContextWaits(0, false);
  bury(std::move(one_shot_->slot.process));
  const Error fault{Code::Closed, fmt::format("the worker that was started for it did not come up: {}", exit.text)};
  endOneShot(was_ready ? nullptr : &fault);
}

// With a fault, what is held fails with it: another worker would fare no better.
void Instance::endOneShot(const Error* fault) {
  shared_.around.loop.timers().cancel(one_shot_->timer);
  shared_.slots.giveBack(id());
  one_shot_.reset();
  if (!machine_->listenersOpen()) shared_.listeners.closeAll(id());
  watchFolder();
  if (fault != nullptr && deferred_.empty()) failCommandsOf(WorkerId::None, *fault);
  // All that waited comes before a command that is held: it may want another one-shot worker.
  for (lifecycle::Event& event : std::exchange(deferred_, {}))
    events_.push_back(std::move(event));
  if (!stepping_) performEvents();
}

}  // namespace longhaul::host::supervisor
