// What goes into server calls and comes out of them, as C++ values; and JSON text for those who have no JSON library.
// Any thread.
//
// In the arguments a std::string_view that was never set (data() is null) is absent; one of size 0 is an empty text.
#ifndef LONGHAUL_SDK_VALUES_HPP
#define LONGHAUL_SDK_VALUES_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/sdk/detail/json_object.hpp"
#include "longhaul/sdk/json.hpp"
#include "longhaul/server.h"
#include "longhaul/types.h"

namespace longhaul {

// XSOAR's severities; on the wire 0, 0.5, 1, 2, 3, 4.
enum class Severity { kUnknown, kInformational, kLow, kMedium, kHigh, kCritical };

struct Label {
  std::string type;
  std::string value;
};

// One incident to create. Empty members are left out. Texts may hold any bytes, as quoteJson.
struct Incident {
  std::string name;  // required
  std::string type;
  Severity severity = Severity::kUnknown;
  std::string occurred;  // RFC 3339; the time of the call if empty
  std::string details;
  std::string owner;
  std::vector<Label> labels;
  std::string raw_json;       // a text; JSON by custom
  std::string custom_fields;  // the JSON text of an object
  std::string dbot_mirror_id;
};

namespace detail {

inline longhaul_text_t textOf(std::string_view text) noexcept {
  return {text.data(), text.size()};
}
inline std::string_view viewOf(longhaul_text_t text) noexcept {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

inline void appendIncident(std::string& out, const Incident& incident) {
  static constexpr std::string_view kSeverities[] = {"0", "0.5", "1", "2", "3", "4"};
  const auto text = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    out.append(",\"").append(key).append("\":");
    appendJsonString(out, value);
  };
  out.append("{\"name\":");
  appendJsonString(out, incident.name);
  text("type", incident.type);
  out.append(",\"severity\":").append(kSeverities[static_cast<std::size_t>(incident.severity)]);
  text("occurred", incident.occurred);
  text("details", incident.details);
  text("owner", incident.owner);
  if (!incident.labels.empty()) {
    out.append(",\"labels\":[");
    for (const Label& label : incident.labels) {
      if (&label != &incident.labels.front()) out.push_back(',');
      out.append("{\"type\":");
      appendJsonString(out, label.type);
      out.append(",\"value\":");
      appendJsonString(out, label.value);
      out.push_back('}');
    }
    out.push_back(']');
  }
  text("rawJSON", incident.raw_json);
  if (!incident.custom_fields.empty()) out.append(",\"CustomFields\":").append(incident.custom_fields);
  text("dbotMirrorId", incident.dbot_mirror_id);
  out.push_back('}');
}

}  // namespace detail

// The JSON array that createIncidents and commit take.
inline std::string toJson(const std::vector<Incident>& incidents) {
  std::string out = "[";
  for (const Incident& incident : incidents) {
    if (out.size() > 1) out.push_back(',');
    detail::appendIncident(out, incident);
  }
  out.push_back(']');
  return out;
}

struct CreateOptions {
  std::string_view last_run;         // a JSON object: the last run from now on, in the same transaction
  std::string_view patch_context;    // a JSON object: as patchIntegrationContext, in the same transaction
  std::string_view idempotency_key;  // the same key and request within 24 h: done once, the stored ids again
  std::string_view user_id;          // who opens them: the id or user name of a user
};

struct EntryOptions {
  std::string_view content_type;  // "text" (default) or "markdown"
  std::string_view username;
  std::string_view email;
  std::string_view footer;
  std::string_view idempotency_key;
};

// The parts of one transaction; each may be absent.
struct Commit {
  std::string_view create_incidents;  // a JSON array, see toJson
  std::string_view
      add_entries;  // a JSON array of {incidentId | incidentIndex, entry, contentType, username, email, footer}
  std::string_view patch_context;
  std::string_view last_run;
  std::string_view idempotency_key;
};

struct CreatedIncident {
  std::string id;
  std::string name;
};

struct CommitResult {
  std::vector<CreatedIncident> incidents;
  std::vector<std::string> entries;  // "17@42"
  std::int64_t context_version = 0;
};

struct VersionedContext {
  std::string object;  // a JSON object
  std::int64_t version = 0;
};

// Somebody whom the host knows.
struct User {
  std::string id;
  std::string username;
  std::string name;
  std::string email;
  std::string phone;
  std::vector<std::string> roles;  // "read", "operate", "admin"
};

// The right to answer one question once; all views are borrowed until the call returns.
struct Entitlement {
  std::string_view incident_id;
  std::string_view guid;
  std::string_view task_id;  // absent, or what stood behind the |
};

// Takes "guid@incident|task" apart, as send-notification brings it; the views look into the text. Nothing for another
// form.
inline std::optional<Entitlement> parseEntitlement(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  Entitlement out;
  out.guid = text.substr(0, at);
  out.incident_id = text.substr(at + 1);
  if (const std::size_t bar = out.incident_id.find('|'); bar != std::string_view::npos) {
    out.task_id = out.incident_id.substr(bar + 1);
    out.incident_id = out.incident_id.substr(0, bar);
  }
  if (out.incident_id.empty()) return std::nullopt;
  return out;
}

struct MessageOptions {
  std::string_view username;  // who wrote it: user name or chat id; one of the two is there
  std::string_view email;
  bool anyone_can_open_incidents = false;
  std::string_view idempotency_key;  // the same message is obeyed once
};

// What updateModuleHealth's text means.
enum class HealthKind : std::int32_t {
  kNeutral = LONGHAUL_HEALTH_NEUTRAL,
  kError = LONGHAUL_HEALTH_ERROR,  // stands until the next text
  kWarning = LONGHAUL_HEALTH_WARNING,
  kPassingError = LONGHAUL_HEALTH_PASSING_ERROR,  // the next counters clear it
};

// For updateModuleHealth: what the last fetch brought.
struct Pulled {
  std::int64_t events = 0;
  std::int64_t assets = 0;
};

namespace detail {

inline bool readNumber(std::string_view text, std::int64_t& out) noexcept {
  std::uint64_t number = 0;
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 18) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  out = negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
  return true;
}

// [{"id", "name"}…]; false if the host answered something else.
inline bool readCreated(std::string_view json, std::vector<CreatedIncident>& out) {
  std::vector<std::string_view> elements;
  if (!splitJsonArray(json, elements)) return false;
  std::vector<JsonMember> members;
  for (const std::string_view element : elements) {
    if (!splitJsonObject(element, members)) return false;
    CreatedIncident& incident = out.emplace_back();
    for (const JsonMember& member : members) {
      if (member.key == "id" && !decodeJsonString(member.value, incident.id)) return false;
      if (member.key == "name" && !decodeJsonString(member.value, incident.name)) return false;
    }
    if (incident.id.empty()) return false;
  }
  return true;
}

// One user; false if the host answered something else. The role stands in {"roles": {"demisto": [role]}}.
inline bool readUser(std::string_view json, User& out) {
  std::vector<JsonMember> members;
  if (!splitJsonObject(json, members)) return false;
  out.id = jsonMember(json, "id").value_or("");
  out.username = jsonMember(json, "username").value_or("");
  out.name = jsonMember(json, "name").value_or("");
  out.email = jsonMember(json, "email").value_or("");
  out.phone = jsonMember(json, "phone").value_or("");
  const auto roles = jsonMember(json, "roles");
  const auto names = roles ? jsonMember(*roles, "demisto") : std::nullopt;
  if (names)
    for (const std::string& role : jsonElements(*names))
      out.roles.push_back(jsonText(role));
  return true;
}

// A user, or null.
inline bool readFoundUser(std::string_view json, std::optional<User>& out) {
  if (json == "null") return out.reset(), true;
  return readUser(json, out.emplace());
}

// [{"email", "username"}…]
inline bool readUsers(std::string_view json, std::vector<User>& out) {
  std::vector<std::string_view> elements;
  if (!splitJsonArray(json, elements)) return false;
  for (const std::string_view element : elements)
    if (!readUser(element, out.emplace_back())) return false;
  return true;
}

// {"incidents", "entries", "contextVersion"}
inline bool readCommit(std::string_view json, CommitResult& out) {
  std::vector<JsonMember> members;
  std::vector<std::string_view> entries;
  if (!splitJsonObject(json, members)) return false;
  for (const JsonMember& member : members) {
    if (member.key == "incidents" && !readCreated(member.value, out.incidents)) return false;
    if (member.key == "contextVersion" && !readNumber(member.value, out.context_version)) return false;
    if (member.key != "entries") continue;
    if (!splitJsonArray(member.value, entries)) return false;
    for (const std::string_view entry : entries)
      if (!decodeJsonString(entry, out.entries.emplace_back())) return false;
  }
  return true;
}

}  // namespace detail
}  // namespace longhaul

#endif
