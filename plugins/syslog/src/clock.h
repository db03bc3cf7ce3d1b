// The time of day, in microseconds since 1970. Any thread.
#ifndef SYSLOG_PLUGIN_CLOCK_H
#define SYSLOG_PLUGIN_CLOCK_H

#include <chrono>
#include <cstdint>

namespace syslog_plugin {

inline std::int64_t nowUs() {
  using std::chrono::duration_cast;
  return duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace syslog_plugin

#endif
