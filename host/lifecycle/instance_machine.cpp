#include "host/lifecycle/instance_machine.h"

#include <utility>

#include "host/base/check.h"
#include "host/lifecycle/machine_step.h"
#include "host/lifecycle/machine_table.h"

namespace longhaul::host::lifecycle {
namespace {

constexpr std::array<std::string_view, kPhaseCount> kPhaseNames{
    "Rest", "Wait", "Spawning", "Fencing", "Starting", "Running", "Preparing", "Replacing", "Stopping",
};
constexpr std::array<std::string_view, kPublicStateCount> kPublicStateNames{
    "disabled",  "idle",       "starting",    "running", "stopping", "backoff",
    "completed", "crash-loop", "quarantined", "refused", "held",     "orphaned",
};
constexpr std::array<std::string_view, kEventKindCount> kEventKindNames{
    "Enable",
    "Release",
    "Disable",
    "Orphan",
    "Adopt",
    "HostStop",
    "Apply",
    "Restart",
    "HeldSet",
    "HeldClear",
    "SlotFree",
    "StartFailed",
    "Fenced",
    "FenceFailed",
    "Loaded",
    "Ready",
    "Extend",
    "Condemned",
    "CurrentEnded",
    "IncomingEnded",
    "LoadDeadline",
    "ReadyDeadline",
    "StopDeadline",
    "CurrentReapDeadline",
    "IncomingReapDeadline",
    "RestartDue",
    "FenceRetryDue",
};
constexpr std::array<std::string_view, kActionKindCount> kActionKindNames{
    "BindListeners", "TrimListeners", "CloseListeners", "AskSlot",      "GiveSlotBack", "Spawn",       "KillIncoming",
    "KillCurrent",   "StopCurrent",   "SendTerm",       "AbortCurrent", "SendKill",     "ReportStuck", "QueueFence",
    "Promote",       "SendStart",     "HoldCalls",      "FlushCalls",   "FailCalls",    "SetLastGood", "StoreDeath",
    "ArmTimer",      "DropTimer",     "ReportRefusal",  "Alert",
};
struct TimerRow {
  std::string_view name;
  EventKind event;
};
constexpr std::array<TimerRow, kTimerKindCount> kTimers{{
    {"LoadDeadline", EventKind::LoadDeadline},
    {"ReadyDeadline", EventKind::ReadyDeadline},
    {"StopDeadline", EventKind::StopDeadline},
    {"CurrentReapDeadline", EventKind::CurrentReapDeadline},
    {"IncomingReapDeadline", EventKind::IncomingReapDeadline},
    {"RestartDue", EventKind::RestartDue},
    {"FenceRetry", EventKind::FenceRetryDue},
}};
static_assert(static_cast<std::size_t>(EventKind::FenceRetryDue) + 1 == kEventKindCount);
static_assert(static_cast<std::size_t>(ActionKind::Alert) + 1 == kActionKindCount);
static_assert(static_cast<std::size_t>(TimerKind::FenceRetry) + 1 == kTimerKindCount);

std::optional<std::size_t> timerOf(EventKind event) {
  for (std::size_t i = 0; i < kTimerKindCount; ++i) {
    if (kTimers[i].event == event) return i;
  }
  return std::nullopt;
}

}  // namespace

std::string_view phaseName(Phase value) {
  return kPhaseNames[static_cast<std::size_t>(value)];
}
std::string_view publicStateName(PublicState value) {
  return kPublicStateNames[static_cast<std::size_t>(value)];
}
std::string_view eventKindName(EventKind value) {
  return kEventKindNames[static_cast<std::size_t>(value)];
}
std::string_view actionKindName(ActionKind value) {
  return kActionKindNames[static_cast<std::size_t>(value)];
}
std::string_view timerKindName(TimerKind value) {
  return kTimers[static_cast<std::size_t>(value)].name;
}
EventKind timerEvent(TimerKind value) {
  return kTimers[static_cast<std::size_t>(value)].event;
}

std::string_view InstanceMachine::cellText(EventKind event, Phase phase) {
  return Table::cell(event, phase).text;
}

InstanceMachine::InstanceMachine(Setup setup)
    : reason_(setup.orphaned ? "its file no longer names it; its data is kept" : "disabled"),
      orphaned_(setup.orphaned),
      held_(std::move(setup.held)),
      held_reason_(setup.held_reason),
      target_(std::move(setup.target)),
      last_good_(std::move(setup.last_good)),
      restart_(setup.restart) {}

std::vector<Action> InstanceMachine::step(const Event& event, TimePoint now, double random) {
  Step step{.m = *this, .event = event, .now = now, .random = random};
  EventKind kind = event.kind;
  if (const auto timer = timerOf(kind)) {
    // A timer that was dropped after its event was queued.
    if (!std::exchange(armed_[*timer], false)) return {};
  }
  if (kind == EventKind::CurrentEnded || kind == EventKind::IncomingEnded) {
    LONGHAUL_CHECK(step.isCurrent() || step.isIncoming(), "the end of a worker that is in no slot");
    kind = step.isCurrent() ? EventKind::CurrentEnded : EventKind::IncomingEnded;
  }
  const Table::Cell& cell = Table::cell(kind, phase_);
  LONGHAUL_CHECK(cell.text != "!", "an event that cannot come in this phase");
  if (cell.act != nullptr) cell.act(step);
  checkInvariants();
  return std::move(step.actions);
}

PublicState InstanceMachine::publicState() const {
  switch (phase_) {
    case Phase::Rest:
      if (orphaned_) return PublicState::Orphaned;
      if (!wish_run_) return PublicState::Disabled;
      if (host_stop_) return PublicState::Stopping;
      if (!target_.long_running) return PublicState::Idle;
      if (!held_.empty() || held_by_store_) return PublicState::Held;
      return outcome_ == Outcome::Refused ? PublicState::Refused : PublicState::Completed;
    case Phase::Wait:
      switch (level_) {
        case RestartDecision::Level::Backoff:
          return PublicState::Backoff;
        case RestartDecision::Level::CrashLoop:
          return PublicState::CrashLoop;
        case RestartDecision::Level::Quarantined:
          return PublicState::Quarantined;
      }
      return PublicState::Backoff;
    case Phase::Spawning:
    case Phase::Fencing:
    case Phase::Starting:
      return PublicState::Starting;
    case Phase::Running:
      return PublicState::Running;
    case Phase::Preparing:
      return current_->ready ? PublicState::Running : PublicState::Starting;
    case Phase::Replacing:
    case Phase::Stopping:
      return PublicState::Stopping;
  }
  return PublicState::Disabled;
}

Reason InstanceMachine::code() const {
  switch (phase_) {
    case Phase::Rest:
      if (orphaned_) return Reason::Orphaned;
      if (!wish_run_) return Reason::Disabled;
      if (host_stop_) return Reason::HostStops;
      if (!target_.long_running) return Reason::Idle;
      if (!held_.empty()) return held_reason_;
      if (held_by_store_) return Reason::Store;
      if (outcome_ == Outcome::Refused) return Reason::LoadRefused;
      return failed_last_ ? Reason::NotRestarted : Reason::Completed;
    case Phase::Wait:
      if (level_ == RestartDecision::Level::Quarantined) return Reason::Quarantined;
      if (start_failure_ != Reason::Running) return start_failure_;
      return level_ == RestartDecision::Level::CrashLoop ? Reason::CrashLoop : Reason::Backoff;
    case Phase::Spawning:
      return incoming_ ? Reason::Loading : Reason::WaitsForSlot;
    case Phase::Fencing:
      return Reason::WaitsForGeneration;
    case Phase::Starting:
      return Reason::WaitsForReady;
    case Phase::Running:
      return Reason::Running;
    case Phase::Preparing:
      return current_->ready ? Reason::Running : Reason::WaitsForReady;
    case Phase::Replacing:
      return Reason::BeingReplaced;
    case Phase::Stopping:
      return host_stop_ ? Reason::HostStops : Reason::Stopping;
  }
  return Reason::Running;
}

std::optional<TimePoint> InstanceMachine::nextStartAt() const {
  if (phase_ != Phase::Wait && code() != Reason::Store) return std::nullopt;
  return next_start_at_;
}

void InstanceMachine::checkInvariants() const {
  const auto armed = [&](TimerKind timer) { return armed_[static_cast<std::size_t>(timer)]; };
  const bool cur = current_.has_value();
  const bool inc = incoming_.has_value();
  const bool on_its_way = inc || slot_ == Slot::Asked;
  bool slots_fit = false;
  switch (phase_) {
    case Phase::Rest:
      slots_fit = !cur && !inc && slot_ == Slot::None && !armed(TimerKind::RestartDue) && !calls_held_;
      break;
    case Phase::Wait:
      slots_fit = !cur && !inc && slot_ == Slot::None && armed(TimerKind::RestartDue) && !calls_held_;
      break;
    case Phase::Spawning:
      slots_fit = !cur && on_its_way && (!inc || incoming_->killed || armed(TimerKind::LoadDeadline));
      break;
    case Phase::Fencing:
      slots_fit = !cur && inc && incoming_->loaded && (incoming_->killed || fence_);
      break;
    case Phase::Starting:
      slots_fit = cur && !inc && (current_->killed || armed(TimerKind::ReadyDeadline));
      break;
    case Phase::Running:
      slots_fit = cur && !inc && current_->ready && slot_ == Slot::None;
      break;
    case Phase::Preparing:
      slots_fit = cur && on_its_way && (!inc || incoming_->killed || armed(TimerKind::LoadDeadline)) &&
                  (current_->ready || current_->killed || armed(TimerKind::ReadyDeadline));
      break;
    case Phase::Replacing:
      slots_fit = cur && inc && (current_->killed || armed(TimerKind::StopDeadline));
      break;
    case Phase::Stopping:
      slots_fit = (cur || inc) && slot_ == Slot::None && (!inc || incoming_->killed) &&
                  (!cur || current_->killed || armed(TimerKind::StopDeadline));
      break;
  }
  LONGHAUL_CHECK(slots_fit, "the slots and timers do not fit the phase");
  LONGHAUL_CHECK(!fence_ || !fence_->failed || armed(TimerKind::FenceRetry), "a failed fence without its timer");
}

}  // namespace longhaul::host::lifecycle
