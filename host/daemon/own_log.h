// The daemon's own log on stderr: one line each, for a terminal or the journal. Control characters of what plugins and
// files say are escaped, so that a text is one line and cannot paint a terminal. Thread-safe after openOwnLog().
#pragma once

#include <string>
#include <string_view>

#include "host/logs/log_line.h"

namespace longhaul::host::daemon {

// Once, before anything is logged. `level`: "debug", "info", "warning", "error".
void openOwnLog(std::string_view level);

void setOwnLogLevel(std::string_view level);

void ownLog(logs::LogLevel level, std::string_view text);

// The same text on one line, for what is said before the log is open.
std::string escaped(std::string_view text);

}  // namespace longhaul::host::daemon
