// What became of the lines, counted. The totals outlive the worker: they are the key "counters" of the integration
// context, written in the transaction of the incidents that they count. Values; one thread.
#ifndef SYSLOG_PLUGIN_COUNTERS_H
#define SYSLOG_PLUGIN_COUNTERS_H

#include <cstdint>
#include <string>
#include <string_view>

namespace syslog_plugin {

struct Counters {
  std::int64_t received = 0;   // lines
  std::int64_t incidents = 0;  // made of them
  std::int64_t malformed = 0;  // in neither form, kept whole as text
  std::int64_t truncated = 0;  // longer than lineBytesMax, or cut off by their sender
  std::int64_t refused = 0;    // incidents that the host would not take: lost
  std::int64_t dropped = 0;    // datagrams that the kernel dropped, the receive buffer being full: lost

  // Which socket's drops are counted already, by its cookie, and how many: so that those between two workers count too.
  std::int64_t socket = 0;
  std::int64_t socket_dropped = 0;

  // All but the socket's.
  void add(const Counters& more);
  bool operator==(const Counters& other) const;
  bool operator!=(const Counters& other) const { return !(*this == other); }
};

// A context (or a patch of one) with these counters: {"counters":{"received":17,…}}.
std::string toContext(const Counters& counters);

// The counters of a context; zero for what is not there or is no count.
Counters countersOf(std::string_view context);

}  // namespace syslog_plugin

#endif
