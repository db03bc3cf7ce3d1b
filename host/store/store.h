// The seam of the disk: what keeps instances, incidents, entries, contexts and ends. Two halves with a thread each: a
// Store applies batches of writes on the writer thread, a StoreReader answers lists and searches on the reader thread
// with a connection of its own, so that neither waits for the other. SqliteStore is the real one, MemoryStore
// (tests/support) the fake; tests/contract runs the same cases on both.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/store/incident_counts.h"
#include "host/store/values.h"

namespace longhaul::host::store {

class Store {
 public:
  virtual ~Store() = default;

  // Applies the batch in one transaction, in order, a savepoint each: a write that fails leaves nothing and spoils no
  // other. One result a write, in order. When the commit itself fails, every result of the batch is that error and
  // nothing of it is in the store. After apply() returned, what succeeded is durable.
  virtual std::vector<WriteResult> apply(std::span<const Write> batch) = 0;

  // Housekeeping in one bounded step; the executor calls it on the writer thread when nothing is queued. True: there is
  // more to do.
  virtual bool maintain() { return false; }
};

// Reads see at least everything that was applied before the call began.
class StoreReader {
 public:
  virtual ~StoreReader() = default;

  virtual Result<std::vector<InstanceRecord>> instances() = 0;  // by name
  virtual Result<Context> context(InstanceId instance) = 0;     // no such instance: NOT_FOUND
  virtual Result<LastRun> lastRun(InstanceId instance) = 0;
  virtual Result<Page<Incident>> incidents(const IncidentQuery& query) = 0;
  virtual Result<Incident> incident(IncidentId id) = 0;
  // Oldest first, ids above `after_id`.
  virtual Result<Page<Entry>> entries(IncidentId incident, std::int64_t after_id, std::size_t limit) = 0;
  virtual Result<std::vector<Death>> deaths(InstanceId instance, std::size_t limit) = 0;          // newest first
  virtual Result<std::vector<Health>> healthHistory(InstanceId instance, std::size_t limit) = 0;  // newest first
  // Newest first, without their values.
  virtual Result<std::vector<ContextSnapshot>> contextSnapshots(InstanceId instance) = 0;
  virtual Result<ContextSnapshot> contextSnapshot(InstanceId instance, std::int64_t id) = 0;  // or NOT_FOUND
  virtual Result<std::int64_t> incidentCount() = 0;
  virtual Result<IncidentCounts> incidentCounts(std::int64_t now_us) = 0;
  virtual Result<std::vector<RolloutRecord>> rollouts() = 0;  // by plugin

  virtual Result<Page<User>> users(std::string_view after_username, std::size_t limit) = 0;  // by username
  virtual Result<std::optional<User>> user(const UserRef& ref) = 0;                          // nothing: no error
  virtual Result<std::optional<User>> userById(UserId id) = 0;
  virtual Result<std::optional<User>> userByIdentity(const Identity& identity) = 0;
  virtual Result<Page<AuditRecord>> audit(const AuditQuery& query) = 0;
  virtual Result<std::vector<Token>> tokens() = 0;  // oldest first, with those that are revoked
  virtual Result<std::optional<Token>> tokenByHash(std::string_view hash) = 0;

  virtual Result<std::optional<Entitlement>> entitlement(std::string_view guid) = 0;
  virtual Result<Page<Entitlement>> entitlements(const EntitlementQuery& query) = 0;
  virtual Result<std::vector<Mirror>> mirrors(const MirrorQuery& query) = 0;  // by incident, instance
  // Who takes part in an incident: its owner, and who wrote entries. By username, at most kInvestigationUsersMax.
  virtual Result<std::vector<User>> investigationUsers(IncidentId incident) = 0;
  virtual Result<IndicatorPage> indicators(const IndicatorQuery& query) = 0;
};

}  // namespace longhaul::host::store
