#include "host/store/sqlite/commit_writes.h"

#include <sqlite3.h>

#include "host/base/limits.h"
#include "host/store/sqlite/audit.h"
#include "host/store/sqlite/context_writes.h"
#include "host/store/sqlite/conversations.h"
#include "host/store/sqlite/incident_index.h"
#include "host/store/sqlite/indicators.h"
#include "host/store/sqlite/people.h"
#include "host/store/sqlite/texts.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

Result<std::int64_t> nextId(Connection& connection, const char* sql) {
  Query row(connection, sql);
  if (row.next()) return row.integer(0) + 1;
  return row.failed() ? row.error() : Error{Code::Internal, "the store's table of sequences is damaged"};
}

// XSOAR's integrations clear at each turn, and then say what is still wrong: that is one change, in the history too.
constexpr std::int64_t kClearedForUs = 1'000'000;

// Takes back a clearing that this text follows directly. True: what was there before it is what is said now, and stays.
Result<bool> takeBackClearing(Connection& connection, InstanceId instance, const Health& now) {
  if (now.text.empty()) return false;
  Query row(connection,
            "SELECT id, at_us, state, text, events_pulled, assets_pulled, passing FROM health WHERE instance = ? "
            "ORDER BY id DESC LIMIT 2");
  row.bind(instance.value);
  if (!row.next()) return row.failed() ? Result<bool>(row.error()) : false;
  const auto same_counts = [&] { return row.integer(4) == now.events_pulled && row.integer(5) == now.assets_pulled; };
  if (!row.text(3).empty() || row.text(2) != "healthy" || !same_counts()) return false;
  if (now.at_us < row.integer(1) || now.at_us - row.integer(1) >= kClearedForUs) return false;
  const std::int64_t cleared = row.integer(0);
  if (!row.next()) return row.failed() ? Result<bool>(row.error()) : false;
  if (row.text(3).empty()) return false;  // nothing was cleared
  const bool stays =
      row.text(2) == now.state && row.text(3) == now.text && same_counts() && (row.integer(6) != 0) == now.passing;
  Query query(connection, "DELETE FROM health WHERE id = ?");
  if (!query.bind(cleared).run()) return query.error();
  return stays;
}

}  // namespace

Result<void> CommitWrites::load() {
  const auto incident = nextId(connection_,
                               "SELECT max(floor, coalesce((SELECT max(id) FROM incidents), 0)) FROM sequences "
                               "WHERE name = 'incidents'");
  if (!incident) return incident.error();
  const auto entry = nextId(connection_,
                            "SELECT max(floor, coalesce((SELECT max(id) FROM entries), 0)) FROM sequences "
                            "WHERE name = 'entries'");
  if (!entry) return entry.error();
  const auto blocks = indexedBlocks(connection_);
  if (!blocks) return blocks.error();
  next_ = {*incident, *entry};
  indexed_blocks_ = *blocks;
  return {};
}

Result<WriteValue> CommitWrites::perform(const CommitWrite& write) {
  if (auto checked = checkCommit(write); !checked) return std::move(checked).error();
  // An operator's write of no instance touches no instance's state.
  const auto state = write.instance ? readState(connection_, write.instance) : Result<InstanceState>(InstanceState{});
  if (!state) return state.error();
  if (write.generation && write.generation != state->generation) return fenced(write.generation, state->generation);
  if (!write.idempotency_key.empty()) {
    auto replay = idempotency_.find(write);
    if (!replay) return std::move(replay).error();
    if (*replay) return WriteValue{**std::move(replay)};
  }
  auto answered = findAnswer(connection_, write);
  if (!answered) return std::move(answered).error();
  if (*answered) return WriteValue{**std::move(answered)};
  Committed result;
  if (auto done = addIncidents(write, result); !done) return std::move(done).error();
  if (auto done = addEntries(write, result); !done) return std::move(done).error();
  if (auto done = changeIncidents(write); !done) return std::move(done).error();
  if (auto done = writeConversation(connection_, write, result); !done) return std::move(done).error();
  if (auto done = writeIndicators(connection_, write, result); !done) return std::move(done).error();
  if (write.context) {
    auto change = writeContext(connection_, write.instance, write.generation, *state, *write.context,
                               write.context_bytes_max, damage_);
    if (!change) return std::move(change).error();
    result.context_version = change->version;
    result.context = *std::move(change);
  }
  if (auto done = setLastRun(write, result); !done) return std::move(done).error();
  if (auto done = addHealth(write); !done) return std::move(done).error();
  if (auto done = addAct(write, result); !done) return std::move(done).error();
  if (!write.idempotency_key.empty()) {
    if (auto kept = idempotency_.keep(write, result); !kept) return std::move(kept).error();
  }
  newest_us_ = std::max(newest_us_, write.at_us);
  return WriteValue{std::move(result)};
}

Result<WriteValue> CommitWrites::perform(const SetIncidentStatus& write) {
  if (auto checked = checkStatus(write); !checked) return std::move(checked).error();
  std::string before;
  {
    Query row(connection_, "SELECT status FROM incidents WHERE id = ?");
    if (!row.bind(write.incident.value).next()) return row.failed() ? row.error() : noIncident(write.incident);
    before = row.text(0);
  }
  if (before == write.status) return WriteValue{Done{}};
  {
    const bool closes = write.status == "closed";
    Query query(connection_, "UPDATE incidents SET status = ?, close_reason = ?, closed_at_us = ? WHERE id = ?");
    query.bind(write.status).bind(closes ? std::string_view{write.close_reason} : std::string_view{});
    if (!query.bind(closes ? write.at_us : 0).bind(write.incident.value).run()) return query.error();
  }
  if (auto moved = moveIndexedStatus(connection_, write.incident, before, write.status, indexed_blocks_); !moved) {
    return std::move(moved).error();
  }
  return WriteValue{Done{}};
}

