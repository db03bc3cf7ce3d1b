// Incidents: every field checked by its own rule, unknown ones kept and named in the instance's log.

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

// The fields that server-api names, and those that XSOAR's REST interface knows beyond them: kept without a warning.
const std::vector<std::string>& knownKeys() {
  static const std::vector<std::string> keys{
      "name",     "type",         "severity",     "occurred",   "details",     "owner",          "labels",
      "rawJSON",  "CustomFields", "dbotMirrorId", "attachment", "sourceBrand", "sourceInstance", "created",
      "modified", "closeReason",  "dueDate",      "sla",        "status",      "playbookId",     "createInvestigation"};
  return keys;
}

Error wrong(std::string_view field, const Json& found, std::string_view wanted) {
  std::string shown = dumpJson(found);
  constexpr std::size_t kShownBytesMax = 80;
  if (shown.size() > kShownBytesMax) shown = fmt::format("a {} of {} bytes", found.type_name(), shown.size());
  return Error{Code::Invalid, fmt::format("{}: found {}, wanted {}", field, shown, wanted)};
}

bool isSeverity(const Json& value) {
  static constexpr std::array<double, 6> kSeverities{0, 0.5, 1, 2, 3, 4};
  if (!value.is_number()) return false;
  for (const double each : kSeverities) {
    if (value.get<double>() == each) return true;
  }
  return false;
}

bool areLabels(const Json& value) {
  if (!value.is_array()) return false;
  for (const Json& label : value) {
    if (!label.is_object() || !label.contains("type") || !label["type"].is_string() || !label.contains("value")) {
      return false;
    }
  }
  return true;
}

Result<store::NewIncident> readIncident(Json& source, std::int64_t now_us) {
  if (!source.is_object()) return wrong("incident", source, "an object");
  store::NewIncident incident;
  incident.occurred_at_us = now_us;
  for (auto field = source.begin(); field != source.end();) {
    // null is absent: integrations write None for what they do not have.
    field = field->is_null() ? source.erase(field) : std::next(field);
  }
  const auto take = [&](const char* key) {
    Json value;
    if (const auto found = source.find(key); found != source.end()) {
      value = std::move(*found);
      source.erase(found);
    }
    return value;
  };
  const Json name = take("name");
  if (!name.is_string() || name.get_ref<const std::string&>().empty()) {
    return wrong("name", name, "a text that is not empty");
  }
  incident.name = name.get<std::string>();
  if (incident.name.size() > kIncidentNameBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("name: {} bytes, at most {} are kept", incident.name.size(), kIncidentNameBytesMax)};
  }
  if (const Json type = take("type"); !type.is_null()) {
    if (!type.is_string()) return wrong("type", type, "a text");
    incident.type = type.get<std::string>();
  }
  if (const Json severity = take("severity"); !severity.is_null()) {
    if (!isSeverity(severity)) return wrong("severity", severity, "one of 0, 0.5, 1, 2, 3, 4");
    incident.severity = severity.get<double>();
  }
  if (const Json occurred = take("occurred"); !occurred.is_null()) {
    const auto time = occurred.is_string() ? parseTimeUs(occurred.get_ref<const std::string&>()) : std::nullopt;
    if (!time) return wrong("occurred", occurred, "a time as RFC 3339 has it, 2026-11-24T03:22:02Z for one");
    incident.occurred_at_us = *time;
  }
  for (const char* key : {"details", "owner", "rawJSON", "dbotMirrorId"}) {
    if (const auto found = source.find(key); found != source.end() && !found->is_string()) {
      return wrong(key, *found, "a text");
    }
  }
  if (const Json owner = take("owner"); owner.is_string()) incident.owner = owner.get<std::string>();
  if (const auto labels = source.find("labels"); labels != source.end() && !areLabels(*labels)) {
    return wrong("labels", *labels, "an array of {\"type\": text, \"value\": …}");
  }
  if (const auto fields = source.find("CustomFields"); fields != source.end() && !fields->is_object()) {
    return wrong("CustomFields", *fields, "an object");
  }
  incident.body = dumpJson(source);
  return incident;
}

}  // namespace

Result<std::vector<store::NewIncident>> readIncidents(std::string_view json, std::int64_t now_us, const Warn& warn) {
  auto parsed = parseJson(json);
  if (!parsed) return withContext("incidents", std::move(parsed).error());
  if (!parsed->is_array() || parsed->empty()) return wrong("incidents", *parsed, "an array with at least one incident");
  if (parsed->size() > kIncidentsPerCallMax) {
    return Error{Code::TooLarge, fmt::format("{} incidents in one call, at most {} are taken: split the list",
                                             parsed->size(), kIncidentsPerCallMax)};
  }
  std::vector<store::NewIncident> incidents;
  incidents.reserve(parsed->size());
  static const std::set<std::string> known{knownKeys().begin(), knownKeys().end()};
  std::set<std::string> unknown;
  for (Json& each : *parsed) {
    if (each.is_object()) {
      for (const auto& [key, value] : each.items()) {
        if (!known.contains(key)) unknown.insert(key);
      }
    }
    auto incident = readIncident(each, now_us);
    if (!incident) return withContext(fmt::format("incident {}", incidents.size() + 1), std::move(incident).error());
    incidents.push_back(std::move(*incident));
  }
  for (const std::string& key : unknown) {
    const auto near = nearest(key, knownKeys());
    warn(near ? fmt::format("createIncidents: unknown key \"{}\" is kept as it is; did you mean \"{}\"?", key, *near)
              : fmt::format("createIncidents: unknown key \"{}\" is kept as it is", key));
  }
  return incidents;
}

std::string incidentsJson(const std::vector<IncidentId>& ids, const std::vector<std::string>& names) {
  std::string json = "[";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i != 0) json += ',';
    json += fmt::format(R"({{"id":"{}","name":{}}})", ids[i].value,
                        i < names.size() ? dumpJson(Json(names[i])) : std::string{"null"});
  }
  return json += ']';
}

}  // namespace longhaul::host::services
