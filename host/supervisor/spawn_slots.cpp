#include "host/supervisor/spawn_slots.h"

#include <algorithm>
#include <utility>

#include "host/base/limits.h"

namespace longhaul::host::supervisor {

SpawnSlots::SpawnSlots(TimerQueue& timers, std::size_t slots_max, std::function<void(InstanceId)> granted)
    : timers_(timers), slots_max_(std::max<std::size_t>(slots_max, 1)), granted_(std::move(granted)) {}

SpawnSlots::~SpawnSlots() {
  timers_.cancel(grant_timer_);
  for (const auto& [instance, timer] : held_)
    timers_.cancel(timer);
}

void SpawnSlots::ask(InstanceId instance, bool crash_loop) {
  (crash_loop ? waiting_crash_loop_ : waiting_).push_back(instance);
  grantSoon();
}

void SpawnSlots::giveBack(InstanceId instance) {
  std::erase(waiting_, instance);
  std::erase(waiting_crash_loop_, instance);
  free(instance);
}

void SpawnSlots::free(InstanceId instance) {
  const auto found = held_.find(instance);
  if (found == held_.end()) return;
  timers_.cancel(found->second);
  held_.erase(found);
  grantSoon();
}

void SpawnSlots::grantSoon() {
  if (grant_timer_ != TimerId::None || waitingCount() == 0 || held_.size() >= slots_max_) return;
  grant_timer_ = timers_.after(Duration::zero(), [this] {
    grant_timer_ = TimerId::None;
    grant();
  });
}

void SpawnSlots::grant() {
  while (held_.size() < slots_max_ && waitingCount() > 0) {
    auto& queue = waiting_.empty() ? waiting_crash_loop_ : waiting_;
    const InstanceId instance = queue.front();
    queue.pop_front();
    // Its second of a former spawn may still run: then the new one takes over.
    if (const auto found = held_.find(instance); found != held_.end()) timers_.cancel(found->second);
    held_[instance] = timers_.after(kSpawnSlotTimeout, [this, instance] { free(instance); });
    granted_(instance);
  }
}

}  // namespace longhaul::host::supervisor
