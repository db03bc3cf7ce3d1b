// Commands on their way to a worker and back: who waits, which worker takes them, and what becomes of them when it ends
// or the time is over.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/limits.h"
#include "host/base/worker_contract.h"
#include "host/config/command_arguments.h"
#include "host/protocol/messages.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::Phase;
using lifecycle::WorkerId;
using services::CommandAsked;
using services::CommandResult;

namespace {

constexpr std::size_t kCommandsWaitingMax = 256;    // of one instance, those under way included
constexpr std::size_t kCommandBytesMax = 4U << 20;  // arguments and context of one command, as its result
constexpr std::string_view kCapability = "longhaul.commands/1";

// As it is shown to whoever asked.
std::string nameOf(const CommandAsked& asked) {
  return asked.is_test ? std::string("the test") : fmt::format("the command {}", asked.command);
}

// Plugins may return any number.
Code codeOf(std::int32_t status) {
  const bool known = status >= static_cast<std::int32_t>(Code::AlreadyAnswered) && status < 0;
  return known ? static_cast<Code>(status) : Code::Internal;
}

}  // namespace

// Whose commands these are: what serves, else what a one-shot worker would be started of.
const catalog::PluginFile* Instance::fileForCommands() const {
  Digest digest = record_.target.digest;
  if (current_) {
    digest = current_->target.digest;
  } else if (const auto target = wanted().target) {
    digest = target->digest;
  }
  const catalog::PluginFile* file = shared_.around.catalog.find(digest);
  return file != nullptr && file->id == record_.plugin ? file : shared_.releases.fileFor(record_.plugin, record_.id);
}

void Instance::run(CommandAsked asked, services::InstanceCalls::Done done) {
  const catalog::PluginFile* file = fileForCommands();
  if (file == nullptr) {
    return done(
        Error{Code::Closed, fmt::format("no worker can be started for it: the plugin {} of {} is not there; drop "
                                        "its .so into the plugin folder",
                                        record_.plugin, record_.name)});
  }
  if (!file->manifest.offers(kCapability)) {
    return done(Error{Code::Absent, fmt::format("{} has no commands and no test: its manifest does not name {}",
                                                record_.plugin, kCapability)});
  }
  if (!asked.is_test) {
    auto arguments = config::checkArguments(file->manifest, asked.command, asked.arguments);
    if (!arguments) return done(std::move(arguments).error());
    asked.arguments = *std::move(arguments);
  }
  if (commands_.size() >= kCommandsWaitingMax) {
    return done(Error{Code::Busy,
                      fmt::format("{} commands wait for {} already: try again later", commands_.size(), record_.name)});
  }
  const std::uint64_t id = ++last_command_;
  const Duration time = std::clamp<Duration>(asked.deadline, Duration::zero(), services::kCommandTimeoutMax);
  Command& command = commands_[id];
  command.asked = std::move(asked);
  command.done = std::move(done);
  command.deadline = shared_.around.loop.timers().now() + time;
  command.timer = shared_.around.loop.timers().after(time, [this, id] { commandTimedOut(id); });
  pumpCommands();
}

std::size_t Instance::commandsOn(WorkerId worker) const {
  return static_cast<std::size_t>(std::count_if(commands_.begin(), commands_.end(),
                                                [&](const auto& each) { return each.second.worker == worker; }));
}

// Each command that is held goes where the phase says: to the worker that serves, to a one-shot worker where none does,
// or it waits on while one is on its way.
void Instance::pumpCommands() {
  if (stepping_) return;  // once the machine is where its events lead
  std::vector<std::uint64_t> held;
  for (const auto& [id, command] : commands_) {
    if (command.worker == WorkerId::None) held.push_back(id);
  }
  for (const std::uint64_t id : held) {
    const auto found = commands_.find(id);
    if (found == commands_.end()) continue;
    const Phase phase = machine_->phase();
    const bool rests = phase == Phase::Rest || phase == Phase::Wait;
    Slot* serving = phase == Phase::Running || phase == Phase::Preparing ? &*current_
                    : one_shot_ && one_shot_->stage == OneShot::Stage::Ready && !found->second.asked.live_only
                        ? &one_shot_->slot
                        : nullptr;
    if (ending_) {
      finishCommand(id, Error{Code::Closed, fmt::format("{} was not begun: {} is being stopped for good",
                                                        nameOf(found->second.asked), record_.name)});
    } else if (serving != nullptr) {
      if (commandsOn(serving->id) < kCommandsAtOnce) sendCommand(id, *serving->process);
    } else if (phase == Phase::Rest && found->second.asked.live_only) {
      finishCommand(id, Error{Code::Closed, fmt::format("{} is not running ({}): {} needs it to", record_.name,
                                                        machine_->reason(), nameOf(found->second.asked))});
    } else if (rests && !one_shot_ && !found->second.asked.live_only) {
      beginOneShot();
    }
  }
  if (one_shot_ && one_shot_->stage == OneShot::Stage::Ready && commandsOn(one_shot_->slot.id) == 0) {
    stopOneShot(lifecycle::EndCause::Operator);
  }
}

