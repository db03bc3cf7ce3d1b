// What the fake server keeps: incidents, entries, context, last run and idempotency keys in memory, with the rules of
// longhaul/server.h: all or nothing, versions that only grow, keys that make a request count once. Values and rules
// only: no lock, no failure to order; FakeServer has both.
#ifndef LONGHAUL_SDK_TESTING_FAKE_STORE_HPP
#define LONGHAUL_SDK_TESTING_FAKE_STORE_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhaul/sdk/outcome.hpp"
#include "longhaul/sdk/testing/json_rules.hpp"
#include "longhaul/sdk/values.hpp"

namespace longhaul::testing {

struct StoredIncident {
  std::string id;
  std::string name;
  std::string type;      // empty: absent
  std::string severity;  // as JSON: "0.5"
  std::string json;      // the whole incident as it came
};

struct StoredEntry {
  std::string id;  // "17@42"
  std::string incident_id;
  std::string text;  // with its footer
  std::string content_type;
  std::string username;
  std::string email;
};

// What a call gives: the result, or the sentence of its failure.
struct Answer {
  Status status = Status::kOk;
  std::string text;
  std::int64_t version = 0;
};

// The parts of one transaction, as longhaul_commit_t with typed entries beside.
struct StoreRequest {
  std::string_view call;
  std::string_view incidents;
  std::string_view entries;
  std::string_view patch_context;
  std::string_view last_run;
  std::string_view idempotency_key;
};

class FakeStore {
 public:
  std::vector<StoredIncident> incidents;
  std::vector<StoredEntry> entries;
  std::map<std::string, std::string> context;  // key → JSON text
  std::int64_t context_version = 0;
  std::string last_run = "{}";

  std::string contextObject() const { return detail::joinJsonObject(context); }

  std::string addIncident(StoredIncident incident) {
    incident.id = std::to_string(incidents.size() + 1);
    incidents.push_back(std::move(incident));
    return incidents.back().id;
  }

  // createIncidents and commit; `warnings` takes the keys that nobody knows.
  Answer commit(const StoreRequest& request, std::vector<std::string>& warnings) {
    std::vector<StoredIncident> new_incidents;
    std::vector<StoredEntry> new_entries;
    auto values = context;
    if (request.incidents.data() != nullptr || request.call == "createIncidents")
      if (auto bad = readIncidents(request.incidents, new_incidents, warnings)) return *bad;
    if (request.entries.data() != nullptr)
      if (auto bad = readEntries(request.entries, new_incidents.size(), new_entries)) return *bad;
    if (request.patch_context.data() != nullptr)
      if (auto bad = patched(request.patch_context, values)) return *bad;
    if (request.last_run.data() != nullptr)
      if (auto bad = checkLastRun(request.last_run)) return *bad;
    std::string whole(request.call);
    for (const auto part : {request.incidents, request.entries, request.patch_context, request.last_run})
      whole.append(1, part.data() == nullptr ? '-' : '+').append(std::to_string(part.size())).append(part);
    if (auto known = lookUp(request.idempotency_key, whole)) return *known;

    if (request.patch_context.data() != nullptr) replaceContext(std::move(values));
    if (request.last_run.data() != nullptr) last_run = request.last_run;
    std::string created = "[";
    const std::size_t first_incident = incidents.size();
    for (StoredIncident& incident : new_incidents) {
      if (created.size() > 1) created += ',';
      const std::string name = incident.name;
      created += "{\"id\":\"" + addIncident(std::move(incident)) + "\",\"name\":" + quoteJson(name) + "}";
    }
    created += ']';
    std::string ids = "[";
    for (StoredEntry& entry : new_entries) {
      if (entry.incident_id.front() == '#')
        entry.incident_id = std::to_string(first_incident + std::stoul(entry.incident_id.substr(1)) + 1);
      if (ids.size() > 1) ids += ',';
      ids += quoteJson(append(std::move(entry)));
    }
    ids += ']';
    if (request.call != "createIncidents")
      created = "{\"incidents\":" + created + ",\"entries\":" + ids +
                ",\"contextVersion\":" + std::to_string(context_version) + "}";
    return remember(request.idempotency_key, whole, created);
  }

  Answer addEntry(StoredEntry entry, std::string_view footer, std::string_view idempotency_key) {
    if (auto bad = checkEntry(entry, footer)) return *bad;
    std::string whole = "addEntry";
    for (const auto& part : {entry.incident_id, entry.text, entry.content_type, entry.username, entry.email})
      whole.append(std::to_string(part.size())).append(1, ':').append(part);
    if (auto known = lookUp(idempotency_key, whole)) return *known;
    return remember(idempotency_key, whole, append(std::move(entry)));
  }

