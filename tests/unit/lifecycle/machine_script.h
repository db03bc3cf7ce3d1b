// Drives an instance machine by words, so that a row of machine_rows.h reads as a sentence. "apply:B" is the event with
// its argument; a worker's event goes to the slot that can say it, or to the one that is named ("ready:inc").
#pragma once

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/lifecycle/instance_machine.h"

namespace longhaul::host::lifecycle::script {

inline Target target(char letter) {
  Target value;
  value.digest = letter;
  value.long_running = letter != 'I';  // I: an instance without a worker
  return value;
}

inline std::string print(const Action& action) {
  std::string out(actionKindName(action.kind));
  const auto number = [](auto id) { return static_cast<std::uint64_t>(id); };
  switch (action.kind) {
    case ActionKind::ArmTimer:
      return fmt::format("+{}({})", timerKindName(action.timer), printDuration(action.duration));
    case ActionKind::DropTimer:
      return fmt::format("-{}", timerKindName(action.timer));
    case ActionKind::Spawn:
      return out + fmt::format("({} {})", number(action.worker), action.target.digest);
    case ActionKind::QueueFence:
      out += "(" + action.target.digest;
      if (action.death_of != WorkerId::None) out += fmt::format(", end of {}", number(action.death_of));
      return out + ")";
    case ActionKind::AskSlot:
      return action.crash_loop ? out + "(behind others)" : out;
    case ActionKind::StopCurrent:
      return out + fmt::format("({}, {})", number(action.worker), printDuration(action.duration));
    case ActionKind::SendStart:
      return out + fmt::format("({}, g{})", number(action.worker), action.generation.value);
    default:
      break;
  }
  if (action.worker != WorkerId::None) return out + fmt::format("({})", number(action.worker));
  if (!action.target.digest.empty()) return out + "(" + action.target.digest + ")";
  return out;
}

// One machine, its time and what it asked for last.
class Play {
 public:
  // Words of the set-up: "last:A" is what ran last, "policy:never"; then events.
  explicit Play(const std::string& words) : machine_(setup(words)) {
    std::istringstream in(words);
    for (std::string word; in >> word;) {
      if (!word.starts_with("last:") && !word.starts_with("policy:")) play(word);
    }
  }

  InstanceMachine& machine() { return machine_; }

  // The actions of one event and the phase after it: "AskSlot -> Spawning".
  std::string play(const std::string& word) {
    const auto colon = word.find(':');
    const std::string name = word.substr(0, colon);
    const std::string argument = colon == std::string::npos ? "" : word.substr(colon + 1);
    if (name == "wait") {
      now_ += std::chrono::seconds(std::stoi(argument));
      return "";
    }
    const Event event = make(name, argument);
    std::string out;
    for (const Action& action : machine_.step(event, now_, 0.5)) {
      if (action.kind == ActionKind::QueueFence) fence_ = action.fence, fence_death_ = action.death_of;
      out += print(action) + " ";
    }
    out += "-> " + std::string(phaseName(machine_.phase()));
    const bool says_more = machine_.phase() == Phase::Rest || machine_.phase() == Phase::Wait;
    return says_more ? out + " " + std::string(publicStateName(machine_.publicState())) : out;
  }

  static EventKind kindOf(const std::string& word) {
    const std::string name = word.substr(0, word.find(':'));
    for (const auto& [known, kind] : kWords) {
      if (known == name) return kind;
    }
    throw std::invalid_argument("no event is called " + name);
  }

  static std::string wordOf(EventKind kind) {
    for (const auto& [known, value] : kWords) {
      if (value == kind) return known;
    }
    throw std::invalid_argument("an event has no word");
  }

 private:
  static InstanceMachine::Setup setup(const std::string& words) {
    InstanceMachine::Setup setup;
    setup.target = target('A');
    if (words.find("last:") != std::string::npos) setup.last_good = target(words[words.find("last:") + 5]);
    if (words.find("policy:on-failure") != std::string::npos) setup.restart.mode = RestartMode::OnFailure;
    return setup;
  }

