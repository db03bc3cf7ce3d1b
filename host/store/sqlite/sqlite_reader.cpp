#include "host/store/sqlite/sqlite_reader.h"

#include "host/base/limits.h"
#include "host/store/page_bytes.h"
#include "host/store/sqlite/audit.h"
#include "host/store/sqlite/conversations.h"
#include "host/store/sqlite/incident_counts.h"
#include "host/store/sqlite/incident_index.h"
#include "host/store/sqlite/indicators.h"
#include "host/store/sqlite/people.h"
#include "host/store/sqlite/rows.h"
#include "host/store/sqlite/snapshots.h"
#include "host/store/sqlite/texts.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

// Several statements see one state of the database.
class ReadTransaction {
 public:
  explicit ReadTransaction(Connection& connection) : connection_(connection), begun_(connection.execute("BEGIN")) {}
  ~ReadTransaction() { connection_.rollback(); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  const Result<void>& begun() const { return begun_; }

 private:
  Connection& connection_;
  Result<void> begun_;
};

}  // namespace

struct SqliteReader::State {
  std::unique_ptr<Connection> connection;
  DamageCount damage{0};

  // `read` inside one read transaction.
  template <class Read>
  auto atOnce(Read read) -> decltype(read(*connection)) {
    const ReadTransaction transaction(*connection);
    if (!transaction.begun()) return transaction.begun().error();
    return read(*connection);
  }
};

Result<std::unique_ptr<SqliteReader>> SqliteReader::open(const std::filesystem::path& path, const std::string& vfs) {
  auto connection = Connection::open(path, Connection::Mode::ReadOnly, vfs);
  if (!connection) return std::move(connection).error();
  if (auto set = (*connection)->execute("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY"); !set) {
    return std::move(set).error();
  }
  auto state = std::make_unique<State>();
  state->connection = *std::move(connection);
  return std::unique_ptr<SqliteReader>{new SqliteReader(std::move(state))};
}

SqliteReader::SqliteReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteReader::~SqliteReader() = default;

std::uint64_t SqliteReader::damagedRows() const {
  return state_->damage;
}

Result<std::vector<InstanceRecord>> SqliteReader::instances() {
  return readInstances(*state_->connection);
}

Result<Context> SqliteReader::context(InstanceId instance) {
  return state_->atOnce([&](Connection& connection) -> Result<Context> {
    const auto state = readState(connection, instance);
    if (!state) return state.error();
    return readContext(connection, instance, state->context_version, state_->damage);
  });
}

Result<LastRun> SqliteReader::lastRun(InstanceId instance) {
  return state_->atOnce([&](Connection& connection) -> Result<LastRun> {
    if (auto state = readState(connection, instance); !state) return std::move(state).error();
    return readLastRun(connection, instance, state_->damage);
  });
}

Result<Page<Incident>> SqliteReader::incidents(const IncidentQuery& query) {
  return state_->atOnce([&](Connection& connection) { return findIncidents(connection, query); });
}

Result<Incident> SqliteReader::incident(IncidentId id) {
  return readIncident(*state_->connection, id);
}

Result<Page<Entry>> SqliteReader::entries(IncidentId incident, std::int64_t after_id, std::size_t limit) {
  return state_->atOnce([&](Connection& connection) -> Result<Page<Entry>> {
    if (auto exists = readIncident(connection, incident); !exists) return std::move(exists).error();
    Page<Entry> page;
    const std::int64_t wanted = rowLimit(limit);
    Query row(
        connection,
        "SELECT id, instance, created_at_us, author, content_type, text, user, tags FROM entries WHERE incident = ? "
        "AND id > ? ORDER BY id LIMIT ?");
    row.bind(incident.value).bind(after_id).bind(wanted + 1);
    PageBytes bytes;
    while (row.next()) {
      if (static_cast<std::int64_t>(page.rows.size()) == wanted) {
        page.more = true;
        break;
      }
      page.rows.push_back({EntryId{row.integer(0)}, incident, InstanceId{row.integer(1)}, row.integer(2),
                           std::string{row.text(3)}, std::string{row.text(4)}, std::string{row.text(5)},
                           std::string{row.text(6)}, readTexts(row.text(7))});
      if (!bytes.spentBy(page.rows.back(), page.rows.size())) continue;
      page.rows.pop_back();
      page.more = true;
      break;
    }
    if (row.failed()) return row.error();
    return page;
  });
}

