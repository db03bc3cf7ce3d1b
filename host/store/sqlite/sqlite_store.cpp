#include "host/store/sqlite/sqlite_store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <mutex>

#include "host/base/limits.h"
#include "host/store/sqlite/audit.h"
#include "host/store/sqlite/commit_writes.h"
#include "host/store/sqlite/conversations.h"
#include "host/store/sqlite/instance_writes.h"
#include "host/store/sqlite/people.h"
#include "host/store/sqlite/schema.h"

namespace longhaul::host::store {
namespace {

// What a connection must be before anything is acknowledged on it.
Result<void> makeDurable(Connection& connection) {
  const auto mode = connection.pragma("journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode != "wal") {
    return Error{Code::Internal,
                 fmt::format("the store {} cannot use a write-ahead log (SQLite says \"{}\"): put the state "
                             "directory on a local file system with shared memory, such as ext4 or xfs",
                             connection.path().native(), *mode)};
  }
  auto set =
      connection.execute(fmt::format("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; "
                                     "PRAGMA cell_size_check = ON; PRAGMA cache_size = -{}; "
                                     "PRAGMA journal_size_limit = {}",
                                     kStoreCacheBytes / 1024, 2 * kStoreWalBytesMax));
  if (!set) return set;
  const auto synchronous = connection.pragma("synchronous");
  if (!synchronous) return synchronous.error();
  if (*synchronous != "2") {
    return Error{Code::Internal, fmt::format("the store {} could not be set to synchronous=FULL (it is {})",
                                             connection.path().native(), *synchronous)};
  }
  return {};
}

// A connection with what is counted for it; made anew after an error of the disk.
struct Session {
  Session(std::unique_ptr<Connection> opened, DamageCount& damage)
      : connection(std::move(opened)),
        commits(*connection, damage),
        instances(*connection, damage),
        people(*connection),
        audits(*connection),
        conversations(*connection) {}

  std::unique_ptr<Connection> connection;
  CommitWrites commits;
  InstanceWrites instances;
  PeopleWrites people;
  AuditWrites audits;
  ConversationWrites conversations;
  std::string host_id;
  std::uint64_t log_bytes = 0;           // of the write-ahead log, after the last commit
  std::uint64_t checkpointed_bytes = 0;  // the log's size when it was last checkpointed
};

int onCommit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Session*>(self)->log_bytes = static_cast<std::uint64_t>(pages) * 4096;
  return SQLITE_OK;
}

Result<std::unique_ptr<Session>> openSession(const std::filesystem::path& path, const std::string& vfs,
                                             DamageCount& damage) {
  auto connection = Connection::open(path, Connection::Mode::ReadWrite, vfs);
  if (!connection) return std::move(connection).error();
  // First what must not be touched is refused: setting WAL writes.
  if (auto migrated = migrate(**connection, migrations()); !migrated) return std::move(migrated).error();
  if (auto durable = makeDurable(**connection); !durable) return std::move(durable).error();
  auto session = std::make_unique<Session>(*std::move(connection), damage);
  {
    Query row(*session->connection, "SELECT value FROM meta WHERE key = 'host_id'");
    if (!row.next()) return row.failed() ? row.error() : Error{Code::Internal, "the store has lost its host_id"};
    session->host_id = row.text(0);
  }
  if (auto loaded = session->commits.load(); !loaded) return std::move(loaded).error();
  // It replaces SQLite's own checkpoint, which would run inside a commit.
  sqlite3_wal_hook(session->connection->handle(), onCommit, session.get());
  return session;
}

}  // namespace

struct SqliteStore::State {
  std::filesystem::path path;
  std::string vfs;
  std::string host_id;
  DamageCount damage{0};
  std::unique_ptr<Session> session;  // null: an error of the disk, and it could not be opened again yet
  NextIds acknowledged;              // what was promised: looked for after a reopening

  mutable std::mutex mutex;
  Condition condition;  // under mutex
  Counters counters;    // under mutex

  WriteResult perform(const Write& write);
  WriteResult performAlone(const Write& write, bool only_one);
  std::vector<WriteResult> failBatch(std::size_t count, Error error, bool outcome_known);
  std::vector<WriteResult> abandon(std::size_t count, const Error& error, bool at_commit);
  Result<void> begin();
  Result<void> commit();
  Result<void> reopen();
  Result<void> checkpoint(int mode);
  void setCondition(Condition::State state, std::string message);
};

