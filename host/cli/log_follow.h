// Follows the logs of several instances at once: one waiting request each (`cursor`, `waitMs`), all polled together.
// When the daemon goes away it waits for it to come back and reads on where it was: cursors outlive the daemon.
// Blocking; one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/cli/api.h"

namespace longhaul::host::cli {

struct FollowedLog {
  std::string instance;
  std::string cursor;
};

struct LogFilter {
  std::string level;   // empty: all
  std::string source;  // likewise
};
void addTo(Target& target, const LogFilter& filter);

struct FollowNews {
  std::function<void(const std::string& instance, const Json& lines)> lines;
  std::function<void(const std::string& sentence)> note;
};

// Returns when none of the instances is left, or with an error that waiting does not mend.
Result<void> followLogs(const Api& api, const LogFilter& filter, std::vector<FollowedLog> logs, const FollowNews& news);

}  // namespace longhaul::host::cli