void Instance::sendCommand(std::uint64_t id, WorkerProcess& worker) {
  Command& command = commands_[id];
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(command.deadline - shared_.around.loop.timers().now());
  const std::string arguments = dumpJson(command.asked.arguments);
  const std::string context = dumpJson(command.asked.context);
  if (arguments.size() + context.size() > kCommandBytesMax) {
    return finishCommand(id, Error{Code::TooLarge, fmt::format("{}: its arguments have {} bytes, at most {} are taken",
                                                               nameOf(command.asked), arguments.size() + context.size(),
                                                               kCommandBytesMax)});
  }
  std::string payload;
  protocol::encode(protocol::Execute{.id = id,
                                     .is_test = command.asked.is_test ? 1U : 0U,
                                     .deadline_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 0)),
                                     .name = command.asked.command,
                                     .arguments = arguments,
                                     .context = context},
                   payload);
  command.worker = worker.about().id;
  worker.sendExecute(payload);
}

void Instance::onCommandDone(WorkerProcess& worker, std::string_view payload) {
  protocol::CommandDone answer;
  if (!decode(payload, answer)) return onViolation(worker, "a CommandDone that is none");
  const auto found = commands_.find(answer.id);
  if (found == commands_.end() || found->second.worker != worker.about().id) {
    return onViolation(worker, fmt::format("an answer to command {}, which it was not asked", answer.id));
  }
  // Not to the same worker again, which would say the same until it has ended.
  if (answer.said == kCommandNotBegun && found->second.done != nullptr) {
    found->second.not_begun = true;
    return;
  }
  const std::string text = worker.about().scrubber.scrubbed(answer.text);
  if (found->second.done == nullptr) {
    log(logs::LogLevel::Warning, fmt::format("{} answered after its time was over: {}", nameOf(found->second.asked),
                                             text.substr(0, kErrorTextBytesMax)));
  }
  if (answer.status >= 0) {
    finishCommand(answer.id, CommandResult{answer.said == kCommandSaid, text});
  } else {
    finishCommand(answer.id, Error{codeOf(answer.status), text});
  }
  pumpCommands();
}

void Instance::commandTimedOut(std::uint64_t id) {
  Command& command = commands_[id];
  command.timer = TimerId::None;
  const bool held = command.worker == WorkerId::None || command.not_begun;
  Error error{Code::Timeout,
              held ? fmt::format("{} was not begun in time: {} is {} ({})", nameOf(command.asked), record_.name,
                                 lifecycle::publicStateName(machine_->publicState()), machine_->reason())
                   : fmt::format("{} gave no answer in time; it may still run", nameOf(command.asked))};
  if (held) return finishCommand(id, std::move(error));
  // It keeps its place in the worker until that answers or ends.
  if (const auto done = std::exchange(command.done, nullptr)) done(std::move(error));
}

void Instance::finishCommand(std::uint64_t id, Result<CommandResult> result) {
  const auto found = commands_.find(id);
  shared_.around.loop.timers().cancel(found->second.timer);
  const auto done = std::move(found->second.done);
  commands_.erase(found);
  if (done) done(std::move(result));
}

void Instance::failCommandsOf(WorkerId worker, const Error& error) {
  std::vector<std::uint64_t> ids;
  for (auto& [id, command] : commands_) {
    if (command.worker == worker && std::exchange(command.not_begun, false)) command.worker = WorkerId::None;
  }
  for (const auto& [id, command] : commands_) {
    if (command.worker == worker && (worker != WorkerId::None || !command.asked.live_only)) ids.push_back(id);
  }
  for (const std::uint64_t id : ids)
    finishCommand(id, error);
}

}  // namespace longhaul::host::supervisor
