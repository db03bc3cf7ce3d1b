// What the areas of the server API offer to server_api.cpp: each turns the arguments of a call into part of a write, or
// refuses with a sentence. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/protocol/messages.h"
#include "host/store/values.h"

namespace longhaul::host::services {

using Warn = std::function<void(const std::string& text)>;

// A JSON array of 1 to kIncidentsPerCallMax incidents. `now_us` where one does not say when it occurred.
Result<std::vector<store::NewIncident>> readIncidents(std::string_view json, std::int64_t now_us, const Warn& warn);

// Whose call it is, kept while a call waits.
struct CallerFacts {
  InstanceId instance;
  Generation generation;
  std::string name;
  std::string plugin;  // the provider of its chat's identities
};

// "42", as ids are outside.
Result<IncidentId> readIncidentId(std::string_view text);

// One entry as addEntry gives it.
Result<store::NewEntry> readEntry(const protocol::AddEntry& call, const CallerFacts& caller);
// commit's list; `incident_count`: how many incidents the same commit creates.
Result<std::vector<store::NewEntry>> readEntries(std::string_view json, std::size_t incident_count,
                                                 const CallerFacts& caller);
// "17@42"
std::string entryIdText(EntryId entry, IncidentId incident);

Result<store::ReplaceContext> readContext(std::string_view object, std::int64_t version);
Result<store::PatchContext> readPatch(std::string_view object);
Result<store::MergeContext> readMerge(const protocol::MergeIntegrationContext& call);
Result<std::string> readLastRun(std::string_view object);

// What updateModuleHealth makes of the health that is there. Nothing: it stays as it is, so nothing is written.
Result<std::optional<store::Health>> readHealth(const protocol::UpdateModuleHealth& call,
                                                const std::optional<store::Health>& before, std::int64_t now_us);

// {"id", "username", "name", "email", "phone", "roles": {"demisto": […]}}
Json userJson(const store::User& user);
Result<store::UserRef> readUserRef(const protocol::FindUser& call, const CallerFacts& caller);

// The answer to a question with its entry.
Result<void> readAnswer(const protocol::HandleEntitlement& call, const CallerFacts& caller, store::CommitWrite& write);

// "all:both", "chat:FromDemisto", "none"; without case.
Result<store::SetMirror> readMirror(const protocol::MirrorInvestigation& call);
std::string_view mirrorTypeName(store::MirrorType type);
std::string_view mirrorDirectionName(store::MirrorDirection direction);

Result<std::vector<store::NewIndicator>> readIndicators(std::string_view json);
Result<store::IndicatorQuery> readIndicatorQuery(std::string_view json, std::size_t& skip);
std::string indicatorsJson(const store::IndicatorPage& page, std::size_t skip);

// The reply to a write that was done: what changed, and `result` for the call's sink.
std::string encodeReply(const store::Committed& committed, std::string_view result);
// [{"id":"1","name":"…"}]
std::string incidentsJson(const std::vector<IncidentId>& ids, const std::vector<std::string>& names);

}  // namespace longhaul::host::services