  // version -1: whatever is there.
  Answer setContext(std::string_view object, std::int64_t version) {
    std::map<std::string, std::string> values;
    if (auto bad = readContext(object, values)) return *bad;
    if (version < -1) return {Status::kInvalid, "version is " + std::to_string(version) + ", -1 or more is wanted", 0};
    if (version != -1 && version != context_version)
      return {Status::kConflict,
              "the context has version " + std::to_string(context_version) + ", not " + std::to_string(version), 0};
    replaceContext(std::move(values));
    return {Status::kOk, {}, context_version};
  }

  Answer patchContext(std::string_view object) {
    auto values = context;
    if (auto bad = patched(object, values)) return *bad;
    replaceContext(std::move(values));
    return {Status::kOk, {}, context_version};
  }

  Answer mergeContext(std::string_view key, std::string_view list, std::string_view id_field) {
    auto values = context;
    std::string& value = values[std::string(key)];
    std::string error;
    if (!mergeLists(value, list, id_field, error)) return {Status::kInvalid, error, 0};
    if (auto bad = checkContextSize(values)) return *bad;
    replaceContext(std::move(values));
    return {Status::kOk, {}, context_version};
  }

  Answer setLastRun(std::string_view object) {
    if (auto bad = checkLastRun(object)) return *bad;
    last_run = object;
    return {};
  }

 private:
  using Bad = std::optional<Answer>;

  static constexpr std::size_t kIncidentNameBytesMax = 4096;

  static Answer invalid(std::string text) { return {Status::kInvalid, std::move(text), 0}; }
  static Answer tooLarge(const std::string& what, std::size_t size, std::size_t most) {
    return {Status::kTooLarge, what + ": " + std::to_string(size) + ", at most " + std::to_string(most) + " are taken",
            0};
  }

  Bad lookUp(std::string_view key, const std::string& request) const {
    if (key.data() == nullptr) return {};
    if (key.empty()) return invalid("the idempotency key is empty");
    if (key.size() > LONGHAUL_IDEMPOTENCY_KEY_BYTES_MAX)
      return tooLarge("bytes of the idempotency key", key.size(), LONGHAUL_IDEMPOTENCY_KEY_BYTES_MAX);
    const auto found = keys_.find(key);
    if (found == keys_.end()) return {};
    if (found->second.first != request)
      return Answer{Status::kMismatch, "the key \"" + std::string(key) + "\" was used with another request", 0};
    return Answer{Status::kReplayed, found->second.second, 0};
  }
  Answer remember(std::string_view key, const std::string& request, const std::string& result) {
    if (key.data() != nullptr) keys_[std::string(key)] = {request, result};
    return {Status::kOk, result, 0};
  }

  std::string append(StoredEntry entry) {
    entry.id = std::to_string(entries.size() + 1) + "@" + entry.incident_id;
    entries.push_back(std::move(entry));
    return entries.back().id;
  }

  void replaceContext(std::map<std::string, std::string> values) {
    context = std::move(values);
    ++context_version;
  }

  static Bad readIncidents(std::string_view json, std::vector<StoredIncident>& out,
                           std::vector<std::string>& warnings) {
    std::string error;
    std::vector<std::string_view> elements;
    if (!splitStrict(json, elements, "incidents", error)) return invalid(error);
    if (elements.empty()) return invalid("incidents is empty, 1 to 1000 are wanted");
    if (elements.size() > LONGHAUL_INCIDENTS_PER_CALL_MAX)
      return tooLarge("incidents", elements.size(), LONGHAUL_INCIDENTS_PER_CALL_MAX);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      StoredIncident& incident = out.emplace_back();
      incident.json = elements[i];
      IncidentRules rules;
      if (!rules.read(elements[i], error)) return invalid("incident " + std::to_string(i + 1) + ": " + error);
      if (rules.name.size() > kIncidentNameBytesMax)
        return tooLarge("bytes of the name of incident " + std::to_string(i + 1), rules.name.size(),
                        kIncidentNameBytesMax);
      incident.name = std::move(rules.name);
      incident.type = std::move(rules.type);
      incident.severity = std::move(rules.severity);
      for (const std::string& key : rules.unknown_keys)
        warnings.push_back("createIncidents: unknown key \"" + key + "\" is kept as it is");
    }
    return {};
  }

