#include "host/lifecycle/machine_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace longhaul::host::lifecycle {

// ---------------------------------------------------------------- small

Action& InstanceMachine::Step::add(ActionKind kind, std::string reason) {
  Action& action = actions.emplace_back();
  action.kind = kind;
  action.reason = std::move(reason);
  return action;
}

void InstanceMachine::Step::arm(TimerKind timer, Duration duration) {
  m.armed_[static_cast<std::size_t>(timer)] = true;
  Action& action = add(ActionKind::ArmTimer);
  action.timer = timer;
  action.duration = std::max(duration, Duration::zero());
}

void InstanceMachine::Step::drop(TimerKind timer) {
  bool& armed = m.armed_[static_cast<std::size_t>(timer)];
  if (!armed) return;
  armed = false;
  add(ActionKind::DropTimer).timer = timer;
}

void InstanceMachine::Step::enter(Phase phase, std::string reason) {
  m.phase_ = phase;
  m.reason_ = std::move(reason);
}

bool InstanceMachine::Step::wants() const {
  return m.wish_run_ && !m.orphaned_ && !m.host_stop_ && m.held_.empty() && !m.held_by_store_ &&
         m.target_.long_running && m.outcome_ == Outcome::None;
}

// ---------------------------------------------------------------- phases

void InstanceMachine::Step::rest() {
  LONGHAUL_CHECK(!m.current_ && !m.incoming_, "rest with a worker");
  releaseSlot();
  dropFence();
  drop(TimerKind::RestartDue);
  m.again_ = false;
  std::string why;
  if (m.orphaned_) {
    why = "its file no longer names it; its data is kept";
  } else if (!m.wish_run_) {
    why = "disabled";
  } else if (m.host_stop_) {
    why = "the host shuts down";
  } else if (!m.target_.long_running) {
    why = "enabled, and not long-running: no worker is kept";
  } else if (!m.held_.empty()) {
    why = m.held_;
  } else if (m.held_by_store_) {
    why = fmt::format("the store does not allot a generation; tried again every {}", printDuration(kFenceGiveUp));
  } else {
    why = m.outcome_text_;
  }
  closeListeners(why);
  failCalls(why);
  if (m.held_by_store_ && m.wish_run_ && !m.host_stop_) {
    m.next_start_at_ = now + kFenceGiveUp;
    arm(TimerKind::FenceRetry, kFenceGiveUp);
  } else {
    drop(TimerKind::FenceRetry);
  }
  enter(Phase::Rest, std::move(why));
}

void InstanceMachine::Step::trySpawn(std::string why) {
  drop(TimerKind::RestartDue);
  drop(TimerKind::FenceRetry);
  add(ActionKind::BindListeners, why).target = m.target_;
  m.listeners_open_ = true;
  askSlot();
  enter(Phase::Spawning, std::move(why));
}

void InstanceMachine::Step::go(std::string why) {
  if (wants()) {
    trySpawn(std::move(why));
  } else {
    rest();
  }
}

void InstanceMachine::Step::beginReplacement(std::string why) {
  m.again_ = false;
  add(ActionKind::BindListeners, why).target = m.target_;
  m.listeners_open_ = true;
  askSlot();
  enter(Phase::Preparing, std::move(why));
}

bool InstanceMachine::Step::replacedByNext(const Worker& gone) {
  // It may have been killed for a fault of its own before the next target was applied.
  if (gone.kill_cause != EndCause::Superseded && gone.target == m.target_) return false;
  if (wants() && (m.again_ || !(m.target_ == m.current_->target))) {
    beginReplacement("the next target");
  } else {
    endReplacement("not replaced: what was prepared is no longer wanted");
  }
  return true;
}

void InstanceMachine::Step::endReplacement(std::string why) {
  releaseSlot();
  add(ActionKind::TrimListeners, why).target = m.current_->target;
  enter(m.current_->ready ? Phase::Running : Phase::Starting, std::move(why));
}

