// A line that a rule chose, as the JSON of one incident. Pure functions, any thread; owns nothing.
#ifndef SYSLOG_PLUGIN_INCIDENT_H
#define SYSLOG_PLUGIN_INCIDENT_H

#include <string>

#include "line.h"
#include "rules.h"
#include "timestamp.h"

namespace syslog_plugin {

inline constexpr std::size_t kNameBytesMax = 200;  // a name is a line of a list
inline constexpr std::size_t kLabelBytesMax = 1024;

// Appends {"name", "type", "severity", "occurred", "details", "labels", "rawJSON"}: name, type, severity and labels as
// `rule` has them, and labels for what the header of the line says.
void appendIncident(std::string& out, const Line& line, const Rule& rule, const Captures& captures, const Zone& zone);

}  // namespace syslog_plugin

#endif
