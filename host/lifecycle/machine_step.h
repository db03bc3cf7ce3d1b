// One step of the instance machine while it is under way, with the verbs that the cells of the table are written in.
// Private to the machine: only machine_step.cpp, machine_table.cpp and instance_machine.cpp include it.
#pragma once

#include <string>
#include <vector>

#include "host/lifecycle/instance_machine.h"

namespace longhaul::host::lifecycle {

struct InstanceMachine::Step {
  InstanceMachine& m;
  const Event& event;
  TimePoint now;
  double random;
  std::vector<Action> actions{};

  // --- small
  Action& add(ActionKind kind, std::string reason = {});
  void arm(TimerKind timer, Duration duration);
  void drop(TimerKind timer);
  void enter(Phase phase, std::string reason);
  // A worker should run, as far as wishes, holds and outcomes go.
  bool wants() const;
  bool isCurrent() const { return m.current_ && m.current_->id == event.worker; }
  bool isIncoming() const { return m.incoming_ && m.incoming_->id == event.worker; }

  // --- phases
  void rest();                     // no worker is there
  void trySpawn(std::string why);  // no worker is there, or current serves on
  void go(std::string why);        // no worker is there: spawn if one is wanted, else rest
  void beginReplacement(std::string why);
  bool replacedByNext(const Worker& gone);  // in Preparing: it was killed for, or overtaken by, what comes next
  void endReplacement(std::string why);     // back to what current was in before
  void giveUp(EndCause cause,
              std::string why);  // from any phase with a worker or a request for one: to Stopping or Rest

  // --- workers
  void spawn();
  void killIncoming(EndCause cause, std::string why);
  void killCurrent(EndCause cause, std::string why);
  void abortCurrent(EndCause cause, std::string why);
  void stopCurrent(EndCause cause, std::string why);
  void condemn(EndCause cause, const std::string& why);  // the event's worker
  void outOfTurn();                                      // what the event's worker said does not fit its state
  void becomeReady();
  Worker takeCurrent();                                 // it ended
  Worker takeIncoming();                                // it ended
  void afterEnd(const Worker& gone, const Exit& exit);  // the only worker ended: next target, last_good, or policy
  void decide(const Worker* gone, const Exit& exit);

  // --- spawn slot, fence, deaths, calls, listeners
  void askSlot();
  void releaseSlot();
  void queueFence(const Target& target, WorkerId death_of, std::string why);
  void sendFence(std::string why);
  void dropFence();
  void promote();
  void storeDeath(WorkerId worker);
  void holdCalls(std::string why);
  void failCalls(std::string why);
  void closeListeners(std::string why);

  // --- targets
  bool takeTarget();  // from Apply; true: it is another one than before
  Action& refuse(const Target& target, std::string why);
  void backTo(const Target& target);
};

}  // namespace longhaul::host::lifecycle