void InstanceMachine::Step::giveUp(EndCause cause, std::string why) {
  releaseSlot();
  dropFence();
  m.again_ = false;
  failCalls(why);
  killIncoming(cause, why);
  stopCurrent(cause, why);
  if (m.current_ || m.incoming_) {
    enter(Phase::Stopping, std::move(why));
  } else {
    rest();
  }
}

// ---------------------------------------------------------------- workers

void InstanceMachine::Step::spawn() {
  m.slot_ = Slot::Held;
  Worker& worker = m.incoming_.emplace();
  worker.id = WorkerId{++m.last_worker_};
  worker.target = m.target_;
  Action& action = add(ActionKind::Spawn, m.reason_);
  action.worker = worker.id;
  action.target = worker.target;
  arm(TimerKind::LoadDeadline, kLoadTimeout);
}

void InstanceMachine::Step::killIncoming(EndCause cause, std::string why) {
  if (!m.incoming_ || m.incoming_->killed) return;
  m.incoming_->killed = true;
  m.incoming_->kill_cause = cause;
  m.incoming_->kill_text = why;
  drop(TimerKind::LoadDeadline);
  releaseSlot();
  Action& action = add(ActionKind::KillIncoming, std::move(why));
  action.worker = m.incoming_->id;
  action.cause = cause;
  arm(TimerKind::IncomingReapDeadline, kReapTimeout);
}

void InstanceMachine::Step::killCurrent(EndCause cause, std::string why) {
  if (!m.current_ || m.current_->killed) return;
  m.current_->killed = true;
  m.current_->kill_cause = cause;
  m.current_->kill_text = why;
  drop(TimerKind::ReadyDeadline);
  drop(TimerKind::StopDeadline);
  Action& action = add(ActionKind::KillCurrent, std::move(why));
  action.worker = m.current_->id;
  action.cause = cause;
  arm(TimerKind::CurrentReapDeadline, kReapTimeout);
}

void InstanceMachine::Step::abortCurrent(EndCause cause, std::string why) {
  if (!m.current_ || m.current_->killed) return;
  m.current_->killed = true;
  m.current_->aborted = true;
  m.current_->kill_cause = cause;
  m.current_->kill_text = why;
  drop(TimerKind::ReadyDeadline);
  drop(TimerKind::StopDeadline);
  Action& action = add(ActionKind::AbortCurrent, std::move(why));
  action.worker = m.current_->id;
  action.cause = cause;
  arm(TimerKind::CurrentReapDeadline, kTermTimeout);
}

void InstanceMachine::Step::stopCurrent(EndCause cause, std::string why) {
  if (!m.current_ || m.current_->killed) return;
  Duration time = m.current_->target.stop_timeout;
  // All of a host's shutdown fits into its deadline, SIGTERM's and SIGKILL's time included.
  if (cause == EndCause::HostStop) time = std::min<Duration>(time, kHostStopTimeout - kTermTimeout - kReapTimeout);
  if (m.current_->stop_asked) {
    if (m.current_->term_sent || now + time >= m.current_->stop_by) return;
    m.current_->stop_by = now + time;
    arm(TimerKind::StopDeadline, time);
    return;
  }
  m.current_->stop_asked = true;
  m.current_->stop_by = now + time;
  drop(TimerKind::ReadyDeadline);
  Action& action = add(ActionKind::StopCurrent, std::move(why));
  action.worker = m.current_->id;
  action.cause = cause;
  action.duration = time;
  arm(TimerKind::StopDeadline, time);
}

void InstanceMachine::Step::condemn(EndCause cause, const std::string& why) {
  if (isIncoming() || isCurrent()) m.reason_ = "its worker is killed: " + why;
  if (isIncoming()) killIncoming(cause, why);
  if (!isCurrent()) return;
  // What hangs may still leave a core, and runs no handler of its own that could take long.
  if (cause == EndCause::Watchdog) {
    abortCurrent(cause, why);
  } else {
    killCurrent(cause, why);
  }
}

