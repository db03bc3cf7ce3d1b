// The values that go into and come out of the store: plain structs, no behaviour. JSON stays text here; who made it has
// checked it. Times are microseconds since 1970 UTC. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/base/ids.h"
#include "host/base/result.h"
#include "host/store/conversations.h"
#include "host/store/indicators.h"
#include "host/store/people.h"

namespace longhaul::host::store {

// ---------------------------------------------------------------- what is kept

// Who may change an instance: the file that names it, or the API.
enum class Owner : std::uint8_t { File, Api };

// What an instance runs: the file of the plugin, the revision of its configuration, the grants approved.
struct Target {
  Digest digest;                     // empty: none yet
  std::int64_t config_revision = 0;  // grows with each change of plugin, config or grants
  std::string grants;                // JSON object as in the manifest
  bool operator==(const Target&) const = default;
};

struct InstanceRecord {
  InstanceId id;
  std::string name;       // unique
  std::string plugin;     // the manifest's id
  bool enabled = false;   // run-time state: the file gives only the first value
  bool orphaned = false;  // its file no longer names it
  std::string config;     // JSON object: longRunning, parameters, restart, limits … as validated
  Owner owner = Owner::Api;
  std::string source;               // the file that owns it; empty for Api
  Target target;                    // what was last made current or was asked for
  std::optional<Target> last_good;  // what last reached READY
  std::string last_good_config;     // config as it was at last_good's revision: what to go back to
  Generation generation;            // of the newest worker made current; 0: none ever
  std::int64_t context_version = 0;
  std::int64_t last_run_version = 0;
  std::int64_t state_schema = 0;  // the manifest's stateSchema under which the context was written
  std::int64_t created_at_us = 0;
};

// What became of a plugin's releases, whatever instances it has: which one counts, which is being tried, which are bad.
struct RolloutRecord {
  std::string plugin;  // the manifest's id
  std::string record;  // JSON object (lifecycle's Rollout)
};

using ContextMap = std::map<std::string, std::string>;  // key → JSON text

struct Context {
  std::int64_t version = 0;
  ContextMap values;
  std::vector<std::string> quarantined_keys;  // rows whose checksum did not hold: never returned as values
};

struct LastRun {
  std::int64_t version = 0;
  std::string object = "{}";  // JSON object
  bool quarantined = false;   // the stored one failed its checksum, and `object` is not it
};

// The context as it was when a worker with another digest, or with another stateSchema, was made current.
struct ContextSnapshot {
  std::int64_t id = 0;
  InstanceId instance;
  Digest digest;          // of the plugin before
  Generation generation;  // the last that may have written it
  std::int64_t version = 0;
  std::int64_t state_schema = 0;
  std::int64_t at_us = 0;
  std::size_t keys_count = 0;
  std::size_t bytes = 0;                           // of keys and values
  ContextMap values = {};                          // without rows that were quarantined then; empty in a list
  std::vector<std::string> quarantined_keys = {};  // of its own rows: what has failed its checksum since
};

struct Incident {
  IncidentId id;
  InstanceId instance;
  std::string instance_name;  // empty once the instance was removed
  std::string name;
  std::string type;
  double severity = 0;  // 0, 0.5, 1, 2, 3, 4
  std::string status;   // "active" or "closed"
  std::int64_t occurred_at_us = 0;
  std::int64_t created_at_us = 0;
  std::string body;        // JSON object: everything else that came with it (details, labels, rawJSON …)
  std::string owner = {};  // a username, or what the sender wrote; empty: nobody
  std::string close_reason = {};
  std::int64_t closed_at_us = 0;  // 0: it is not closed
};

struct Entry {
  EntryId id;
  IncidentId incident;
  InstanceId instance;  // who added it; 0: an operator
  std::int64_t created_at_us = 0;
  std::string author;        // user name, or the instance's name
  std::string content_type;  // "text" or "markdown"
  std::string text;
  std::string user = {};  // the username of the author, where it was known; empty: not a user
  std::vector<std::string> tags = {};
};

// How a worker ended. `card` is the crash card, a JSON object.
struct Death {
  DeathId id;
  InstanceId instance;
  Generation generation;  // 0: it never became current
  std::int64_t at_us = 0;
  std::string exit_class;  // "signal", "error"… (lifecycle's names)
  std::string card;
};

struct Health {
  std::int64_t at_us = 0;
  std::string state;  // "healthy", "warning", "error"
  std::string text;
  std::int64_t events_pulled = 0;
  std::int64_t assets_pulled = 0;
  bool passing = false;  // an error or warning that the next counters clear
};

// ---------------------------------------------------------------- what is written

struct NewIncident {
  std::string name;
  std::string type;
  double severity = 0;
  std::int64_t occurred_at_us = 0;
  std::string body;
  std::string owner = {};
};

// The incident is one that exists, or the n-th of the same write.
struct NewEntry {
  std::variant<IncidentId, std::size_t> incident;
  std::string author;
  std::string content_type;
  std::string text;
  UserRef user = {};  // who wrote it; the store looks for the user when it writes
  std::vector<std::string> tags = {};
};

// What happens to an incident. It stays where it is in every list; what it was before is not kept.
struct SetIncidentStatus {
  IncidentId incident;
  std::string status;  // "active" or "closed"
  std::string close_reason = {};
  std::int64_t at_us = 0;  // when it was closed
};
struct SetIncidentOwner {
  IncidentId incident;
  std::string owner;  // a username; empty: nobody
};

struct ReplaceContext {
  ContextMap values;
  std::optional<std::int64_t> expected_version;  // other version in the store: CONFLICT, nothing written
};
struct PatchContext {
  std::map<std::string, std::optional<std::string>> changes;  // nullopt removes the key
};
// As mergeIntegrationContext in plugin-api/include/longhaul/server.h.
struct MergeContext {
  std::string key;
  std::string list;  // JSON array of objects
  std::string id_field;
};
using ContextWrite = std::variant<ReplaceContext, PatchContext, MergeContext>;

// Everything that a worker (or, with generation 0, an operator) can ask to be stored: all of it or nothing.
struct CommitWrite {
  InstanceId instance;          // 0: an operator's own: no key, context, last run or health in it
  Generation generation;        // must equal the stored one, else FENCED; 0: an operator's write, not fenced
  std::string idempotency_key;  // empty: none
  std::string request_hash;     // with a key: SHA-256 of the request; another one under the same key: MISMATCH
  std::int64_t at_us = 0;       // stamps what is created
  std::vector<NewIncident> incidents;
  std::vector<NewEntry> entries;
  std::vector<SetIncidentStatus> statuses;
  std::vector<SetIncidentOwner> owners;
  std::optional<Entitlement> question;  // its id, state and answer are not looked at
  std::optional<AnswerEntitlement> answer;
  std::optional<SetMirror> mirror;  // only of an instance
  std::vector<NewIndicator> indicators;
  std::optional<ContextWrite> context;
  std::optional<std::string> last_run;
  std::optional<Health> health;
  std::optional<PersonAct> act;
  std::size_t context_bytes_max = 0;  // 0: the default limit; over it TOO_LARGE
};

// A new instance, or new configuration of the one with this name.
struct PutInstance {
  std::string name;
  std::string plugin;
  std::string config;
  std::string grants;
  Owner owner = Owner::Api;
  std::string source;
  bool first_enabled = false;  // only where the instance is new
  std::int64_t at_us = 0;
};
struct SetEnabled {
  InstanceId instance;
  bool enabled = false;
};
struct SetOrphaned {
  InstanceId instance;
  bool orphaned = false;
};
// Removes the instance with its context, keys, health and deaths. Its incidents and entries stay.
struct RemoveInstance {
  InstanceId instance;
};
// Allots the next generation (the fence). `death` is the end of the worker before, in the same transaction.
// With another digest than the stored target's, or another schema than the context's, the context is snapshotted first.
// With a lower schema than the context's, the newest snapshot of that schema becomes the context, under a new version.
// The schema of a context that holds something changes otherwise with its first write under the new generation, not
// here: a migration that fails leaves the old one standing. An empty one is of every form, and becomes the worker's.
// The record's config_revision never goes back: fencing an older target changes the digest only.
struct Fence {
  InstanceId instance;
  Target target;  // of the worker that becomes current
  std::int64_t state_schema = 0;
  std::optional<Death> death;
  std::int64_t at_us = 0;
};
struct AddDeath {
  Death death;
};
// The card of an end that is stored, with more on it. Of one that is no longer kept: nothing.
struct CompleteDeath {
  InstanceId instance;
  Generation generation;  // these three say which
  std::int64_t at_us = 0;
  std::string card;
};
struct SetLastGood {
  InstanceId instance;
  Target target;
};

// The texts of an instance's configurations anew, where they still are what they were: another writing of the same
// configuration (secrets encrypted with another key), so the revision stays. Else CONFLICT, nothing written.
struct RewriteConfig {
  InstanceId instance;
  std::string config_before;
  std::string config;
  std::string last_good_before;
  std::string last_good;
};

// The whole record of one plugin anew; an empty one takes it away.
struct PutRollout {
  RolloutRecord rollout;
};

using Write = std::variant<CommitWrite, PutInstance, SetEnabled, SetOrphaned, RemoveInstance, Fence, AddDeath,
                           CompleteDeath, SetLastGood, RewriteConfig, PutRollout, SetIncidentStatus, SetIncidentOwner,
                           PutUser, RemoveUser, AddAudit, EndAudit, AbandonAudits, PruneAudit, AddToken, RevokeToken,
                           MarkEntitlement, AdvanceMirror, EndMirror>;

// ---------------------------------------------------------------- what a write gives

// What changed in a context: keys with their new JSON text, nullopt: removed. `whole`: keys not named are gone.
struct ContextChange {
  std::int64_t version = 0;
  bool whole = false;
  std::map<std::string, std::optional<std::string>> changes;
};

struct Committed {
  bool replayed = false;              // nothing was written; the rest is the stored result
  std::vector<IncidentId> incidents;  // in the order of the request
  std::vector<EntryId> entries;
  std::vector<IncidentId> entry_incidents;      // incident of each entry
  std::vector<IndicatorId> indicators;          // in the order of the request
  std::optional<ContextChange> context;         // never on a replay
  std::optional<std::int64_t> context_version;  // also on a replay, when the request wrote the context
  std::optional<LastRun> last_run;              // never on a replay
};
struct InstancePut {
  InstanceRecord record;
  bool created = false;
  bool changed = false;  // false: it was the same already, and config_revision stayed
};
// What a fence put in place of the context.
struct RestoredContext {
  std::int64_t snapshot = 0;
  std::int64_t version = 0;       // that the context had when it was taken
  std::int64_t at_us = 0;         // when that was
  std::int64_t kept = 0;          // the snapshot that has what was there until now
  std::int64_t kept_schema = 0;   // under which that was written
  std::int64_t kept_version = 0;  // of the context until now
  bool operator==(const RestoredContext&) const = default;
};
// The state as it is at the end of the fence's transaction: what the new worker is given.
struct Fenced {
  Generation generation;
  Context context;
  LastRun last_run;
  std::int64_t state_schema = 0;  // under which the context was written
  std::optional<RestoredContext> restored = {};
};
struct Done {};

using WriteValue = std::variant<Done, Committed, InstancePut, Fenced, UserPut, Added, Pruned>;
using WriteResult = Result<WriteValue>;

// ---------------------------------------------------------------- what is read

struct IncidentQuery {
  std::optional<InstanceId> instance;
  std::optional<std::string> status;
  std::optional<std::string> type;
  std::optional<std::string> owner;       // not empty
  std::optional<std::int64_t> before_id;  // cursor, newest first: ids below it
  std::optional<std::int64_t> after_id;   // cursor, oldest first: ids above it
  std::size_t limit = 0;                  // 0: kPageRowsDefault; at most kPageRowsMax
};

template <class Row>
struct Page {
  std::vector<Row> rows;
  bool more = false;  // rows were left beyond the limit
};

}  // namespace longhaul::host::store
