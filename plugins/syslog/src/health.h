// What operators see of this instance: how many lines came, and what is wrong in a sentence. Reports at most every five
// seconds, and only when there is something new; nothing while nothing comes. One thread.
#ifndef SYSLOG_PLUGIN_HEALTH_H
#define SYSLOG_PLUGIN_HEALTH_H

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "counters.h"
#include "longhaul/sdk.hpp"

namespace syslog_plugin {

struct HealthText {
  std::string text;  // empty: all is well
  bool is_error = false;
};

// What is to be said about the lines of one interval. Pure.
HealthText describeHealth(const Counters& before, const Counters& after, std::size_t connections_at_limit);

class Health {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kInterval{5};

  Health(longhaul::Server server, const Counters& start) : server_(server), reported_(start) {}

  // When report() would have something to say; nothing: not before something happens.
  std::optional<Time> nextDue(const Counters& totals, bool at_limit) const;

  // `connections_at_limit` is 0 while there is room.
  void report(const Counters& totals, std::size_t connections_at_limit, Time now);

 private:
  longhaul::Server server_;
  Counters reported_;
  std::string text_;  // that stands at the host
  Time next_at_{};
};

}  // namespace syslog_plugin

#endif
