#include "host/admin/record_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::admin {
namespace {

Json parseOr(const std::string& text, Json fallback) {
  auto json = parseJson(text);
  return json ? std::move(json).value() : std::move(fallback);
}

// The members of the body, as they stand there; an unknown one is a failure that names the nearest.
using Members = std::map<std::string, std::string>;
std::variant<Members, Failure> readMembers(std::string_view body, const std::vector<std::string>& known) {
  auto members = splitObject(body.empty() ? "{}" : body);
  if (!members) return toFailure(members.error());
  for (const auto& [key, value] : *members) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return invalid(fmt::format("unknown key \"{}\"", key), "/" + key, didYouMean(key, known));
  }
  return std::move(members).value();
}

Failure missing(std::string_view key, std::string_view wanted) {
  return invalid(fmt::format("\"{}\" is missing: wanted {}", key, wanted), fmt::format("/{}", key));
}

// A member that is a JSON text; nothing: another type.
std::optional<std::string> textOf(const std::string& json) {
  auto value = parseJson(json);
  if (!value || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

}  // namespace

std::optional<std::int64_t> parseId(std::string_view text) {
  const auto id = parseInt(text);
  return id && *id > 0 ? id : std::nullopt;
}

Failure unknownIncident(std::string_view id) {
  return notFound(fmt::format("there is no incident {}", replaceNonUtf8(id.substr(0, 40))),
                  "\"longhaul incidents\" shows all");
}

Failure unknownSnapshot(std::string_view id) {
  return notFound(fmt::format("there is no snapshot {}", replaceNonUtf8(id.substr(0, 40))),
                  "\"longhaul context snapshots NAME\" lists them");
}

Json toJson(const store::Incident& incident, bool fields) {
  Json json{{"id", std::to_string(incident.id.value)},
            {"name", incident.name},
            {"type", incident.type},
            {"severity", incident.severity},
            {"status", incident.status},
            {"occurredAt", formatTimeUs(incident.occurred_at_us)},
            {"createdAt", formatTimeUs(incident.created_at_us)}};
  if (!incident.owner.empty()) json["owner"] = incident.owner;
  if (incident.closed_at_us > 0) json["closedAt"] = formatTimeUs(incident.closed_at_us);
  if (!incident.close_reason.empty()) json["closeReason"] = incident.close_reason;
  if (!incident.instance_name.empty()) json["instance"] = incident.instance_name;
  if (fields) json["fields"] = parseOr(incident.body, Json::object());
  return json;
}

Json toJson(const store::IncidentCounts& counts) {
  Json severities = Json::array();
  for (const auto& [severity, count] : counts.by_severity)
    severities.push_back({{"severity", severity}, {"count", count}});
  return {{"active", counts.active},
          {"closed", counts.closed},
          {"byHour", counts.by_hour},
          {"bySeverity", std::move(severities)},
          {"capped", counts.capped}};
}

Json toJson(const store::Entry& entry) {
  Json json{{"id", fmt::format("{}@{}", entry.id.value, entry.incident.value)},
            {"incident", std::to_string(entry.incident.value)},
            {"createdAt", formatTimeUs(entry.created_at_us)},
            {"author", entry.author},
            {"contentType", entry.content_type},
            {"text", entry.text}};
  if (!entry.user.empty()) json["user"] = entry.user;
  if (!entry.tags.empty()) json["tags"] = entry.tags;
  return json;
}

Json toJson(const std::vector<store::Death>& deaths, std::size_t limit) {
  struct Seen {
    std::size_t count = 0;
    std::int64_t first_at_us = 0;
  };
  std::map<std::string, Seen> seen;
  std::vector<std::string> prints;
  Json rows = Json::array();
  for (const store::Death& death : deaths) {
    Json card = parseOr(death.card, Json::object());
    const auto print = card.find("fingerprint");
    prints.push_back(print != card.end() && print->is_string() ? print->get<std::string>() : std::string{});
    Seen& alike = seen[prints.back()];
    ++alike.count;
    alike.first_at_us = death.at_us;
    if (rows.size() >= limit) continue;
    rows.push_back({{"id", std::to_string(death.id.value)},
                    {"generation", death.generation.value},
                    {"at", formatTimeUs(death.at_us)},
                    {"exitClass", death.exit_class},
                    {"card", std::move(card)}});
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (prints[i].empty()) continue;
    rows[i]["seenCount"] = seen[prints[i]].count;
    rows[i]["firstSeenAt"] = formatTimeUs(seen[prints[i]].first_at_us);
  }
  return rows;
}

Json toJson(const store::ContextSnapshot& snapshot) {
  return {{"id", std::to_string(snapshot.id)}, {"at", formatTimeUs(snapshot.at_us)},
          {"version", snapshot.version},       {"stateSchema", snapshot.state_schema},
          {"digest", snapshot.digest},         {"generation", snapshot.generation.value},
          {"keysCount", snapshot.keys_count},  {"bytes", snapshot.bytes}};
}

namespace {

// `,"values":{…},"quarantinedKeys":[…]}`
void appendValues(const store::ContextMap& values, const std::vector<std::string>& quarantined, std::string& text) {
  text += R"(,"values":{)";
  const char* between = "";
  for (const auto& [key, value] : values) {
    text += fmt::format("{}{}:{}", between, dumpJson(key), value);
    between = ",";
  }
  text += fmt::format(R"(}},"quarantinedKeys":{}}})", dumpJson(quarantined));
}

}  // namespace

std::string contextText(const store::Context& context) {
  std::string text = fmt::format(R"({{"version":{})", context.version);
  appendValues(context.values, context.quarantined_keys, text);
  return text;
}

std::string snapshotText(const store::ContextSnapshot& snapshot) {
  std::string text = dumpJson(toJson(snapshot));
  text.pop_back();  // the object goes on
  appendValues(snapshot.values, snapshot.quarantined_keys, text);
  return text;
}

Answer contextValueText(const store::Context& context, const std::string& key) {
  const auto found = context.values.find(key);
  if (found != context.values.end()) {
    return fmt::format(R"({{"version":{},"key":{},"value":{}}})", context.version, dumpJson(key), found->second);
  }
  const auto& quarantined = context.quarantined_keys;
  if (std::find(quarantined.begin(), quarantined.end(), key) != quarantined.end()) {
    return notFound(fmt::format("the stored value of the context's key \"{}\" failed its checksum", key),
                    "set it anew; until then it is as if it were not there");
  }
  std::vector<std::string> keys;
  for (const auto& [name, value] : context.values)
    keys.push_back(name);
  return notFound(fmt::format("the context has no key \"{}\"", key), didYouMean(key, keys));
}

std::variant<store::ContextWrite, Failure> readReplace(std::string_view body) {
  auto members = readMembers(body, {"values", "expectedVersion"});
  if (auto* failure = std::get_if<Failure>(&members)) return std::move(*failure);
  auto& found = std::get<Members>(members);
  store::ReplaceContext replace;
  if (!found.contains("values")) return missing("values", "an object, the whole context");
  auto values = splitObject(found["values"]);
  if (!values) return invalid(values.error().message, "/values");
  replace.values = std::move(values).value();
  if (const auto version = found.find("expectedVersion"); version != found.end()) {
    const auto number = parseInt(version->second);
    if (!number || *number < 0) {
      return invalid(fmt::format("expectedVersion: found {}, wanted a version as GET answers it", version->second),
                     "/expectedVersion");
    }
    replace.expected_version = *number;
  }
  return store::ContextWrite{std::move(replace)};
}

std::variant<store::ContextWrite, Failure> readPatch(std::string_view body) {
  auto members = readMembers(body, {"changes"});
  if (auto* failure = std::get_if<Failure>(&members)) return std::move(*failure);
  auto& found = std::get<Members>(members);
  if (!found.contains("changes")) return missing("changes", "an object of keys with their new values");
  auto changes = splitObject(found["changes"]);
  if (!changes) return invalid(changes.error().message, "/changes");
  store::PatchContext patch;
  for (auto& [key, value] : *changes)
    patch.changes[key] = value == "null" ? std::nullopt : std::optional(std::move(value));
  return store::ContextWrite{std::move(patch)};
}

std::variant<NewEntryAsked, Failure> readNewEntry(std::string_view body) {
  auto members = readMembers(body, {"text", "contentType"});
  if (auto* failure = std::get_if<Failure>(&members)) return std::move(*failure);
  auto& found = std::get<Members>(members);
  NewEntryAsked asked;
  const auto text = found.contains("text") ? textOf(found["text"]) : std::nullopt;
  if (!text || text->empty()) return missing("text", "a text that is not empty");
  if (text->size() > kEntryBytesMax) {
    return Failure{.code = std::string(codeName(Code::TooLarge)),
                   .detail = fmt::format("text: {} bytes, at most {} are kept", text->size(), kEntryBytesMax),
                   .field = "/text"};
  }
  asked.text = *text;
  if (found.contains("contentType")) {
    const auto type = textOf(found["contentType"]);
    if (type != "text" && type != "markdown") {
      return invalid(fmt::format("contentType: found {}, wanted \"text\" or \"markdown\"", found["contentType"]),
                     "/contentType");
    }
    asked.content_type = *type;
  }
  return asked;
}

}  // namespace longhaul::host::admin
