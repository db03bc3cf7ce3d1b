// The StoreReader on a read-only connection of its own: lists and searches stall neither commits nor the loop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "host/store/store.h"

namespace longhaul::host::store {

// One thread at a time; damagedRows() from any.
class SqliteReader final : public StoreReader {
 public:
  // The database must have been opened by a SqliteStore before: it makes the file and its schema.
  static Result<std::unique_ptr<SqliteReader>> open(const std::filesystem::path& path, const std::string& vfs = {});
  ~SqliteReader() override;

  Result<std::vector<InstanceRecord>> instances() override;
  Result<Context> context(InstanceId instance) override;
  Result<LastRun> lastRun(InstanceId instance) override;
  Result<Page<Incident>> incidents(const IncidentQuery& query) override;
  Result<Incident> incident(IncidentId id) override;
  Result<Page<Entry>> entries(IncidentId incident, std::int64_t after_id, std::size_t limit) override;
  Result<std::vector<Death>> deaths(InstanceId instance, std::size_t limit) override;
  Result<std::vector<Health>> healthHistory(InstanceId instance, std::size_t limit) override;
  Result<std::vector<ContextSnapshot>> contextSnapshots(InstanceId instance) override;
  Result<ContextSnapshot> contextSnapshot(InstanceId instance, std::int64_t id) override;
  Result<std::int64_t> incidentCount() override;
  Result<IncidentCounts> incidentCounts(std::int64_t now_us) override;
  Result<std::vector<RolloutRecord>> rollouts() override;
  Result<Page<User>> users(std::string_view after_username, std::size_t limit) override;
  Result<std::optional<User>> user(const UserRef& ref) override;
  Result<std::optional<User>> userById(UserId id) override;
  Result<std::optional<User>> userByIdentity(const Identity& identity) override;
  Result<Page<AuditRecord>> audit(const AuditQuery& query) override;
  Result<std::vector<Token>> tokens() override;
  Result<std::optional<Token>> tokenByHash(std::string_view hash) override;
  Result<std::optional<Entitlement>> entitlement(std::string_view guid) override;
  Result<Page<Entitlement>> entitlements(const EntitlementQuery& query) override;
  Result<std::vector<Mirror>> mirrors(const MirrorQuery& query) override;
  Result<std::vector<User>> investigationUsers(IncidentId incident) override;
  Result<IndicatorPage> indicators(const IndicatorQuery& query) override;

  // Rows met with a wrong checksum.
  std::uint64_t damagedRows() const;

 private:
  struct State;
  explicit SqliteReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::store
