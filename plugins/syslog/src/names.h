// The words of syslog: severities and facilities by number and name (RFC 5424, 6.2.1), and what a severity is in
// XSOAR's scale. Pure functions, any thread, owns nothing.
#ifndef SYSLOG_PLUGIN_NAMES_H
#define SYSLOG_PLUGIN_NAMES_H

#include <optional>
#include <string_view>
#include <vector>

namespace syslog_plugin {

inline constexpr int kSeverityCount = 8;
inline constexpr int kFacilityCount = 24;

// What RFC 3164 (4.3.3) gives to a message without a valid PRI: user.notice.
inline constexpr int kDefaultFacility = 1;
inline constexpr int kDefaultSeverity = 5;

std::string_view severityName(int severity);
std::string_view facilityName(int facility);

// By name or number, case ignored; also the old names error, warn, panic, critical, informational, emergency, security.
std::optional<int> severityByName(std::string_view name);
std::optional<int> facilityByName(std::string_view name);

const std::vector<std::string_view>& severityNames();
const std::vector<std::string_view>& facilityNames();

// emerg, alert, crit: 4 (critical); err: 3; warning: 2; notice: 1; info, debug: 0.5. As the JSON number's text.
std::string_view incidentSeverityOf(int severity);

// Whether `text` is a severity of an incident: 0, 0.5, 1, 2, 3 or 4.
bool isIncidentSeverity(std::string_view text);

}  // namespace syslog_plugin

#endif