Result<std::vector<Death>> SqliteReader::deaths(InstanceId instance, std::size_t limit) {
  std::vector<Death> deaths;
  Query row(*state_->connection,
            "SELECT id, generation, at_us, exit_class, card FROM deaths WHERE instance = ? ORDER BY id DESC LIMIT ?");
  row.bind(instance.value).bind(rowLimit(limit));
  while (row.next()) {
    deaths.push_back({DeathId{row.integer(0)}, instance, Generation{row.integer(1)}, row.integer(2),
                      std::string{row.text(3)}, std::string{row.text(4)}});
  }
  if (row.failed()) return row.error();
  return deaths;
}

Result<std::vector<Health>> SqliteReader::healthHistory(InstanceId instance, std::size_t limit) {
  std::vector<Health> history;
  Query row(*state_->connection,
            "SELECT at_us, state, text, events_pulled, assets_pulled, passing FROM health WHERE instance = ? ORDER BY "
            "id DESC "
            "LIMIT ?");
  row.bind(instance.value).bind(rowLimit(limit));
  while (row.next()) {
    history.push_back({row.integer(0), std::string{row.text(1)}, std::string{row.text(2)}, row.integer(3),
                       row.integer(4), row.integer(5) != 0});
  }
  if (row.failed()) return row.error();
  return history;
}

Result<std::vector<ContextSnapshot>> SqliteReader::contextSnapshots(InstanceId instance) {
  return state_->atOnce([&](Connection& connection) { return readSnapshotSizes(connection, instance); });
}

Result<ContextSnapshot> SqliteReader::contextSnapshot(InstanceId instance, std::int64_t id) {
  return state_->atOnce([&](Connection& connection) { return readSnapshot(connection, instance, id, state_->damage); });
}

Result<std::int64_t> SqliteReader::incidentCount() {
  Query row(*state_->connection,
            "SELECT max(floor, coalesce((SELECT max(id) FROM incidents), 0)) - "
            "(SELECT floor FROM sequences WHERE name = 'incidents_deleted') FROM sequences WHERE name = 'incidents'");
  if (row.next()) return row.integer(0);
  return row.failed() ? row.error() : Error{Code::Internal, "the incidents could not be counted"};
}

Result<IncidentCounts> SqliteReader::incidentCounts(std::int64_t now_us) {
  return state_->atOnce([&](Connection& connection) -> Result<IncidentCounts> {
    const auto total = incidentCount();
    if (!total) return total.error();
    return countIncidents(connection, *total, now_us);
  });
}

Result<std::vector<RolloutRecord>> SqliteReader::rollouts() {
  std::vector<RolloutRecord> rows;
  Query row(*state_->connection, "SELECT plugin, record FROM rollouts ORDER BY plugin");
  while (row.next())
    rows.push_back({std::string{row.text(0)}, std::string{row.text(1)}});
  if (row.failed()) return row.error();
  return rows;
}

Result<Page<User>> SqliteReader::users(std::string_view after_username, std::size_t limit) {
  return state_->atOnce([&](Connection& connection) { return readUsers(connection, after_username, limit); });
}

Result<std::optional<User>> SqliteReader::user(const UserRef& ref) {
  return state_->atOnce([&](Connection& connection) { return findUser(connection, ref); });
}

Result<std::optional<User>> SqliteReader::userById(UserId id) {
  return state_->atOnce([&](Connection& connection) { return findUserById(connection, id); });
}

Result<std::optional<User>> SqliteReader::userByIdentity(const Identity& identity) {
  return state_->atOnce([&](Connection& connection) { return findUserByIdentity(connection, identity); });
}

Result<Page<AuditRecord>> SqliteReader::audit(const AuditQuery& query) {
  return readAudit(*state_->connection, query);
}

Result<std::vector<Token>> SqliteReader::tokens() {
  return readTokens(*state_->connection);
}

Result<std::optional<Token>> SqliteReader::tokenByHash(std::string_view hash) {
  return findToken(*state_->connection, hash);
}

Result<std::optional<Entitlement>> SqliteReader::entitlement(std::string_view guid) {
  return findEntitlement(*state_->connection, guid);
}

Result<Page<Entitlement>> SqliteReader::entitlements(const EntitlementQuery& query) {
  return readEntitlements(*state_->connection, query);
}

Result<std::vector<Mirror>> SqliteReader::mirrors(const MirrorQuery& query) {
  return readMirrors(*state_->connection, query);
}

Result<std::vector<User>> SqliteReader::investigationUsers(IncidentId incident) {
  return state_->atOnce([&](Connection& connection) { return readInvestigationUsers(connection, incident); });
}

Result<IndicatorPage> SqliteReader::indicators(const IndicatorQuery& query) {
  return state_->atOnce([&](Connection& connection) { return findIndicators(connection, query); });
}

}  // namespace longhaul::host::store