void InstanceMachine::Step::outOfTurn() {
  condemn(EndCause::Protocol,
          fmt::format("said {} while the instance was {}", eventKindName(event.kind), phaseName(m.phase_)));
}

void InstanceMachine::Step::becomeReady() {
  Worker& current = *m.current_;
  current.ready = true;
  current.ready_at = now;
  drop(TimerKind::ReadyDeadline);
  m.last_good_ = current.target;
  add(ActionKind::SetLastGood).target = current.target;
  if (m.calls_held_) add(ActionKind::FlushCalls).worker = current.id;
  m.calls_held_ = false;
}

Worker InstanceMachine::Step::takeCurrent() {
  drop(TimerKind::ReadyDeadline);
  drop(TimerKind::StopDeadline);
  drop(TimerKind::CurrentReapDeadline);
  return *std::exchange(m.current_, std::nullopt);
}

Worker InstanceMachine::Step::takeIncoming() {
  drop(TimerKind::LoadDeadline);
  drop(TimerKind::IncomingReapDeadline);
  releaseSlot();
  return *std::exchange(m.incoming_, std::nullopt);
}

void InstanceMachine::Step::afterEnd(const Worker& gone, const Exit& exit) {
  if (!wants()) {
    storeDeath(gone.id);
    rest();
    return;
  }
  const bool superseded = gone.kill_cause == EndCause::Superseded;
  if (superseded || !(gone.target == m.target_)) {
    storeDeath(gone.id);
    trySpawn("the next target");
    return;
  }
  // Only what had not reached READY goes back: after that its end is the restart policy's.
  if (exit.failure && !gone.ready && m.last_good_ && !(gone.target == *m.last_good_)) {
    refuse(gone.target, exit.text);
    backTo(*m.last_good_);
    holdCalls("back to what ran last");
    queueFence(m.target_, gone.id, "back to what ran last");
    trySpawn("back to what ran last: " + exit.text);
    return;
  }
  decide(&gone, exit);
}

void InstanceMachine::Step::decide(const Worker* gone, const Exit& exit) {
  RunEnd end;
  end.was_ready = gone != nullptr && gone->ready;
  end.ran_for = end.was_ready ? now - gone->ready_at : Duration::zero();
  if (gone == nullptr) {
    end.kind = RunEnd::Kind::HostTrouble;
  } else if (exit.deterministic) {
    end.kind = RunEnd::Kind::Deterministic;
  } else {
    end.kind = exit.failure ? RunEnd::Kind::Failed : RunEnd::Kind::Completed;
  }
  const RestartDecision decision = decideRestart(m.history_, m.restart_, end, now, random);
  if (decision.level > m.level_) add(ActionKind::Alert, decision.reason);
  m.level_ = decision.level;
  if (decision.flapping && !m.flapping_) add(ActionKind::Alert, "it ends often: see `deaths`");
  m.flapping_ = decision.flapping;
  const std::string why = exit.text + "; " + decision.reason;
  m.start_failure_ = gone == nullptr ? event.reason : Reason::Running;
  switch (decision.what) {
    case RestartDecision::What::AtOnce:
      holdCalls(why);
      queueFence(m.target_, gone->id, why);  // AtOnce is only for what was ready
      trySpawn(why);
      return;
    case RestartDecision::What::Wait:
      if (gone != nullptr) storeDeath(gone->id);
      failCalls(why);
      releaseSlot();
      dropFence();
      if (decision.level == RestartDecision::Level::Quarantined) closeListeners(why);
      m.next_start_at_ = decision.start_at;
      arm(TimerKind::RestartDue, decision.start_at - now);
      enter(Phase::Wait, why);
      return;
    case RestartDecision::What::RestCompleted:
    case RestartDecision::What::RestRefused:
      if (gone != nullptr) storeDeath(gone->id);
      m.outcome_ = decision.what == RestartDecision::What::RestRefused ? Outcome::Refused : Outcome::Completed;
      m.outcome_text_ = why;
      m.failed_last_ = exit.failure;
      rest();
      return;
  }
}

