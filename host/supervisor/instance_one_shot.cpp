// The worker that is started for commands while no other serves the instance. It takes the way of every worker (spawn
// slot, LOADED, fence, START, READY), so what it writes is of the newest generation; its loop is not entered.
#include <fmt/format.h>

#include <utility>

#include "host/base/limits.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::EndCause;
using lifecycle::WorkerId;

namespace {

// The machine counts its workers from 1 up.
constexpr std::uint64_t kFirstOneShot = std::uint64_t{1} << 63;

}  // namespace

void Instance::beginOneShot() {
  auto wanted =
      wantedTarget(record_, shared_.around.catalog, shared_.settings.restart, shared_.settings.context_bytes_max);
  Result<Runnable> runnable = wanted ? runnableFor(*wanted) : Result<Runnable>{wanted.error()};
  if (!disk_full_.empty()) runnable = Error{Code::StoreFull, disk_full_};
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
  tell(lifecycle::EventKind::SlotFree);
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
  if (file == nullptr) return startFailed(one_shot_->slot.id, "its staged file is gone");
  Json parameters = std::exchange(one_shot_->slot.parameters, Json());
  prepare(one_shot_->slot, *file, std::move(parameters));
}

void Instance::oneShotLoaded() {
  shared_.slots.giveBack(id());
  if (one_shot_->stage != OneShot::Stage::Load) return;
  one_shot_->stage = OneShot::Stage::Fence;
  armOneShot(one_shot_->slot.target.ready_timeout, "it was not ready in time");
  const lifecycle::Target& target = one_shot_->slot.target;
  store::Fence fence{.instance = id(),
                     .target = {target.digest, target.config_revision, target.grants},
                     .state_schema = 0,
                     .death = std::nullopt,
                     .at_us = wallNowUs()};
  if (const catalog::PluginFile* file = shared_.around.catalog.find(target.digest)) {
    fence.state_schema = file->manifest.state_schema;
  }
  shared_.around.store.submit(std::move(fence),
                              [&shared = shared_, id = id(), worker = one_shot_->slot.id](store::WriteResult result) {
                                if (Instance* instance = shared.find(id))
                                  instance->oneShotFenced(worker, std::move(result));
                              });
}

void Instance::oneShotFenced(WorkerId worker, store::WriteResult result) {
  if (result) record_.generation = std::get<store::Fenced>(*result).generation;
  if (!one_shot_ || one_shot_->slot.id != worker || one_shot_->stage != OneShot::Stage::Fence) return;
  WorkerProcess& process = *one_shot_->slot.process;
  if (!result) return process.kill(EndCause::Store, result.error().message);
  const auto& fenced = std::get<store::Fenced>(*result);
  record_.target.digest = one_shot_->slot.target.digest;
  record_.context_version = fenced.context.version;
  process.setGeneration(fenced.generation);
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
  dying_.push_back(std::move(one_shot_->slot.process));
  // It is on the stack of this call.
  shared_.around.loop.post([&shared = shared_, id = id()] {
    if (Instance* instance = shared.find(id)) instance->dying_.clear();
  });
  const Error fault{Code::Closed, fmt::format("the worker that was started for it did not come up: {}", exit.text)};
  endOneShot(was_ready ? nullptr : &fault);
}

// With a fault, what is held fails with it: another worker would fare no better.
void Instance::endOneShot(const Error* fault) {
  shared_.around.loop.timers().cancel(one_shot_->timer);
  shared_.slots.giveBack(id());
  one_shot_.reset();
  watchFolder();
  auto deferred = std::exchange(deferred_, {});
  if (fault != nullptr && deferred.empty()) failCommandsOf(WorkerId::None, *fault);
  for (lifecycle::Event& event : deferred)
    post(std::move(event));
  pumpCommands();
  shared_.changed(id());
}

}  // namespace longhaul::host::supervisor
