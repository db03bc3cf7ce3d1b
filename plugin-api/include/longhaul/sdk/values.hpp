// What goes into server calls and comes out of them, as C++ values; and JSON text for those who have no JSON library.
// Any thread.
//
// In the arguments a std::string_view that was never set (data() is null) is absent; one of size 0 is an empty text.
#ifndef LONGHAUL_SDK_VALUES_HPP
#define LONGHAUL_SDK_VALUES_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/sdk/detail/json_object.hpp"
#include "longhaul/types.h"

namespace longhaul {

// The text as a JSON string with its quotes. It takes any bytes; what is not UTF-8 becomes U+FFFD.
using detail::quoteJson;

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
