#include "host/base/timer_queue.h"

namespace longhaul::host {

TimerId TimerQueue::at(TimePoint when, std::function<void()> callback) {
  const std::uint64_t id = ++last_id_;
  timers_.emplace(Key{when, id}, std::move(callback));
  when_.emplace(id, when);
  return TimerId{id};
}

void TimerQueue::cancel(TimerId id) {
  const auto found = when_.find(static_cast<std::uint64_t>(id));
  if (found == when_.end()) return;
  timers_.erase(Key{found->second, found->first});
  when_.erase(found);
}

std::optional<TimePoint> TimerQueue::next() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void TimerQueue::advanceTo(TimePoint now) {
  if (now < now_) return;
  now_ = now;
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    // Taken out first: the callback may add and cancel.
    auto node = timers_.extract(timers_.begin());
    when_.erase(node.key().second);
    node.mapped()();
  }
}

std::int64_t wallNowUs() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace longhaul::host
