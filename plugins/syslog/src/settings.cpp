#include "settings.h"

#include "longhaul/sdk/detail/json_object.hpp"
#include "settings_error.h"
#include "text.h"

namespace syslog_plugin {
namespace {

class Parameters {
 public:
  explicit Parameters(const ParameterLookup& lookup) : lookup_(lookup) {}

  std::string text(std::string_view name, std::string_view otherwise) const {
    const auto value = lookup_(name);
    return std::string(value ? trimmed(*value) : otherwise);
  }

  std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t min, std::uint64_t max) const {
    const auto value = lookup_(name);
    if (!value) return otherwise;
    const auto number = parseNumber(trimmed(*value), min, max);
    if (!number) {
      throw SettingsError(std::string(name) + " is \"" + *value + "\"; write a whole number from " +
                          std::to_string(min) + " to " + std::to_string(max));
    }
    return *number;
  }

  bool flag(std::string_view name) const {
    const std::string value = text(name, "false");
    if (value == "true" || value == "false") return value == "true";
    throw SettingsError(std::string(name) + " is \"" + value + "\"; write true or false");
  }

  // A list: a JSON array of strings, or words with commas between.
  std::string list(std::string_view name) const {
    const std::string value = text(name, "");
    if (value.empty() || value[0] != '[') return value;
    std::vector<std::string_view> elements;
    std::string joined;
    std::string word;
    bool ok = longhaul::detail::splitJsonArray(value, elements);
    for (const std::string_view element : elements) {
      ok = ok && longhaul::detail::decodeJsonString(element, word);
      joined += word + ",";
    }
    if (!ok) throw SettingsError(std::string(name) + " is " + value + "; write a list of names");
    return joined;
  }

 private:
  const ParameterLookup& lookup_;
};

// Runs `read` so that its error begins with the parameter's name.
template <class Read>
auto named(std::string_view parameter, Read read) {
  try {
    return read();
  } catch (const SettingsError& error) {
    throw SettingsError(std::string(parameter) + ": " + error.what());
  }
}

RuleSet readRuleSet(const Parameters& parameters) {
  const std::string type = parameters.text("incidentType", "Syslog");
  const std::string title = parameters.text("nameTemplate", "{hostname} {app|syslog}: {message}");
  const std::string rules = parameters.text("rules", "");
  const std::string match = parameters.text("match", "");
  const std::string facilities = parameters.list("facilities");
  named("nameTemplate", [&] { return Template(title); });
  if (!rules.empty()) {
    if (!match.empty() || !facilities.empty()) {
      throw SettingsError(std::string(match.empty() ? "facilities" : "match") +
                          " has no effect beside rules, which decide alone: move it into a rule, or empty one of them");
    }
    return RuleSet(readRules(rules, type, title));
  }
  Rule rule;
  rule.name = "default";
  rule.type = type;
  rule.title = Template(title);
  const std::string severity = parameters.text("minSeverity", "err");
  named("minSeverity", [&] { readSeverities(severity, rule); });
  if (!facilities.empty()) rule.facilities = named("facilities", [&] { return readFacilities(facilities); });
  if (!match.empty()) rule.match = named("match", [&] { return Pattern(match); });
  if (rule.usesCaptures() && !rule.match) {
    throw SettingsError("nameTemplate uses a group such as {1}, but match is empty; set match, or take {1} out");
  }
  std::vector<Rule> all;
  all.push_back(std::move(rule));
  return RuleSet(std::move(all));
}

}  // namespace

Settings readSettings(const ParameterLookup& lookup) {
  const Parameters parameters(lookup);
  Settings settings;
  const std::string protocol = parameters.text("protocol", "both");
  settings.udp = protocol == "udp" || protocol == "both";
  settings.tcp = protocol == "tcp" || protocol == "both";
  if (!settings.udp && !settings.tcp) {
    throw SettingsError("protocol is \"" + protocol + "\"" + suggestion(protocol, {"udp", "tcp", "both"}));
  }
  settings.line_bytes_max = parameters.number("lineBytesMax", kLineBytesDefault, kLineBytesMin, kLineBytesMax);
  settings.connections_max = parameters.number("connectionsMax", kConnectionsDefault, 1, kConnectionsMax);
  settings.idle_timeout = std::chrono::seconds(parameters.number("idleTimeoutSeconds", 0, 0, kIdleTimeoutMaxS));
  settings.idempotency_keys = parameters.flag("idempotencyKeys");
  const std::string zone = parameters.text("timeZone", "local");
  const auto parsed = parseZone(zone);
  if (!parsed) {
    throw SettingsError("timeZone is \"" + zone + "\"; write local, UTC or a distance from UTC such as +02:00");
  }
  settings.zone = *parsed;
  settings.rules = readRuleSet(parameters);
  return settings;
}

}  // namespace syslog_plugin
