#include "names.h"

#include <algorithm>
#include <array>

#include "text.h"

namespace syslog_plugin {
namespace {

struct Alias {
  std::string_view name;
  int number;
};

constexpr std::array<Alias, 6> kSeverityAliases{
    {{"emergency", 0}, {"panic", 0}, {"critical", 2}, {"error", 3}, {"warn", 4}, {"informational", 6}}};
constexpr std::array<Alias, 1> kFacilityAliases{{{"security", 4}}};

template <class Aliases>
std::optional<int> find(const std::vector<std::string_view>& names, const Aliases& aliases, std::string_view name) {
  if (const auto number = parseNumber(name, 0, names.size() - 1)) return static_cast<int>(*number);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (equalsIgnoringCase(names[i], name)) return static_cast<int>(i);
  }
  for (const Alias& alias : aliases) {
    if (equalsIgnoringCase(alias.name, name)) return alias.number;
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string_view>& severityNames() {
  static const std::vector<std::string_view> names{"emerg",   "alert",  "crit", "err",
                                                   "warning", "notice", "info", "debug"};
  return names;
}

const std::vector<std::string_view>& facilityNames() {
  static const std::vector<std::string_view> names{"kern",   "user",     "mail",     "daemon", "auth",     "syslog",
                                                   "lpr",    "news",     "uucp",     "cron",   "authpriv", "ftp",
                                                   "ntp",    "logaudit", "logalert", "clock",  "local0",   "local1",
                                                   "local2", "local3",   "local4",   "local5", "local6",   "local7"};
  return names;
}

std::string_view severityName(int severity) {
  return severityNames().at(static_cast<std::size_t>(severity));
}
std::string_view facilityName(int facility) {
  return facilityNames().at(static_cast<std::size_t>(facility));
}

std::optional<int> severityByName(std::string_view name) {
  return find(severityNames(), kSeverityAliases, name);
}
std::optional<int> facilityByName(std::string_view name) {
  return find(facilityNames(), kFacilityAliases, name);
}

std::string_view incidentSeverityOf(int severity) {
  constexpr std::array<std::string_view, kSeverityCount> kScale{"4", "4", "4", "3", "2", "1", "0.5", "0.5"};
  return kScale.at(static_cast<std::size_t>(severity));
}

bool isIncidentSeverity(std::string_view text) {
  constexpr std::array<std::string_view, 6> kScale{"0", "0.5", "1", "2", "3", "4"};
  return std::find(kScale.begin(), kScale.end(), text) != kScale.end();
}

}  // namespace syslog_plugin