Result<WriteValue> CommitWrites::perform(const SetIncidentOwner& write) {
  Query query(connection_, "UPDATE incidents SET owner = ? WHERE id = ?");
  if (!query.bind(write.owner).bind(write.incident.value).run()) return query.error();
  if (sqlite3_changes64(connection_.handle()) == 0) return noIncident(write.incident);
  return WriteValue{Done{}};
}

Result<void> CommitWrites::changeIncidents(const CommitWrite& write) {
  for (const auto& status : write.statuses) {
    if (auto done = perform(status); !done) return std::move(done).error();
  }
  for (const auto& owner : write.owners) {
    if (auto done = perform(owner); !done) return std::move(done).error();
  }
  return {};
}

Result<void> CommitWrites::addIncidents(const CommitWrite& write, Committed& result) {
  result.incidents.reserve(write.incidents.size());
  for (const auto& incident : write.incidents) {
    Query query(
        connection_,
        "INSERT INTO incidents(id, instance, name, type, severity, status, occurred_at_us, created_at_us, body, "
        "owner) VALUES(?, ?, ?, ?, ?, 'active', ?, ?, ?, ?)");
    query.bind(next_.incident).bind(write.instance.value).bind(incident.name).bind(incident.type);
    query.bind(incident.severity)
        .bind(incident.occurred_at_us)
        .bind(write.at_us)
        .bind(incident.body)
        .bind(incident.owner);
    if (!query.run()) return query.error();
    result.incidents.push_back(IncidentId{next_.incident++});
  }
  return {};
}

Result<void> CommitWrites::addEntries(const CommitWrite& write, Committed& result) {
  for (const auto& entry : write.entries) {
    IncidentId incident;
    if (const auto* index = std::get_if<std::size_t>(&entry.incident)) {
      incident = result.incidents[*index];
    } else {
      incident = std::get<IncidentId>(entry.incident);
      // The incidents of this very write are named by index, never by a guessed id.
      if (!result.incidents.empty() && incident >= result.incidents.front()) return noIncident(incident);
      Query row(connection_, "SELECT 1 FROM incidents WHERE id = ?");
      if (!row.bind(incident.value).next()) return row.failed() ? row.error() : noIncident(incident);
    }
    auto user = findUser(connection_, entry.user);
    if (!user) return std::move(user).error();
    const std::string username = *user ? (*user)->username : std::string{};
    const std::string tags = writeTexts(entry.tags);
    Query query(connection_,
                "INSERT INTO entries(id, incident, instance, created_at_us, author, content_type, text, user, tags) "
                "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const InstanceId author = write.generation ? write.instance : InstanceId{};
    query.bind(next_.entry).bind(incident.value).bind(author.value).bind(write.at_us);
    query.bind(entry.author).bind(entry.content_type).bind(entry.text);
    if (!query.bind(username).bind(tags).run()) return query.error();
    result.entries.push_back(EntryId{next_.entry++});
    result.entry_incidents.push_back(incident);
  }
  return {};
}

Result<void> CommitWrites::setLastRun(const CommitWrite& write, Committed& result) {
  if (!write.last_run) return {};
  LastRun last_run;
  {
    Query row(connection_, "SELECT version FROM last_runs WHERE instance = ?");
    if (row.bind(write.instance.value).next()) last_run.version = row.integer(0);
    if (row.failed()) return row.error();
  }
  ++last_run.version;
  last_run.object = *write.last_run;
  Query query(connection_, "INSERT OR REPLACE INTO last_runs(instance, object, version, checksum) VALUES(?, ?, ?, ?)");
  query.bind(write.instance.value).bind(last_run.object).bind(last_run.version);
  if (!query.bind(lastRunChecksum(write.instance, last_run.object, last_run.version)).run()) return query.error();
  result.last_run = std::move(last_run);
  return {};
}

Result<void> CommitWrites::addHealth(const CommitWrite& write) {
  if (!write.health) return {};
  const Health& health = *write.health;
  auto stays = takeBackClearing(connection_, write.instance, health);
  if (!stays) return std::move(stays).error();
  if (*stays) return {};
  Query query(connection_,
              "INSERT INTO health(instance, at_us, state, text, events_pulled, assets_pulled, passing) VALUES(?, ?, ?, "
              "?, ?, ?, ?)");
  query.bind(write.instance.value).bind(health.at_us).bind(health.state).bind(health.text);
  query.bind(health.events_pulled).bind(health.assets_pulled);
  if (!query.bind(std::int64_t{health.passing}).run()) return query.error();
  Query old(
      connection_,
      "DELETE FROM health WHERE id IN (SELECT id FROM health WHERE instance = ? ORDER BY id DESC LIMIT -1 OFFSET ?)");
  if (!old.bind(write.instance.value).bind(static_cast<std::int64_t>(kHealthHistoryMax)).run()) return old.error();
  return {};
}

Result<void> CommitWrites::addAct(const CommitWrite& write, const Committed& result) {
  if (!write.act) return {};
  auto user = findUser(connection_, write.act->by);
  if (!user) return std::move(user).error();
  auto added = AuditWrites(connection_).perform(AddAudit{actRow(write, result, *user ? &**user : nullptr)});
  if (!added) return std::move(added).error();
  return {};
}

Result<void> CommitWrites::finish() {
  if (auto indexed = indexFullBlocks(connection_, next_.incident - 1, indexed_blocks_); !indexed) return indexed;
  return idempotency_.prune(newest_us_);
}

}  // namespace longhaul::host::store
