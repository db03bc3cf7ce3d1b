// War-room entries.

#include <fmt/format.h>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

Result<store::NewEntry> makeEntry(std::variant<IncidentId, std::size_t> incident, std::string_view text,
                                  std::string_view content_type, std::string_view username, std::string_view email,
                                  std::string_view footer, const CallerFacts& caller) {
  if (text.empty()) return Error{Code::Invalid, "entry: found an empty text, wanted one that says something"};
  if (text.size() + footer.size() > kEntryBytesMax) {
    return Error{Code::TooLarge, fmt::format("entry: {} bytes with its footer, at most {} are kept",
                                             text.size() + footer.size(), kEntryBytesMax)};
  }
  if (content_type.empty()) content_type = "text";
  if (content_type != "text" && content_type != "markdown") {
    return Error{Code::Invalid, fmt::format("content type: found \"{}\", wanted \"text\" or \"markdown\"",
                                            content_type.substr(0, 40))};
  }
  store::NewEntry entry;
  entry.incident = incident;
  entry.author = !username.empty() ? username : !email.empty() ? email : std::string_view{caller.name};
  entry.user = {std::string{username}, std::string{email}, caller.plugin};
  entry.content_type = content_type;
  entry.text = text;
  entry.text += footer;
  return entry;
}

Result<std::vector<std::string>> readTags(const Json& value) {
  if (!value.is_array() || value.size() > kEntryTagsMax) {
    return Error{Code::Invalid, fmt::format("tags: wanted an array of at most {} texts", kEntryTagsMax)};
  }
  std::vector<std::string> tags;
  for (const Json& tag : value) {
    if (!tag.is_string()) return Error{Code::Invalid, "tags: wanted an array of texts"};
    tags.push_back(tag.get<std::string>());
  }
  return tags;
}

}  // namespace

Result<IncidentId> readIncidentId(std::string_view text) {
  const auto number = parseInt(text);
  if (!number || *number <= 0) {
    return Error{Code::Invalid, fmt::format("incident id: found \"{}\", wanted a decimal number", text.substr(0, 40))};
  }
  return IncidentId{*number};
}

Result<store::NewEntry> readEntry(const protocol::AddEntry& call, const CallerFacts& caller) {
  const auto incident = readIncidentId(call.incident_id);
  if (!incident) return incident.error();
  return makeEntry(*incident, call.entry, call.content_type.value_or(""), call.username.value_or(""),
                   call.email.value_or(""), call.footer.value_or(""), caller);
}

Result<std::vector<store::NewEntry>> readEntries(std::string_view json, std::size_t incident_count,
                                                 const CallerFacts& caller) {
  auto parsed = parseJson(json);
  if (!parsed) return withContext("addEntries", std::move(parsed).error());
  if (!parsed->is_array()) return Error{Code::Invalid, "addEntries: wanted an array"};
  if (parsed->size() > kIncidentsPerCallMax) {
    return Error{Code::TooLarge,
                 fmt::format("{} entries in one call, at most {} are taken", parsed->size(), kIncidentsPerCallMax)};
  }
  std::vector<store::NewEntry> entries;
  for (const Json& each : *parsed) {
    const std::string where = fmt::format("entry {}", entries.size() + 1);
    if (!each.is_object()) return Error{Code::Invalid, where + ": wanted an object"};
    const auto text = [&](const char* key) -> std::string {
      const auto found = each.find(key);
      return found != each.end() && found->is_string() ? found->get<std::string>() : std::string{};
    };
    std::variant<IncidentId, std::size_t> incident;
    if (const auto index = each.find("incidentIndex"); index != each.end()) {
      if (!index->is_number_unsigned() || index->get<std::size_t>() >= incident_count) {
        return Error{Code::Invalid,
                     fmt::format("{}: incidentIndex: found {}, wanted a number below {}, the incidents of "
                                 "this commit",
                                 where, dumpJson(*index), incident_count)};
      }
      incident = index->get<std::size_t>();
    } else {
      const auto id = readIncidentId(text("incidentId"));
      if (!id) return withContext(where, id.error());
      incident = *id;
    }
    auto entry = makeEntry(incident, text("entry"), text("contentType"), text("username"), text("email"),
                           text("footer"), caller);
    if (!entry) return withContext(where, std::move(entry).error());
    if (const auto tags = each.find("tags"); tags != each.end() && !tags->is_null()) {
      auto read = readTags(*tags);
      if (!read) return withContext(where, std::move(read).error());
      entry->tags = *std::move(read);
    }
    entries.push_back(std::move(*entry));
  }
  return entries;
}

std::string entryIdText(EntryId entry, IncidentId incident) {
  return fmt::format("{}@{}", entry.value, incident.value);
}

}  // namespace longhaul::host::services