void SqliteStore::State::setCondition(Condition::State state, std::string message) {
  const std::lock_guard lock{mutex};
  condition = {state, std::move(message)};
}

WriteResult SqliteStore::State::perform(const Write& write) {
  return std::visit(
      [&](const auto& one) -> WriteResult {
        if constexpr (requires { session->commits.perform(one); }) {
          return session->commits.perform(one);
        } else if constexpr (requires { session->people.perform(one); }) {
          return session->people.perform(one);
        } else if constexpr (requires { session->audits.perform(one); }) {
          return session->audits.perform(one);
        } else if constexpr (requires { session->conversations.perform(one); }) {
          return session->conversations.perform(one);
        } else {
          return session->instances.perform(one);
        }
      },
      write);
}

// One write that leaves nothing when it fails. Alone in its transaction it needs no savepoint: the whole is undone.
WriteResult SqliteStore::State::performAlone(const Write& write, bool only_one) {
  Connection& connection = *session->connection;
  const NextIds before = session->commits.nextIds();
  if (!only_one) {
    Query savepoint(connection, "SAVEPOINT one");
    if (!savepoint.run()) return savepoint.error();
  }
  WriteResult result = perform(write);
  if (!result) {
    session->commits.setNextIds(before);
    if (only_one) {
      if (connection.trouble() <= Trouble::Statement) connection.rollback();
      return result;
    }
    Query undo(connection, "ROLLBACK TO one");
    if (connection.inTransaction() && !undo.run()) return undo.error();
  }
  if (only_one || !connection.inTransaction()) return result;
  Query release(connection, "RELEASE one");
  if (!release.run()) return release.error();
  return result;
}

Result<void> SqliteStore::State::begin() {
  Query query(*session->connection, "BEGIN IMMEDIATE");
  if (!query.run()) return query.error();
  return {};
}

Result<void> SqliteStore::State::commit() {
  Query query(*session->connection, "COMMIT");
  if (!query.run()) return query.error();
  return {};
}

std::vector<WriteResult> SqliteStore::State::failBatch(std::size_t count, Error error, bool outcome_known) {
  // TIMEOUT is the code of an unknown outcome.
  if (!outcome_known) {
    error.code = Code::Timeout;
    error.message += ". Whether this was written is unknown until the store can be read again";
  }
  std::vector<WriteResult> results;
  results.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    results.emplace_back(error);
  return results;
}

// The whole batch fails. After an error of the disk nothing is tried again on this connection.
std::vector<WriteResult> SqliteStore::State::abandon(std::size_t count, const Error& error, bool at_commit) {
  Connection& connection = *session->connection;
  const Trouble trouble = connection.trouble();
  connection.rollback();
  if (trouble == Trouble::Disk) {
    {
      const std::lock_guard lock{mutex};
      ++counters.failed_disk;
    }
    const auto reopened = reopen();
    setCondition(Condition::State::Failed, reopened ? error.message : reopened.error().message);
    // Before COMMIT nothing can have become visible, whatever the reopening says.
    return failBatch(count, error, reopened.has_value() || !at_commit);
  }
  if (trouble == Trouble::Full) {
    setCondition(Condition::State::Full, error.message);
    const std::lock_guard lock{mutex};
    ++counters.failed_full;
  }
  if (auto loaded = session->commits.load(); !loaded) session.reset();
  return failBatch(count, error, true);
}

// Cuts off what the log holds behind the last acknowledged transaction, and looks for that one.
Result<void> SqliteStore::State::reopen() {
  session.reset();
  auto opened = openSession(path, vfs, damage);
  if (!opened)
    return withContext("the store was closed after an error of its disk and cannot be opened again", opened.error());
  session = *std::move(opened);
  auto cut = checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
  const NextIds& found = session->commits.nextIds();
  if (cut && (found.incident < acknowledged.incident || found.entry < acknowledged.entry)) {
    cut = Error{Code::Internal,
                fmt::format("the store {} lost rows that were acknowledged: incidents up to {} of {}, entries "
                            "up to {} of {} are there. Replace the disk and put a backup in its place",
                            path.native(), found.incident - 1, acknowledged.incident - 1, found.entry - 1,
                            acknowledged.entry - 1)};
  }
  if (!cut) {
    session.reset();
    return cut;
  }
  const std::lock_guard lock{mutex};
  ++counters.reopened;
  return {};
}

