// What happened lately, for all who follow it: the command line, the dashboard and the metrics read the same events. A
// ring that is bounded in rows and bytes; a reader owns nothing but its place in it, so a slow one costs nothing and is
// told to resync when the ring has gone past it. Ids are `<boot>-<number>`: they are good over reconnects, and one of
// another boot is recognized. Loop only. Nothing here is durable: what must be kept is in the store.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/answer.h"
#include "host/base/json.h"
#include "host/base/role.h"

namespace longhaul::host::admin {

// An event is some hundred bytes: minutes of a busy host, hours of a quiet one.
inline constexpr std::size_t kEventsKept = 4096;
inline constexpr std::size_t kEventsKeptBytes = 8U << 20;
inline constexpr std::size_t kEventReadersMax = 128;      // streams at once, of 256 connections
inline constexpr std::size_t kEventReadersKept = 16;      // of them for admins, whatever others hold
inline constexpr std::size_t kEventReadersOfOneMax = 16;  // of one who is no admin: others look too

// The kinds of events, each with its sentence for the help and docs/API.md.
inline constexpr std::string_view kEventKinds[] = {"state", "health", "removed", "incident",
                                                   "entry", "plugin", "config",  "act"};

struct Event {
  std::uint64_t number = 0;
  std::string kind;
  std::string instance;  // empty: of none
  std::string data;      // JSON object with id, at, kind and what belongs to the kind
};

// Who reads: streams are shared out by it.
struct EventReader {
  std::string name;
  Role role = Role::Read;
};

struct EventFilter {
  std::set<std::string> kinds{};  // empty: all
  std::set<std::string> instances{};
  bool takes(const Event& event) const;
};

class EventStream {
 public:
  using Post = std::function<void(std::function<void()>)>;

  EventStream(std::int64_t started_at_us, Post post);

  // `data` is an object; "instance" in it is what filters look at.
  void publish(std::string_view kind, Json data);

  // ---- reading
  struct Place {
    std::uint64_t next = 0;
    std::string resync{};  // why the reader must look at everything anew; empty: it need not
  };
  // Behind the event with this id; empty: behind the newest. An id that is gone gives the oldest that is there, and
  // why.
  Place placeAfter(std::string_view last_id) const;
  // In front of the last `count` that the filter takes.
  Place placeBefore(std::size_t count, const EventFilter& filter) const;
  // Events from there on, at most so many, and moves the place. Not more than fit `bytes_max` but one.
  std::vector<const Event*> read(Place& place, const EventFilter& filter, std::size_t count_max,
                                 std::size_t bytes_max) const;
  std::string idOf(std::uint64_t number) const;
  std::string newestId() const { return idOf(next_ - 1); }

  // Why there is no stream left for this one; empty: there is one.
  std::string fullFor(const EventReader& reader) const;
  // `wake` runs in a turn of its own after something was published. 0: it is full for this one.
  std::uint64_t subscribe(EventReader reader, std::function<void()> wake);
  void unsubscribe(std::uint64_t subscription) { readers_.erase(subscription); }

  // ---- counters
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  std::size_t readerCount() const { return readers_.size(); }

 private:
  const Event& at(std::uint64_t number) const { return ring_[number - ring_.front().number]; }
  std::uint64_t oldest() const { return next_ - ring_.size(); }
  void wake();

  const std::string boot_;
  Post post_;
  std::deque<Event> ring_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  struct Subscription {
    EventReader reader;
    std::function<void()> wake;
  };
  std::map<std::uint64_t, Subscription> readers_;
  std::uint64_t last_subscription_ = 0;
  bool wake_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // a wake that comes late asks it
};

// {"events": […], "next": id}
std::string recentEventsText(const EventStream& events, std::size_t count, const EventFilter& filter);

}  // namespace longhaul::host::admin
