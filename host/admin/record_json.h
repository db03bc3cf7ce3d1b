// The JSON forms of what the store keeps beside instances: incidents, entries, contexts, ends, and the cursors of their
// lists (docs/API.md). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/answer.h"
#include "host/base/json.h"
#include "host/store/incident_counts.h"
#include "host/store/values.h"

namespace longhaul::host::admin {

// `fields`: with everything that came with it.
Json toJson(const store::Incident& incident, bool fields);
Json toJson(const store::Entry& entry);
Json toJson(const store::IncidentCounts& counts);
Json toJson(const store::ContextSnapshot& snapshot);  // without its values
// Of ends that are all that is kept, newest first, the first `limit` with how often each was seen: those with its
// fingerprint, and the first of them.
Json toJson(const std::vector<store::Death>& deaths, std::size_t limit);

// Texts and not values: numbers in a context keep their digits.
std::string contextText(const store::Context& context);
std::string snapshotText(const store::ContextSnapshot& snapshot);
// The value of one key; NOT_FOUND with the nearest key.
Answer contextValueText(const store::Context& context, const std::string& key);

// `{"values": {…}, "expectedVersion": 5}` and `{"changes": {"key": …}}`.
std::variant<store::ContextWrite, Failure> readReplace(std::string_view body);
std::variant<store::ContextWrite, Failure> readPatch(std::string_view body);

struct NewEntryAsked {
  std::string text;
  std::string content_type = "text";
};
// `{"text": "…", "contentType": "text"}`
std::variant<NewEntryAsked, Failure> readNewEntry(std::string_view body);

// "42", decimal and above 0.
std::optional<std::int64_t> parseId(std::string_view text);
// Of a text that is no incident's id.
Failure unknownIncident(std::string_view id);
Failure unknownSnapshot(std::string_view id);

}  // namespace longhaul::host::admin
