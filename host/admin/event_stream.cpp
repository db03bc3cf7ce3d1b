#include "host/admin/event_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "host/base/text.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::admin {

bool EventFilter::takes(const Event& event) const {
  return (kinds.empty() || kinds.contains(event.kind)) && (instances.empty() || instances.contains(event.instance));
}

EventStream::EventStream(std::int64_t started_at_us, Post post)
    : boot_(fmt::format("{:x}", started_at_us)), post_(std::move(post)) {
  for (const std::string_view kind : kEventKinds)
    counts_[std::string(kind)] = 0;
}

std::string EventStream::idOf(std::uint64_t number) const {
  return fmt::format("{}-{}", boot_, number);
}

void EventStream::publish(std::string_view kind, Json data) {
  Event event{.number = next_++, .kind = std::string(kind)};
  if (const auto found = data.find("instance"); found != data.end() && found->is_string()) event.instance = *found;
  data["id"] = idOf(event.number);
  data["at"] = formatTimeUs(wallNowUs());
  data["kind"] = kind;
  event.data = dumpJson(data);
  bytes_ += event.data.size();
  ring_.push_back(std::move(event));
  while (ring_.size() > kEventsKept || (bytes_ > kEventsKeptBytes && ring_.size() > 1)) {
    bytes_ -= ring_.front().data.size();
    ring_.pop_front();
  }
  ++counts_[std::string(kind)];
  wake();
}

void EventStream::wake() {
  if (readers_.empty() || wake_posted_) return;
  wake_posted_ = true;
  post_([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    wake_posted_ = false;
    const auto readers = readers_;  // one may go away in its turn
    for (const auto& [subscription, reader] : readers) {
      if (readers_.contains(subscription)) reader.wake();
    }
  });
}

EventStream::Place EventStream::placeAfter(std::string_view last_id) const {
  if (last_id.empty()) return {.next = next_};
  const std::size_t dash = last_id.rfind('-');
  if (dash == std::string_view::npos || last_id.substr(0, dash) != boot_) {
    return {.next = oldest(), .resync = "the daemon was started anew"};
  }
  const auto number = parseInt(last_id.substr(dash + 1));
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) >= next_) {
    return {.next = oldest(), .resync = "there is no such event"};
  }
  Place place{.next = static_cast<std::uint64_t>(*number) + 1};
  if (place.next < oldest()) place = {.next = oldest(), .resync = "events were dropped before they were read"};
  return place;
}

EventStream::Place EventStream::placeBefore(std::size_t count, const EventFilter& filter) const {
  std::uint64_t first = next_;
  while (count > 0 && first > oldest()) {
    --first;
    if (filter.takes(at(first))) --count;
  }
  return {.next = first};
}

std::vector<const Event*> EventStream::read(Place& place, const EventFilter& filter, std::size_t count_max,
                                            std::size_t bytes_max) const {
  if (place.next < oldest()) place = {.next = oldest(), .resync = "events were dropped before they were read"};
  std::vector<const Event*> events;
  std::size_t bytes = 0;
  while (place.next < next_ && events.size() < count_max) {
    const Event& event = at(place.next);
    if (filter.takes(event)) {
      if (!events.empty() && bytes + event.data.size() > bytes_max) break;
      bytes += event.data.size();
      events.push_back(&event);
    }
    ++place.next;
  }
  return events;
}

// Whoever may open the socket can hold streams; an operator still gets one, and so does another reader.
std::string EventStream::fullFor(const EventReader& reader) const {
  std::size_t of_others = 0;  // of those who are no admins
  std::size_t of_one = 0;
  for (const auto& [id, each] : readers_) {
    if (each.reader.role == Role::Admin) continue;
    ++of_others;
    if (each.reader.name == reader.name) ++of_one;
  }
  if (readers_.size() >= kEventReadersMax) return fmt::format("{} streams of events are open already", readers_.size());
  if (reader.role == Role::Admin) return {};
  if (of_one >= kEventReadersOfOneMax) {
    return fmt::format("{} has {} streams of events open already", reader.name, of_one);
  }
  if (of_others >= kEventReadersMax - kEventReadersKept) {
    return fmt::format("{} streams of events are open already; the others are for the role admin", of_others);
  }
  return {};
}

std::uint64_t EventStream::subscribe(EventReader reader, std::function<void()> wake) {
  if (!fullFor(reader).empty()) return 0;
  readers_[++last_subscription_] = {std::move(reader), std::move(wake)};
  return last_subscription_;
}

std::string recentEventsText(const EventStream& events, std::size_t count, const EventFilter& filter) {
  EventStream::Place place = events.placeBefore(count, filter);
  std::string text = R"({"events":[)";
  bool first = true;
  for (const Event* event : events.read(place, filter, count, kEventsKeptBytes)) {
    text += (first ? "" : ",") + event->data;
    first = false;
  }
  return text + fmt::format(R"(],"next":"{}"}})", events.newestId());
}

}  // namespace longhaul::host::admin
