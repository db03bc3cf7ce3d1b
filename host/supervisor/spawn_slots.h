// How many workers are being spawned at once. A slot is held from the spawn to LOADED or for one second, whichever is
// first; whoever is in a crash-loop queues behind all others. Loop only.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "host/base/ids.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::supervisor {

class SpawnSlots {
 public:
  // `granted` runs from a timer: never inside ask() or giveBack().
  SpawnSlots(TimerQueue& timers, std::size_t slots_max, std::function<void(InstanceId)> granted);
  ~SpawnSlots();
  SpawnSlots(const SpawnSlots&) = delete;
  SpawnSlots& operator=(const SpawnSlots&) = delete;

  // Once until giveBack().
  void ask(InstanceId instance, bool crash_loop);
  // Ends the request, or frees the slot. Of an instance that has neither: nothing.
  void giveBack(InstanceId instance);

  std::size_t waitingCount() const { return waiting_.size() + waiting_crash_loop_.size(); }

 private:
  void free(InstanceId instance);
  void grantSoon();
  void grant();

  TimerQueue& timers_;
  std::size_t slots_max_;
  std::function<void(InstanceId)> granted_;
  std::deque<InstanceId> waiting_, waiting_crash_loop_;
  std::map<InstanceId, TimerId> held_;  // with the timer that ends it
  TimerId grant_timer_ = TimerId::None;
};

}  // namespace longhaul::host::supervisor