  WorkerId worker(const std::string& slot, bool current_first) const {
    const auto& current = machine_.current();
    const auto& incoming = machine_.incoming();
    const bool wants_current = slot == "cur" || (slot.empty() && current_first);
    if (wants_current && current) return current->id;
    if (slot != "cur" && incoming) return incoming->id;
    if (slot.empty() && current) return current->id;
    return WorkerId{999};  // one that is gone
  }

  Event make(const std::string& name, const std::string& argument) const {
    Event event;
    event.kind = kindOf(name);
    switch (event.kind) {
      case EventKind::Apply:
        event.target = target(argument.empty() ? 'B' : argument[0]);
        break;
      case EventKind::HeldSet:
        event.reason = Reason::MissingPlugin;
        event.text = "its plugin is missing";
        break;
      case EventKind::StartFailed:
        event.worker = machine_.incoming() ? machine_.incoming()->id : WorkerId::None;
        event.reason = Reason::NoWorker;
        event.text = "fork: Resource temporarily unavailable";
        break;
      case EventKind::Fenced:
        event.fence = argument == "old" ? FenceId{999} : fence_;
        event.generation = Generation{7};
        break;
      case EventKind::FenceFailed:
        event.fence = argument == "old" ? FenceId{999} : fence_;
        event.worker = argument == "old" ? WorkerId{1} : fence_death_;
        event.text = "the disk is full";
        break;
      case EventKind::Loaded:
        event.worker = worker(argument, false);
        break;
      case EventKind::Ready:
        event.worker = worker(argument, true);
        break;
      case EventKind::Extend:
        event.worker = worker("cur", true);
        event.duration = std::chrono::minutes(argument.empty() ? 2 : std::stoi(argument));
        break;
      case EventKind::Condemned:
        event.worker = worker(argument == "hung" ? "" : argument, true);
        event.cause = argument == "hung" ? EndCause::Watchdog : EndCause::Protocol;
        event.text = argument == "hung" ? "no progress" : "garbage";
        break;
      case EventKind::CurrentEnded:
        event.worker = worker("cur", true);
        event.exit = exit(argument);
        break;
      case EventKind::IncomingEnded:
        event.worker = worker("inc", false);
        event.exit = exit(argument);
        break;
      default:
        break;
    }
    return event;
  }

  static Exit exit(const std::string& how) {
    if (how == "stopped") return {ExitClass::OperatorStop, "stopped when asked", false, false};
    if (how == "completed") return {ExitClass::Completed, "completed", false, false};
    if (how == "refused") return {ExitClass::LoadFailed, "not loaded (ABI): 0.9 on 0.1", true, true};
    return {ExitClass::Signal, "ended by SIGSEGV", true, false};
  }

  static inline const std::vector<std::pair<std::string, EventKind>> kWords{
      {"enable", EventKind::Enable},
      {"release", EventKind::Release},
      {"disable", EventKind::Disable},
      {"orphan", EventKind::Orphan},
      {"adopt", EventKind::Adopt},
      {"host-stop", EventKind::HostStop},
      {"apply", EventKind::Apply},
      {"restart", EventKind::Restart},
      {"hold", EventKind::HeldSet},
      {"clear", EventKind::HeldClear},
      {"slot", EventKind::SlotFree},
      {"start-failed", EventKind::StartFailed},
      {"fenced", EventKind::Fenced},
      {"fence-failed", EventKind::FenceFailed},
      {"loaded", EventKind::Loaded},
      {"ready", EventKind::Ready},
      {"extend", EventKind::Extend},
      {"condemned", EventKind::Condemned},
      {"cur", EventKind::CurrentEnded},
      {"inc", EventKind::IncomingEnded},
      {"load-deadline", EventKind::LoadDeadline},
      {"ready-deadline", EventKind::ReadyDeadline},
      {"stop-deadline", EventKind::StopDeadline},
      {"cur-reap", EventKind::CurrentReapDeadline},
      {"inc-reap", EventKind::IncomingReapDeadline},
      {"due", EventKind::RestartDue},
      {"fence-retry", EventKind::FenceRetryDue},
  };

  InstanceMachine machine_;
  TimePoint now_{};
  FenceId fence_{};
  WorkerId fence_death_{};
};

}  // namespace longhaul::host::lifecycle::script
