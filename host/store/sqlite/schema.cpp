#include "host/store/sqlite/schema.h"

#include <fmt/format.h>

#include <array>

#include "host/base/text.h"
#include "host/store/sqlite/backup.h"

namespace longhaul::host::store {
namespace {

// What changes with each write stands apart from what is large or rarely changes: a row is rewritten whole.
//
// Incidents and entries have no AUTOINCREMENT, which costs a second table's page in each commit. The writer counts on
// from the highest id, without gaps; the triggers keep that right when rows are deleted, by whomever, and make the
// number of incidents the highest id less the deleted.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('host_id',
  lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||substr(hex(randomblob(2)),2)||'-a'||
        substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6))));

CREATE TABLE sequences(name TEXT PRIMARY KEY, floor INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO sequences VALUES('incidents', 0), ('incidents_deleted', 0), ('entries', 0), ('incident_blocks', 0);

CREATE TABLE instances(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, plugin TEXT NOT NULL, enabled INTEGER NOT NULL,
  orphaned INTEGER NOT NULL, config TEXT NOT NULL, grants TEXT NOT NULL, owner INTEGER NOT NULL, source TEXT NOT NULL,
  config_revision INTEGER NOT NULL, digest TEXT NOT NULL, last_good_digest TEXT, last_good_revision INTEGER,
  last_good_grants TEXT, last_good_config TEXT, created_at_us INTEGER NOT NULL) STRICT;

CREATE TABLE states(
  instance INTEGER PRIMARY KEY, generation INTEGER NOT NULL, context_version INTEGER NOT NULL,
  context_bytes INTEGER NOT NULL, context_keys INTEGER NOT NULL, context_schema INTEGER NOT NULL,
  worker_schema INTEGER NOT NULL) STRICT;

CREATE TABLE last_runs(
  instance INTEGER PRIMARY KEY, object TEXT NOT NULL, version INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT;

CREATE TABLE context(
  instance INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL,
  generation INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(instance, key)) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots(
  id INTEGER PRIMARY KEY AUTOINCREMENT, instance INTEGER NOT NULL, digest TEXT NOT NULL, generation INTEGER NOT NULL,
  version INTEGER NOT NULL, state_schema INTEGER NOT NULL, at_us INTEGER NOT NULL) STRICT;
CREATE INDEX snapshots_instance ON snapshots(instance);
CREATE TABLE snapshot_values(
  snapshot INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, checksum INTEGER NOT NULL,
  PRIMARY KEY(snapshot, key)) STRICT, WITHOUT ROWID;

CREATE TABLE incidents(
  id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, severity REAL NOT NULL,
  status TEXT NOT NULL, occurred_at_us INTEGER NOT NULL, created_at_us INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TRIGGER incident_ids AFTER DELETE ON incidents BEGIN
  UPDATE sequences SET floor = max(floor, OLD.id) WHERE name = 'incidents';
  UPDATE sequences SET floor = floor + 1 WHERE name = 'incidents_deleted';
END;
CREATE TABLE incident_blocks(
  field INTEGER NOT NULL, value ANY NOT NULL, block INTEGER NOT NULL, ids BLOB NOT NULL,
  PRIMARY KEY(field, value, block)) STRICT, WITHOUT ROWID;

CREATE TABLE entries(
  id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, instance INTEGER NOT NULL, created_at_us INTEGER NOT NULL,
  author TEXT NOT NULL, content_type TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX entries_incident ON entries(incident);
CREATE TRIGGER entry_ids AFTER DELETE ON entries BEGIN
  UPDATE sequences SET floor = max(floor, OLD.id) WHERE name = 'entries';
END;

CREATE TABLE idempotency(
  instance INTEGER NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, result TEXT NOT NULL,
  at_us INTEGER NOT NULL, PRIMARY KEY(instance, key)) STRICT, WITHOUT ROWID;

CREATE TABLE deaths(
  id INTEGER PRIMARY KEY AUTOINCREMENT, instance INTEGER NOT NULL, generation INTEGER NOT NULL, at_us INTEGER NOT NULL,
  exit_class TEXT NOT NULL, card TEXT NOT NULL) STRICT;
CREATE INDEX deaths_instance ON deaths(instance);

CREATE TABLE health(
  id INTEGER PRIMARY KEY AUTOINCREMENT, instance INTEGER NOT NULL, at_us INTEGER NOT NULL, state TEXT NOT NULL,
  text TEXT NOT NULL, events_pulled INTEGER NOT NULL, assets_pulled INTEGER NOT NULL) STRICT;
CREATE INDEX health_instance ON health(instance);
)sql";

// People and what they do. An incident's owner moves out of its body, where it could not be looked for. The indexes on
// it are partial: what has no owner, as most that plugins create, costs no further page in a commit.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE incidents ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN close_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN closed_at_us INTEGER NOT NULL DEFAULT 0;
UPDATE incidents SET owner = json_extract(body, '$.owner'), body = json_remove(body, '$.owner')
  WHERE body LIKE '%"owner"%' AND json_valid(body) AND json_type(body, '$.owner') = 'text';
CREATE INDEX incidents_owner ON incidents(owner) WHERE owner <> '';
CREATE INDEX incidents_owner_status ON incidents(owner, status) WHERE owner <> '';

ALTER TABLE health ADD COLUMN passing INTEGER NOT NULL DEFAULT 0;

ALTER TABLE entries ADD COLUMN user TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN tags TEXT NOT NULL DEFAULT '';

CREATE TABLE users(
  id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL UNIQUE, name TEXT NOT NULL, email TEXT NOT NULL,
  phone TEXT NOT NULL, role TEXT NOT NULL, created_at_us INTEGER NOT NULL) STRICT;
CREATE TABLE identities(
  provider TEXT NOT NULL, value TEXT NOT NULL, user INTEGER NOT NULL, PRIMARY KEY(provider, value))
  STRICT, WITHOUT ROWID;
CREATE INDEX identities_user ON identities(user);

CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL,
  act TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, outcome TEXT NOT NULL) STRICT;
CREATE INDEX audit_actor ON audit(actor);
CREATE INDEX audit_target ON audit(target);

CREATE TABLE tokens(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL,
  created_by TEXT NOT NULL, created_at_us INTEGER NOT NULL, expires_at_us INTEGER NOT NULL,
  revoked_at_us INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX tokens_name ON tokens(name) WHERE revoked_at_us = 0;

CREATE TABLE entitlements(
  id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT NOT NULL UNIQUE, incident INTEGER NOT NULL, task_id TEXT NOT NULL,
  instance INTEGER NOT NULL, asked TEXT NOT NULL, message TEXT NOT NULL, options TEXT NOT NULL, reply TEXT NOT NULL,
  default_response TEXT NOT NULL, asked_by TEXT NOT NULL, created_at_us INTEGER NOT NULL,
  expires_at_us INTEGER NOT NULL, remind_at_us INTEGER NOT NULL, sent_at_us INTEGER NOT NULL,
  reminded_at_us INTEGER NOT NULL, state INTEGER NOT NULL, answered_by TEXT NOT NULL, answered_at_us INTEGER NOT NULL,
  answer TEXT NOT NULL, entry INTEGER NOT NULL) STRICT;
CREATE INDEX entitlements_incident ON entitlements(incident);
CREATE INDEX entitlements_asked ON entitlements(asked, state);
CREATE INDEX entitlements_state ON entitlements(state);

CREATE TABLE mirrors(
  incident INTEGER NOT NULL, instance INTEGER NOT NULL, type INTEGER NOT NULL, direction INTEGER NOT NULL,
  auto_close INTEGER NOT NULL, sent_entry INTEGER NOT NULL, created_at_us INTEGER NOT NULL,
  PRIMARY KEY(incident, instance)) STRICT, WITHOUT ROWID;
CREATE INDEX mirrors_instance ON mirrors(instance);

CREATE TABLE indicators(
  id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL, type TEXT NOT NULL, score INTEGER NOT NULL,
  body TEXT NOT NULL, created_at_us INTEGER NOT NULL, modified_at_us INTEGER NOT NULL, instance INTEGER NOT NULL,
  UNIQUE(value, type)) STRICT;
CREATE INDEX indicators_type ON indicators(type);
CREATE INDEX indicators_created ON indicators(created_at_us);
)sql";

// Names are looked for without case. Not unique: a store from before may have two that differ in case only.
constexpr const char* kVersion3 = R"sql(
CREATE INDEX users_name ON users(username COLLATE NOCASE);
)sql";

// What became of each plugin's releases.
constexpr const char* kVersion4 = R"sql(
CREATE TABLE rollouts(plugin TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<Migration, 4> kMigrations{{{1, kVersion1}, {2, kVersion2}, {3, kVersion3}, {4, kVersion4}}};

Result<std::int64_t> number(Connection& connection, const char* pragma) {
  auto text = connection.pragma(pragma);
  if (!text) return std::move(text).error();
  return parseInt(*text).value_or(0);
}

Result<bool> isEmpty(Connection& connection) {
  Query query(connection, "SELECT count(*) FROM sqlite_schema");
  if (!query.next()) return query.failed() ? query.error() : Error{Code::Internal, "the schema could not be read"};
  return query.integer(0) == 0;
}

Result<void> applyStep(Connection& connection, const Migration& step) {
  const std::string sql =
      fmt::format("BEGIN IMMEDIATE; {}; PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT", step.sql,
                  kApplicationId, step.version);
  auto done = connection.execute(sql);
  if (done) return {};
  connection.rollback();
  return withContext(fmt::format("the step to schema {} was undone", step.version), std::move(done).error());
}

}  // namespace

std::span<const Migration> migrations() {
  return kMigrations;
}

Result<void> migrate(Connection& connection, std::span<const Migration> steps) {
  const auto application = number(connection, "application_id");
  if (!application) return application.error();
  const auto version = number(connection, "user_version");
  if (!version) return version.error();
  const auto empty = isEmpty(connection);
  if (!empty) return empty.error();
  const std::string& path = connection.path().native();
  if (!*empty && *application != kApplicationId) {
    return Error{Code::Invalid, fmt::format("{} is a database of another program. Move it away, or name another state "
                                            "directory",
                                            path)};
  }
  const std::int64_t newest = steps.empty() ? 0 : steps.back().version;
  if (*version > newest) {
    return Error{Code::Invalid,
                 fmt::format("the store {} has schema {}, and this longhaul knows schemas up to {}: run the "
                             "newer longhaul that wrote it, or put a backup from before in its place. "
                             "Nothing was changed",
                             path, *version, newest)};
  }
  if (!*empty && *version < newest) {
    if (auto copied = backUp(connection, fmt::format("{}.schema-{}.bak", path, *version)); !copied) {
      return withContext(fmt::format("the store {} needs a new schema, and the backup before it failed", path),
                         std::move(copied).error());
    }
  }
  for (const auto& step : steps) {
    if (step.version <= *version) continue;
    if (auto done = applyStep(connection, step); !done) return done;
  }
  return {};
}

}  // namespace longhaul::host::store