Result<void> SqliteStore::State::checkpoint(int mode) {
  Connection& connection = *session->connection;
  int pages = 0;
  int done = 0;
  const int result = sqlite3_wal_checkpoint_v2(connection.handle(), nullptr, mode, &pages, &done);
  session->checkpointed_bytes = session->log_bytes;
  if (result == SQLITE_OK) {
    const std::lock_guard lock{mutex};
    ++counters.checkpoints;
    return {};
  }
  return connection.fail(result);
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& path, const Options& options) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->vfs = options.vfs;
  auto session = openSession(path, options.vfs, state->damage);
  if (!session) return std::move(session).error();
  state->session = *std::move(session);
  state->host_id = state->session->host_id;
  state->acknowledged = state->session->commits.nextIds();
  return std::unique_ptr<SqliteStore>{new SqliteStore(std::move(state))};
}

SqliteStore::SqliteStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteStore::~SqliteStore() = default;

const std::string& SqliteStore::hostId() const {
  return state_->host_id;
}

SqliteStore::Condition SqliteStore::condition() const {
  const std::lock_guard lock{state_->mutex};
  return state_->condition;
}

SqliteStore::Counters SqliteStore::counters() const {
  const std::lock_guard lock{state_->mutex};
  Counters counters = state_->counters;
  counters.damaged_rows = state_->damage;
  return counters;
}

std::vector<WriteResult> SqliteStore::apply(std::span<const Write> batch) {
  State& state = *state_;
  if (batch.empty()) return {};
  if (!state.session) {
    if (auto reopened = state.reopen(); !reopened) {
      state.setCondition(Condition::State::Failed, reopened.error().message);
      return state.failBatch(batch.size(), reopened.error(), true);
    }
  }
  Connection& connection = *state.session->connection;
  connection.clearTrouble();
  if (auto begun = state.begin(); !begun) return state.abandon(batch.size(), begun.error(), false);
  std::vector<WriteResult> results;
  results.reserve(batch.size());
  for (const auto& write : batch) {
    results.push_back(state.performAlone(write, batch.size() == 1));
    const bool lost = connection.trouble() > Trouble::Statement || (!connection.inTransaction() && batch.size() > 1);
    if (lost) return state.abandon(batch.size(), results.back() ? Error{} : results.back().error(), false);
  }
  if (connection.inTransaction()) {
    if (auto finished = state.session->commits.finish(); !finished) {
      return state.abandon(batch.size(), finished.error(), false);
    }
    if (auto committed = state.commit(); !committed) return state.abandon(batch.size(), committed.error(), true);
    state.acknowledged = state.session->commits.nextIds();
  }
  {
    const std::lock_guard lock{state.mutex};
    ++state.counters.commits;
    state.counters.log_bytes = state.session->log_bytes;
    state.condition = {};
  }
  // A log that grew while nothing was idle. Its pages were written already by then or are few; a failure loses nothing.
  if (state.session->log_bytes >= kStoreWalBytesMax) maintain();
  return results;
}

bool SqliteStore::maintain() {
  State& state = *state_;
  if (!state.session || state.session->log_bytes < kStoreWalIdleBytes ||
      state.session->log_bytes == state.session->checkpointed_bytes) {
    return false;
  }
  state.session->connection->clearTrouble();
  if (auto done = state.checkpoint(SQLITE_CHECKPOINT_PASSIVE); !done) {
    // The log still holds everything; what was half copied is copied again by a connection with new descriptors.
    const bool disk = state.session->connection->trouble() == Trouble::Disk;
    const auto reopened = disk ? state.reopen() : Result<void>{};
    state.setCondition(disk ? Condition::State::Failed : Condition::State::Full,
                       reopened ? done.error().message : reopened.error().message);
  }
  return false;
}

}  // namespace longhaul::host::store