// ---------------------------------------------------------------- spawn slot, fence, deaths, calls, listeners

void InstanceMachine::Step::askSlot() {
  if (m.slot_ != Slot::None) return;
  m.slot_ = Slot::Asked;
  add(ActionKind::AskSlot).crash_loop = m.level_ != RestartDecision::Level::Backoff;
}

void InstanceMachine::Step::releaseSlot() {
  if (m.slot_ == Slot::None) return;
  m.slot_ = Slot::None;
  add(ActionKind::GiveSlotBack);
}

void InstanceMachine::Step::queueFence(const Target& target, WorkerId death_of, std::string why) {
  dropFence();
  Fence& fence = m.fence_.emplace();
  fence.target = target;
  fence.death_of = death_of;
  fence.first_at = now;
  sendFence(std::move(why));
}

void InstanceMachine::Step::sendFence(std::string why) {
  m.fence_->id = FenceId{++m.last_fence_};
  m.fence_->failed = false;
  Action& action = add(ActionKind::QueueFence, std::move(why));
  action.fence = m.fence_->id;
  action.target = m.fence_->target;
  action.death_of = m.fence_->death_of;
}

void InstanceMachine::Step::dropFence() {
  if (!m.fence_) return;
  drop(TimerKind::FenceRetry);
  // Under way: its transaction stores the end, or FenceFailed brings it back. Failed: nobody would.
  if (m.fence_->failed) storeDeath(m.fence_->death_of);
  m.fence_.reset();
}

void InstanceMachine::Step::promote() {
  LONGHAUL_CHECK(!m.current_ && m.incoming_ && m.fence_ && m.fence_->done,
                 "promote without a worker or its generation");
  m.current_ = std::exchange(m.incoming_, std::nullopt);
  Worker& current = *m.current_;
  current.generation = m.fence_->generation;
  current.start_at = now;
  m.fence_.reset();
  for (const ActionKind kind : {ActionKind::Promote, ActionKind::SendStart}) {
    Action& action = add(kind);
    action.worker = current.id;
    action.generation = current.generation;
  }
  arm(TimerKind::ReadyDeadline, current.target.ready_timeout);
  enter(Phase::Starting, "its worker is started");
}

void InstanceMachine::Step::storeDeath(WorkerId worker) {
  if (worker != WorkerId::None) add(ActionKind::StoreDeath).worker = worker;
}

void InstanceMachine::Step::holdCalls(std::string why) {
  if (std::exchange(m.calls_held_, true)) return;
  add(ActionKind::HoldCalls, std::move(why));
}

void InstanceMachine::Step::failCalls(std::string why) {
  if (std::exchange(m.calls_held_, false)) add(ActionKind::FailCalls, std::move(why));
}

void InstanceMachine::Step::closeListeners(std::string why) {
  if (std::exchange(m.listeners_open_, false)) add(ActionKind::CloseListeners, std::move(why));
}

// ---------------------------------------------------------------- targets

bool InstanceMachine::Step::takeTarget() {
  const bool other = !(m.target_ == event.target);
  m.target_ = event.target;
  m.held_.clear();
  if (!other) return false;
  m.history_.forget();
  m.level_ = RestartDecision::Level::Backoff;
  m.outcome_ = Outcome::None;
  m.held_by_store_ = false;
  m.refused_target_.reset();
  m.refused_reason_.clear();
  return true;
}

Action& InstanceMachine::Step::refuse(const Target& target, std::string why) {
  m.refused_target_ = target;
  m.refused_reason_ = why;
  Action& action = add(ActionKind::ReportRefusal, std::move(why));
  action.target = target;
  return action;
}

void InstanceMachine::Step::backTo(const Target& target) {
  m.target_ = target;
  m.history_.forget();
  m.level_ = RestartDecision::Level::Backoff;
}

}  // namespace longhaul::host::lifecycle
