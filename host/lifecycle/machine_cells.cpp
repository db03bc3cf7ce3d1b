// What the cells do. The order of the functions is the order of the table's rows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "host/lifecycle/machine_table.h"

namespace longhaul::host::lifecycle {

// ---------------------------------------------------------------- wishes

void InstanceMachine::Table::enable(Step& s) {
  enableNoted(s);
  s.go("enabled");
}

void InstanceMachine::Table::enableNoted(Step& s) {
  s.m.wish_run_ = true;
  s.m.outcome_ = Outcome::None;
  s.m.held_by_store_ = false;
}

void InstanceMachine::Table::release(Step& s) {
  releaseNoted(s);
  s.m.outcome_ = Outcome::None;
  s.m.held_by_store_ = false;
  s.go("released");
}

void InstanceMachine::Table::releaseNoted(Step& s) {
  s.m.history_.forget();
  s.m.level_ = RestartDecision::Level::Backoff;
}

// Disable, Orphan and HostStop, in every phase.
void InstanceMachine::Table::endWish(Step& s) {
  switch (s.event.kind) {
    case EventKind::HostStop:
      s.m.host_stop_ = true;
      s.giveUp(EndCause::HostStop, "the host shuts down");
      return;
    case EventKind::Orphan:
      s.m.orphaned_ = true;
      s.m.wish_run_ = false;
      s.giveUp(EndCause::Operator, "its file no longer names it");
      return;
    default:
      s.m.wish_run_ = false;
      s.giveUp(EndCause::Operator, "disabled");
      return;
  }
}

void InstanceMachine::Table::adopt(Step& s) {
  adoptNoted(s);
  s.go("a file names it again");
}

void InstanceMachine::Table::adoptNoted(Step& s) {
  s.m.orphaned_ = false;
}

void InstanceMachine::Table::applyIdle(Step& s) {
  const bool other = s.takeTarget();
  // In Wait the target that is tried anyway goes on waiting.
  if (s.m.phase_ == Phase::Wait && !other && s.wants()) return;
  s.go("a new target");
}

void InstanceMachine::Table::applySpawning(Step& s) {
  const bool other = s.takeTarget();
  if (!s.wants()) return s.giveUp(EndCause::Operator, "no longer long-running");
  if (other) restartSpawning(s);
}

void InstanceMachine::Table::applyNext(Step& s) {
  s.takeTarget();
  if (!s.wants()) s.giveUp(EndCause::Operator, "no longer long-running");
}

void InstanceMachine::Table::applyServing(Step& s) {
  const bool other = s.takeTarget();
  if (!s.wants()) return s.giveUp(EndCause::Operator, "no longer long-running");
  if (other && !(s.m.target_ == s.m.current_->target)) s.beginReplacement("a new target");
}

void InstanceMachine::Table::applyPreparing(Step& s) {
  const bool other = s.takeTarget();
  if (!s.wants()) return s.giveUp(EndCause::Operator, "no longer long-running");
  if (!other) return;
  if (s.m.incoming_) {
    s.killIncoming(EndCause::Superseded, "another target was applied");
  } else if (s.m.target_ == s.m.current_->target) {
    s.endReplacement("the target that serves was applied again");
  } else {
    s.add(ActionKind::BindListeners, "a new target").target = s.m.target_;
  }
}

void InstanceMachine::Table::applyNoted(Step& s) {
  s.takeTarget();
}

void InstanceMachine::Table::restartIdle(Step& s) {
  s.m.outcome_ = Outcome::None;
  s.go("restart was asked for");
}

// Kills what is loaded and begins again with the target as it is now.
void InstanceMachine::Table::restartSpawning(Step& s) {
  s.dropFence();
  s.m.reason_ = "started anew";
  if (s.m.incoming_) {
    s.killIncoming(EndCause::Superseded, "started anew");
  } else {
    s.add(ActionKind::BindListeners, "started anew").target = s.m.target_;
  }
}

void InstanceMachine::Table::restartNext(Step& s) {
  s.m.again_ = true;
}

void InstanceMachine::Table::restartServing(Step& s) {
  if (s.wants()) {
    s.beginReplacement("restart was asked for");
  } else {
    s.m.again_ = true;
  }
}

void InstanceMachine::Table::restartPreparing(Step& s) {
  if (!s.m.incoming_) return;
  s.m.again_ = true;
  s.killIncoming(EndCause::Superseded, "restart was asked for");
}

void InstanceMachine::Table::heldIdle(Step& s) {
  heldNoted(s);
  s.rest();
}

void InstanceMachine::Table::heldPreparing(Step& s) {
  heldNoted(s);
  if (s.m.incoming_) {
    s.killIncoming(EndCause::Superseded, s.m.held_);
  } else {
    s.endReplacement("not replaced: " + s.m.held_);
  }
}

void InstanceMachine::Table::heldNoted(Step& s) {
  LONGHAUL_CHECK(s.event.reason != Reason::Running, "held for no reason");
  s.m.held_ = s.event.text.empty() ? "something that it needs is missing" : s.event.text;
  s.m.held_reason_ = s.event.reason;
}

void InstanceMachine::Table::clearIdle(Step& s) {
  clearNoted(s);
  s.go("what was missing is there");
}

void InstanceMachine::Table::clearRunning(Step& s) {
  clearNoted(s);
  if (s.wants() && (s.m.again_ || !(s.m.target_ == s.m.current_->target)))
    s.beginReplacement("what was missing is there");
}

void InstanceMachine::Table::clearNoted(Step& s) {
  s.m.held_.clear();
}

// ---------------------------------------------------------------- answers to actions

void InstanceMachine::Table::slotSpawn(Step& s) {
  if (s.m.slot_ == Slot::Asked && !s.m.incoming_) {
    s.spawn();
  } else {
    slotSurplus(s);
  }
}

void InstanceMachine::Table::slotSurplus(Step& s) {
  s.add(ActionKind::GiveSlotBack, "no slot was needed");
}

void InstanceMachine::Table::startFailedSpawning(Step& s) {
  LONGHAUL_CHECK(s.event.reason != Reason::Running, "no worker came to be, for no reason");
  if (s.m.incoming_) {
    if (!s.isIncoming()) return;
    const Worker gone = s.takeIncoming();
    if (gone.kill_cause == EndCause::Superseded) return s.go("started anew");
  }
  s.dropFence();
  s.releaseSlot();
  if (!s.wants()) return s.rest();
  s.decide(nullptr, startFailure(s.event.text));
}

void InstanceMachine::Table::startFailedPreparing(Step& s) {
  if (s.m.incoming_) {
    if (!s.isIncoming()) return;
    const Worker gone = s.takeIncoming();
    if (s.replacedByNext(gone)) return;
  }
  s.refuse(s.m.target_, s.event.text).host_trouble = true;
  s.m.target_ = s.m.current_->target;
  s.endReplacement("not replaced: " + s.event.text);
}

void InstanceMachine::Table::startFailedStopping(Step& s) {
  if (!s.isIncoming()) return;
  s.takeIncoming();
  if (!s.m.current_) s.go("not started: " + s.event.text);
}

void InstanceMachine::Table::fencedSpawning(Step& s) {
  if (!s.m.fence_ || s.m.fence_->id != s.event.fence) return;
  s.m.fence_->done = true;
  s.m.fence_->generation = s.event.generation;
}

void InstanceMachine::Table::fencedFencing(Step& s) {
  fencedSpawning(s);
  if (s.m.fence_ && s.m.fence_->done && !s.m.incoming_->killed) s.promote();
}

void InstanceMachine::Table::fenceFailed(Step& s) {
  if (!s.m.fence_ || s.m.fence_->id != s.event.fence) return fenceFailedLate(s);
  s.m.fence_->failed = true;
  if (s.m.phase_ == Phase::Fencing && s.now - s.m.fence_->first_at >= kFenceGiveUp) {
    s.m.held_by_store_ = true;
    return s.giveUp(EndCause::Store, "the store does not allot a generation: " + s.event.text);
  }
  s.arm(TimerKind::FenceRetry, kFenceRetry);
}

// Nobody waits for the generation any more, but an end that was to be stored with it is not stored yet.
void InstanceMachine::Table::fenceFailedLate(Step& s) {
  s.storeDeath(s.event.worker);
}

// ---------------------------------------------------------------- from a worker

void InstanceMachine::Table::outOfTurn(Step& s) {
  s.outOfTurn();
}

void InstanceMachine::Table::loadedSpawning(Step& s) {
  if (!s.isIncoming() || s.m.incoming_->killed) return;
  s.m.incoming_->loaded = true;
  s.drop(TimerKind::LoadDeadline);
  s.releaseSlot();
  if (!s.m.fence_ || !(s.m.fence_->target == s.m.incoming_->target)) {
    s.queueFence(s.m.incoming_->target, WorkerId::None, "its worker is loaded");
  }
  s.m.fence_->first_at = s.now;  // one that was queued before had its worker's loading time for nothing
  s.enter(Phase::Fencing, "its worker is loaded and waits for its generation");
  if (s.m.fence_->done) s.promote();
}

void InstanceMachine::Table::loadedPreparing(Step& s) {
  if (!s.isIncoming()) return s.outOfTurn();
  if (s.m.incoming_->killed) return;
  s.m.incoming_->loaded = true;
  s.drop(TimerKind::LoadDeadline);
  s.releaseSlot();
  s.holdCalls("it is replaced");
  s.stopCurrent(EndCause::Operator, "it is replaced");
  s.enter(Phase::Replacing, "its next worker is loaded; the one before is stopping");
}

void InstanceMachine::Table::readyStarting(Step& s) {
  if (!s.isCurrent() || s.m.current_->killed) return;
  s.becomeReady();
  s.add(ActionKind::TrimListeners).target = s.m.current_->target;
  s.enter(Phase::Running, "its worker is ready");
  if (s.wants() && (s.m.again_ || !(s.m.target_ == s.m.current_->target))) s.beginReplacement("the next target");
}

void InstanceMachine::Table::readyPreparing(Step& s) {
  if (!s.isCurrent()) return s.outOfTurn();
  if (!s.m.current_->ready && !s.m.current_->killed) s.becomeReady();
}

void InstanceMachine::Table::readyReplacing(Step& s) {
  if (!s.isCurrent()) s.outOfTurn();
}

void InstanceMachine::Table::extend(Step& s) {
  if (!s.isCurrent() || s.m.current_->ready || s.m.current_->killed) return;
  const Duration left = s.m.current_->start_at + kReadyTimeoutMax - s.now;
  s.arm(TimerKind::ReadyDeadline, std::min(s.event.duration, left));
}

void InstanceMachine::Table::condemned(Step& s) {
  s.condemn(s.event.cause, s.event.text);
}

void InstanceMachine::Table::currentEndedServing(Step& s) {
  const Worker gone = s.takeCurrent();
  s.afterEnd(gone, s.event.exit);
}

void InstanceMachine::Table::currentEndedPreparing(Step& s) {
  const Worker gone = s.takeCurrent();
  s.holdCalls(s.event.exit.text);
  if (s.m.incoming_ && s.m.incoming_->killed) {
    s.storeDeath(gone.id);
  } else {
    s.queueFence(s.m.target_, gone.id, s.event.exit.text);
  }
  s.enter(Phase::Spawning, s.event.exit.text + "; its next worker is on its way");
}

void InstanceMachine::Table::currentEndedReplacing(Step& s) {
  const Worker gone = s.takeCurrent();
  if (!s.m.incoming_->killed) {
    s.queueFence(s.m.incoming_->target, gone.id, "the worker before has ended");
    s.enter(Phase::Fencing, "its next worker waits for its generation");
    return;
  }
  s.storeDeath(gone.id);
  const Target tried = s.m.incoming_->target;
  s.refuse(tried, s.m.incoming_->kill_text);
  if (s.m.target_ == tried) s.backTo(s.m.last_good_.value_or(gone.target));
  s.enter(Phase::Stopping, "its next worker is killed; it goes back");
}

void InstanceMachine::Table::currentEndedStopping(Step& s) {
  s.storeDeath(s.takeCurrent().id);
  if (!s.m.incoming_) s.go("the worker before has ended: " + s.event.exit.text);
}

// Spawning and Fencing.
void InstanceMachine::Table::incomingEndedStarting(Step& s) {
  const Worker gone = s.takeIncoming();
  s.dropFence();
  s.afterEnd(gone, s.event.exit);
}

void InstanceMachine::Table::incomingEndedPreparing(Step& s) {
  const Worker gone = s.takeIncoming();
  s.storeDeath(gone.id);
  if (s.replacedByNext(gone)) return;
  s.refuse(gone.target, s.event.exit.text);
  s.m.target_ = s.m.current_->target;
  s.m.again_ = false;
  s.endReplacement("not replaced: " + s.event.exit.text);
}

void InstanceMachine::Table::incomingEndedReplacing(Step& s) {
  const Worker gone = s.takeIncoming();
  s.storeDeath(gone.id);
  s.refuse(gone.target, s.event.exit.text);
  if (s.m.target_ == gone.target) s.backTo(s.m.last_good_.value_or(s.m.current_->target));
  s.m.again_ = false;
  s.enter(Phase::Stopping, "goes back to what ran last: " + s.event.exit.text);
}

void InstanceMachine::Table::incomingEndedStopping(Step& s) {
  s.storeDeath(s.takeIncoming().id);
  if (!s.m.current_) s.go("the worker before has ended: " + s.event.exit.text);
}

// ---------------------------------------------------------------- timers

void InstanceMachine::Table::loadDeadline(Step& s) {
  s.m.reason_ = fmt::format("not loaded within {}", printDuration(kLoadTimeout));
  s.killIncoming(EndCause::LoadDeadline, s.m.reason_);
}

void InstanceMachine::Table::readyDeadline(Step& s) {
  s.m.reason_ = "not ready in time";
  s.killCurrent(EndCause::ReadyDeadline, s.m.reason_);
}

void InstanceMachine::Table::stopDeadline(Step& s) {
  Worker& current = *s.m.current_;
  if (!current.term_sent) {
    current.term_sent = true;
    s.add(ActionKind::SendTerm, "did not stop in time").worker = current.id;
    s.arm(TimerKind::StopDeadline, kTermTimeout);
    return;
  }
  current.killed = true;
  current.kill_cause = s.m.host_stop_ ? EndCause::HostStop : EndCause::Operator;
  Action& action = s.add(ActionKind::SendKill, "SIGTERM had no effect");
  action.worker = current.id;
  action.cause = current.kill_cause;
  s.arm(TimerKind::CurrentReapDeadline, kReapTimeout);
}

void InstanceMachine::Table::currentStuck(Step& s) {
  Worker& current = *s.m.current_;
  if (std::exchange(current.aborted, false)) {
    Action& action = s.add(ActionKind::KillCurrent, "SIGABRT had no effect");
    action.worker = current.id;
    action.cause = current.kill_cause;
    return s.arm(TimerKind::CurrentReapDeadline, kReapTimeout);
  }
  s.add(ActionKind::ReportStuck, "killed, and still there").worker = s.m.current_->id;
}

void InstanceMachine::Table::incomingStuck(Step& s) {
  s.add(ActionKind::ReportStuck, "killed, and still there").worker = s.m.incoming_->id;
}

void InstanceMachine::Table::restartDue(Step& s) {
  s.go("the wait is over");
}

void InstanceMachine::Table::fenceAgain(Step& s) {
  s.sendFence("tried again");
}

void InstanceMachine::Table::storeAgain(Step& s) {
  s.m.held_by_store_ = false;
  s.go("tried again");
}

}  // namespace longhaul::host::lifecycle
