// The payload of each kind of message. `encode` appends the payload to a string; `decode` gives views into the payload,
// or false when it is not exactly this message. What a text means is checked by who uses it. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/protocol/frame.h"

namespace longhaul::host::protocol {

using OptionalText = std::optional<std::string_view>;

struct Hello {
  std::uint32_t protocol_version = kProtocolVersion;
  std::uint32_t abi_version = 0;  // of the headers that the worker was built with
  std::uint32_t pid = 0;
};

struct Loaded {
  std::uint32_t abi_version = 0;             // of the plugin's descriptor
  std::vector<std::string_view> extensions;  // ids for which the plugin gave a table, of those the host knows
};

struct Parameter {
  std::string_view name;
  std::string_view value;  // a string as its text, anything else as JSON: what parameter() gives
};
struct ContextValue {
  std::string_view key;
  OptionalText value;  // JSON text; absent: removed
};
struct ListenerAt {
  std::uint32_t fd = 0;  // in the worker, from its spawn
  std::string_view name;
};

struct Start {
  std::int64_t generation = 0;
  std::int64_t context_version = 0;
  std::int64_t last_run_version = 0;
  std::uint64_t context_bytes_max = 0;
  std::uint32_t signals_ready = 0;  // 1: the plugin says ready() itself
  std::uint32_t one_shot = 0;       // 1: create and commands, without the loop, until Stop
  std::int64_t context_schema = 0;  // the stateSchema under which the context was written
  std::int64_t state_schema = 0;    // of the plugin's manifest; another one: migrate before create
  std::string_view instance;        // its name
  std::string_view params;          // JSON object
  std::string_view last_run;        // JSON object
  std::string_view version;         // JSON object: demistoVersion
  std::string_view urls;            // JSON object: demistoUrls
  std::string_view license_id;
  std::vector<Parameter> parameters;
  std::vector<ContextValue> context;
  std::vector<ListenerAt> listeners;
};

struct Stop {
  std::uint32_t timeout_ms = 0;
};

struct Bye {
  std::int32_t status = 0;  // what longRunningExecution returned
  std::string_view text;    // with a failure: why
};

// Where a worker ended that could say so.
enum class Stage : std::uint32_t {
  Load = 1,
  Entry = 2,
  Descriptor = 3,
  Create = 4,
  Protocol = 5,
  Confine = 6,
  Migrate = 7
};

struct Failed {
  std::uint32_t stage = 0;
  std::int32_t status = 0;
  std::string_view text;
};

struct ContextChange {
  std::int64_t version = 0;
  std::uint32_t whole = 0;  // 1: keys not named are gone
  std::vector<ContextValue> changes;
};

struct ContextApplied {
  std::int64_t version = 0;
};

struct Extend {
  std::uint32_t timeout_ms = 0;
};

struct Execute {
  std::uint64_t id = 0;  // the host's, given back by CommandDone
  std::uint32_t is_test = 0;
  std::uint32_t deadline_ms = 0;
  std::string_view name;       // empty for the test
  std::string_view arguments;  // JSON object
  std::string_view context;    // JSON object
};

struct CommandDone {
  std::uint64_t id = 0;
  std::int32_t status = 0;  // what the plugin returned
  std::uint32_t said = 0;   // 1: it put a result
  std::string_view text;    // the result, or with a failure what is wrong
};

// ---------------------------------------------------------------- calls: see longhaul/server.h for their arguments

struct CreateIncidents {
  std::string_view incidents;
  OptionalText last_run, patch_context, idempotency_key, user_id;
};
struct AddEntry {
  std::string_view incident_id, entry;
  OptionalText content_type, username, email, footer, idempotency_key;
};
struct UpdateModuleHealth {
  std::int32_t is_error = 0;
  std::string_view data;
};
// Also of migrateContext, which names the version that was migrated.
struct SetIntegrationContext {
  std::int64_t version = -1;  // -1: whatever is there
  std::string_view object;
};
struct PatchIntegrationContext {
  std::string_view object;
};
struct MergeIntegrationContext {
  std::string_view key, list, id_field;
};
struct SetLastRun {
  std::string_view object;
};
struct Commit {
  OptionalText create_incidents, add_entries, patch_context, last_run, idempotency_key;
};

struct FindUser {
  std::string_view username, email;
};
struct HandleEntitlement {
  std::string_view incident_id, guid, email, content;
  OptionalText task_id;
};
struct MirrorInvestigation {
  std::uint32_t auto_close = 0;
  std::string_view incident_id, mirror_type;
};
struct DirectMessage {
  std::uint32_t anyone_can_open_incidents = 0;
  std::string_view message;
  OptionalText username, email, idempotency_key;
};
struct CreateIndicators {
  std::string_view indicators;
};
struct SearchIndicators {
  std::string_view query;
};

// Payload of a reply with status >= 0. With status < 0 the payload is the error's text and nothing else.
struct Reply {
  std::int64_t context_version = 0;   // 0: the context did not change
  std::int64_t last_run_version = 0;  // 0: the last run did not change
  std::uint32_t whole = 0;            // as ContextChange
  std::string_view result;            // what the call's sink gets
  OptionalText last_run;              // with a last_run_version
  std::vector<ContextValue> changes;  // with a context_version
};

#define LONGHAUL_MESSAGE(Type)                        \
  void encode(const Type& message, std::string& out); \
  bool decode(std::string_view payload, Type& message)

LONGHAUL_MESSAGE(Hello);
LONGHAUL_MESSAGE(Loaded);
LONGHAUL_MESSAGE(Start);
LONGHAUL_MESSAGE(Stop);
LONGHAUL_MESSAGE(Bye);
LONGHAUL_MESSAGE(Failed);
LONGHAUL_MESSAGE(ContextChange);
LONGHAUL_MESSAGE(ContextApplied);
LONGHAUL_MESSAGE(Extend);
LONGHAUL_MESSAGE(Execute);
LONGHAUL_MESSAGE(CommandDone);
LONGHAUL_MESSAGE(CreateIncidents);
LONGHAUL_MESSAGE(AddEntry);
LONGHAUL_MESSAGE(UpdateModuleHealth);
LONGHAUL_MESSAGE(SetIntegrationContext);
LONGHAUL_MESSAGE(PatchIntegrationContext);
LONGHAUL_MESSAGE(MergeIntegrationContext);
LONGHAUL_MESSAGE(SetLastRun);
LONGHAUL_MESSAGE(Commit);
LONGHAUL_MESSAGE(FindUser);
LONGHAUL_MESSAGE(HandleEntitlement);
LONGHAUL_MESSAGE(MirrorInvestigation);
LONGHAUL_MESSAGE(DirectMessage);
LONGHAUL_MESSAGE(CreateIndicators);
LONGHAUL_MESSAGE(SearchIndicators);
LONGHAUL_MESSAGE(Reply);

#undef LONGHAUL_MESSAGE

}  // namespace longhaul::host::protocol
