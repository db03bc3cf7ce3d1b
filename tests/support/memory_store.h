// The fake of the disk's seam: Store and StoreReader over plain maps, written apart from the real one so that the
// contract suite and the random comparison hold both to the same promises. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "host/store/store.h"

namespace longhaul::host::test {

class MemoryStore final : public store::Store, public store::StoreReader {
 public:
  std::vector<store::WriteResult> apply(std::span<const store::Write> batch) override;

  Result<std::vector<store::InstanceRecord>> instances() override;
  Result<store::Context> context(InstanceId instance) override;
  Result<store::LastRun> lastRun(InstanceId instance) override;
  Result<store::Page<store::Incident>> incidents(const store::IncidentQuery& query) override;
  Result<store::Incident> incident(IncidentId id) override;
  Result<store::Page<store::Entry>> entries(IncidentId incident, std::int64_t after_id, std::size_t limit) override;
  Result<std::vector<store::Death>> deaths(InstanceId instance, std::size_t limit) override;
  Result<std::vector<store::Health>> healthHistory(InstanceId instance, std::size_t limit) override;
  Result<std::vector<store::ContextSnapshot>> contextSnapshots(InstanceId instance) override;
  Result<store::ContextSnapshot> contextSnapshot(InstanceId instance, std::int64_t id) override;
  Result<std::int64_t> incidentCount() override;
  Result<store::IncidentCounts> incidentCounts(std::int64_t now_us) override;
  Result<std::vector<store::RolloutRecord>> rollouts() override;
  Result<store::Page<store::User>> users(std::string_view after_username, std::size_t limit) override;
  Result<std::optional<store::User>> user(const store::UserRef& ref) override;
  Result<std::optional<store::User>> userById(UserId id) override;
  Result<std::optional<store::User>> userByIdentity(const store::Identity& identity) override;
  Result<store::Page<store::AuditRecord>> audit(const store::AuditQuery& query) override;
  Result<std::vector<store::Token>> tokens() override;
  Result<std::optional<store::Token>> tokenByHash(std::string_view hash) override;
  Result<std::optional<store::Entitlement>> entitlement(std::string_view guid) override;
  Result<store::Page<store::Entitlement>> entitlements(const store::EntitlementQuery& query) override;
  Result<std::vector<store::Mirror>> mirrors(const store::MirrorQuery& query) override;
  Result<std::vector<store::User>> investigationUsers(IncidentId incident) override;
  Result<store::IndicatorPage> indicators(const store::IndicatorQuery& query) override;

  // The next `count` batches fail whole with `error`, as a commit that did not reach the disk.
  void failBatches(std::size_t count, Error error);
  // The next `count` reads of mirrors and questions fail with `error`.
  void failReads(std::size_t count, Error error);
  // The stored value fails its checksum from now on, until it is written again.
  void damageContext(InstanceId instance, const std::string& key);

 private:
  struct Key {
    std::string request_hash;
    store::Committed result;
  };
  struct Instance {
    store::InstanceRecord record;
    std::int64_t worker_schema = 0;
    store::ContextMap context;
    std::set<std::string> damaged;
    store::LastRun last_run;
    std::vector<store::Death> deaths;  // oldest first, as the next two
    std::vector<store::Health> health;
    std::vector<store::ContextSnapshot> snapshots;
    std::map<std::string, Key> keys;
  };

  store::WriteResult perform(const store::CommitWrite& write);
  store::WriteResult perform(const store::PutInstance& write);
  store::WriteResult perform(const store::SetEnabled& write);
  store::WriteResult perform(const store::SetOrphaned& write);
  store::WriteResult perform(const store::RemoveInstance& write);
  store::WriteResult perform(const store::Fence& write);
  store::WriteResult perform(const store::AddDeath& write);
  store::WriteResult perform(const store::CompleteDeath& write);
  store::WriteResult perform(const store::SetLastGood& write);
  store::WriteResult perform(const store::RewriteConfig& write);
  store::WriteResult perform(const store::PutRollout& write);
  store::WriteResult perform(const store::SetIncidentStatus& write);
  store::WriteResult perform(const store::SetIncidentOwner& write);
  store::WriteResult perform(const store::PutUser& write);
  store::WriteResult perform(const store::RemoveUser& write);
  store::WriteResult perform(const store::AddAudit& write);
  store::WriteResult perform(const store::EndAudit& write);
  store::WriteResult perform(const store::AbandonAudits& write);
  store::WriteResult perform(const store::PruneAudit& write);
  store::WriteResult perform(const store::AddToken& write);
  store::WriteResult perform(const store::RevokeToken& write);
  store::WriteResult perform(const store::MarkEntitlement& write);
  store::WriteResult perform(const store::AdvanceMirror& write);
  store::WriteResult perform(const store::EndMirror& write);
  Result<void> checkConversation(const store::CommitWrite& write) const;
  void writeConversation(const store::CommitWrite& write, const store::Committed& result);
  void writeIndicators(const store::CommitWrite& write, store::Committed& result);
  const store::User* findUser(const store::UserRef& ref) const;
  const store::User* findNamed(std::string_view username) const;
  Result<void> checkNames(const store::User& user, const store::User* old) const;
  const store::User* findIdentity(const store::Identity& identity) const;
  Result<store::ContextMap> changedContext(const Instance& instance, const store::CommitWrite& write,
                                           store::ContextChange& change);
  void fenceContext(Instance& instance, const store::Fence& write, store::Fenced& result);
  void addDeath(Instance& instance, store::Death death);
  store::Context contextOf(const Instance& instance) const;
  Instance* find(InstanceId id);

  std::mutex mutex_;  // guards all below
  std::map<InstanceId, Instance> instances_;
  std::map<IncidentId, store::Incident> incidents_;
  std::map<EntryId, store::Entry> entries_;
  std::map<std::string, store::User> users_;      // by username
  std::map<std::string, std::string> rollouts_;   // by plugin
  std::vector<store::AuditRecord> audit_;         // oldest first, ids without gaps
  std::vector<store::Token> tokens_;              // oldest first, ids from 1 without gaps
  std::vector<store::Entitlement> entitlements_;  // likewise
  std::map<std::pair<IncidentId, InstanceId>, store::Mirror> mirrors_;
  std::vector<store::Indicator> indicators_;  // likewise
  std::int64_t last_user_ = 0;
  std::int64_t last_audit_ = 0;
  std::int64_t last_instance_ = 0;
  std::int64_t last_incident_ = 0;
  std::int64_t last_entry_ = 0;
  std::int64_t last_death_ = 0;
  std::int64_t last_snapshot_ = 0;
  std::size_t reads_to_fail_ = 0;
  Error read_failure_;
  std::size_t batches_to_fail_ = 0;
  Error failure_;
};

}  // namespace longhaul::host::test