  // Entries of a commit. Of one that belongs to a new incident incident_id is "#" and the index for now.
  Bad readEntries(std::string_view json, std::size_t new_incidents, std::vector<StoredEntry>& out) const {
    std::string error;
    std::vector<std::string_view> elements;
    if (!splitStrict(json, elements, "add_entries", error)) return invalid(error);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      StoredEntry entry;
      std::string footer;
      std::int64_t index = -1;
      const std::string where = "entry " + std::to_string(i + 1) + ": ";
      std::vector<detail::JsonMember> members;
      if (!detail::splitJsonObject(elements[i], members)) return invalid(where + "an object is wanted");
      for (const detail::JsonMember& member : members) {
        if (member.value == "null") continue;
        std::string* text = member.key == "incidentId"    ? &entry.incident_id
                            : member.key == "entry"       ? &entry.text
                            : member.key == "contentType" ? &entry.content_type
                            : member.key == "username"    ? &entry.username
                            : member.key == "email"       ? &entry.email
                            : member.key == "footer"      ? &footer
                                                          : nullptr;
        if (text != nullptr && !detail::decodeJsonString(member.value, *text))
          return invalid(where + member.key + " has to be a string");
        if (member.key == "incidentIndex" && (!detail::readNumber(member.value, index) || index < 0))
          return invalid(where + "incidentIndex has to be a whole number from 0");
      }
      if (index < 0 && entry.incident_id.empty())
        return invalid(where + "one of incidentId and incidentIndex is wanted");
      if (index >= 0 && static_cast<std::size_t>(index) >= new_incidents)
        return invalid(where + "incidentIndex is " + std::to_string(index) + " of " + std::to_string(new_incidents));
      if (index >= 0) entry.incident_id = "#" + std::to_string(index);
      if (auto bad = checkEntry(entry, footer)) {
        bad->text.insert(0, where);
        return bad;
      }
      out.push_back(std::move(entry));
    }
    return {};
  }

  Bad checkEntry(StoredEntry& entry, std::string_view footer) const {
    if (entry.content_type.empty()) entry.content_type = "text";
    if (entry.content_type != "text" && entry.content_type != "markdown")
      return invalid("contentType is \"" + entry.content_type + "\", \"text\" or \"markdown\" is wanted");
    if (entry.text.empty()) return invalid("the entry is empty");
    entry.text.append(footer);
    if (entry.text.size() > LONGHAUL_ENTRY_BYTES_MAX)
      return tooLarge("bytes of the entry", entry.text.size(), LONGHAUL_ENTRY_BYTES_MAX);
    if (entry.incident_id.front() == '#') return {};
    std::int64_t number = 0;
    if (!detail::readNumber(entry.incident_id, number) || number < 1)
      return invalid("incidentId is \"" + entry.incident_id + "\", a decimal id is wanted");
    if (static_cast<std::size_t>(number) > incidents.size())
      return Answer{Status::kNotFound, "there is no incident " + entry.incident_id, 0};
    return {};
  }

  static Bad readContext(std::string_view object, std::map<std::string, std::string>& out) {
    std::string error;
    std::vector<detail::JsonMember> members;
    if (!splitStrict(object, members, "the context", error)) return invalid(error);
    for (detail::JsonMember& member : members)
      out[std::move(member.key)] = member.value;
    return checkContextSize(out);
  }
  static Bad patched(std::string_view object, std::map<std::string, std::string>& values) {
    std::string error;
    std::vector<detail::JsonMember> members;
    if (!splitStrict(object, members, "the patch of the context", error)) return invalid(error);
    for (detail::JsonMember& member : members) {
      if (member.value == "null") {
        values.erase(member.key);
      } else {
        values[std::move(member.key)] = member.value;
      }
    }
    return checkContextSize(values);
  }
  static Bad checkContextSize(const std::map<std::string, std::string>& values) {
    std::size_t whole = 0;
    for (const auto& [key, value] : values) {
      if (value.size() > LONGHAUL_CONTEXT_VALUE_BYTES_MAX)
        return tooLarge("bytes of the value of \"" + key + "\"", value.size(), LONGHAUL_CONTEXT_VALUE_BYTES_MAX);
      whole += key.size() + value.size();
    }
    if (whole > LONGHAUL_CONTEXT_BYTES_MAX) return tooLarge("bytes of the context", whole, LONGHAUL_CONTEXT_BYTES_MAX);
    return {};
  }
  static Bad checkLastRun(std::string_view object) {
    std::string error;
    std::vector<detail::JsonMember> members;
    if (!splitStrict(object, members, "the last run", error)) return invalid(error);
    if (object.size() > LONGHAUL_LAST_RUN_BYTES_MAX)
      return tooLarge("bytes of the last run", object.size(), LONGHAUL_LAST_RUN_BYTES_MAX);
    return {};
  }

  std::map<std::string, std::pair<std::string, std::string>, std::less<>> keys_;  // key → request, result
};

}  // namespace longhaul::testing

#endif
