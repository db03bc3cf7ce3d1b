#include "host/http/event_source.h"

#include <fmt/format.h>

#include <utility>

namespace longhaul::host::http {

std::shared_ptr<EventSource> EventSource::open(admin::EventStream& events, TimerQueue& timers,
                                               admin::EventReader reader, admin::EventFilter filter,
                                               admin::EventStream::Place place) {
  std::shared_ptr<EventSource> source{new EventSource(events, timers, std::move(filter), std::move(place))};
  source->subscription_ = events.subscribe(std::move(reader), [self = source.get()] { self->wake(); });
  return source->subscription_ == 0 ? nullptr : source;
}

EventSource::EventSource(admin::EventStream& events, TimerQueue& timers, admin::EventFilter filter,
                         admin::EventStream::Place place)
    : events_(events), timers_(timers), filter_(std::move(filter)), place_(std::move(place)) {
  armHeartbeat();
}

EventSource::~EventSource() {
  timers_.cancel(timer_);
  events_.unsubscribe(subscription_);
}

void EventSource::armHeartbeat() {
  timer_ = timers_.after(kEventsHeartbeat, [this] {
    heartbeat_due_ = true;
    armHeartbeat();
    wake();
  });
}

void EventSource::wake() const {
  if (wake_) wake_();
}

std::string EventSource::take() {
  std::string text;
  const auto rows = events_.read(place_, filter_, kEventsChunkRows, kEventsChunkBytes);
  if (!place_.resync.empty()) {
    text += fmt::format("event: resync\ndata: {}\n\n", dumpJson({{"kind", "resync"}, {"reason", place_.resync}}));
    place_.resync.clear();
  }
  for (const admin::Event* event : rows)
    text += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", events_.idOf(event->number), event->kind, event->data);
  if (text.empty() && std::exchange(heartbeat_due_, false)) text = ": \n\n";
  return text;
}

}  // namespace longhaul::host::http
