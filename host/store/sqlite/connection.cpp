#include "host/store/sqlite/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

#include "host/base/limits.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::store {
namespace {

// Quotas and file-size limits reach SQLite as plain I/O errors, but mean what ENOSPC means: no space.
bool isNoSpace(int result_code, int error_number) {
  if ((result_code & 0xff) == SQLITE_FULL) return true;
  return (result_code & 0xff) == SQLITE_IOERR &&
         (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG);
}

Trouble troubleOf(int result_code, int error_number) {
  if (isNoSpace(result_code, error_number)) return Trouble::Full;
  // What cannot be read spoils the write that wanted it, not its neighbours.
  if (result_code == SQLITE_IOERR_READ || result_code == SQLITE_IOERR_SHORT_READ) return Trouble::Statement;
  switch (result_code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return Trouble::Disk;
    default:
      return Trouble::Statement;
  }
}

// SQLite makes files 0644; the database holds what plugins keep, so it is made first, for its owner alone. The log
// beside it takes its mode over.
Result<void> makePrivate(const std::filesystem::path& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (fd) return {};
  return withContext("the store cannot be opened", systemError(fmt::format("open {}", path.native()), errno));
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& path, Mode mode,
                                                     const std::string& vfs) {
  if (mode == Mode::ReadWrite) {
    if (auto made = makePrivate(path); !made) return std::move(made).error();
  }
  std::unique_ptr<Connection> connection{new Connection(path)};
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::ReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  const int opened = sqlite3_open_v2(path.c_str(), &connection->handle_, flags, vfs.empty() ? nullptr : vfs.c_str());
  if (opened != SQLITE_OK) return connection->fail(opened);
  sqlite3_busy_timeout(connection->handle_, static_cast<int>(std::chrono::milliseconds{kStoreLockTimeout}.count()));
  sqlite3_db_config(connection->handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection->handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_)
    sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Result<void> Connection::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return fail(result);
  return {};
}

Result<std::string> Connection::pragma(const std::string& name) {
  sqlite3_stmt* statement = nullptr;
  int result = sqlite3_prepare_v2(handle_, fmt::format("PRAGMA {}", name).c_str(), -1, &statement, nullptr);
  std::string value;
  if (result == SQLITE_OK) {
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      value = text == nullptr ? "" : text;
    }
  }
  const bool good = result == SQLITE_ROW || result == SQLITE_DONE;
  Error error = good ? Error{} : fail(result);
  sqlite3_finalize(statement);
  if (!good) return error;
  return value;
}

bool Connection::inTransaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

void Connection::rollback() {
  if (inTransaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Error Connection::fail(int result_code) {
  const int error_number = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  const Trouble trouble = troubleOf(result_code, error_number);
  if (trouble > trouble_) trouble_ = trouble;
  if (trouble == Trouble::Full) {
    return {Code::StoreFull, fmt::format("no space for the store {}: nothing was written. Free space on its disk; the "
                                         "store goes on by itself",
                                         path_.native())};
  }
  std::string reason = handle_ == nullptr ? sqlite3_errstr(result_code) : sqlite3_errmsg(handle_);
  if ((result_code & 0xff) == SQLITE_IOERR && error_number != 0) {
    reason += fmt::format(" ({})", systemError(sqlite3_errstr(result_code), error_number).message);
  }
  switch (result_code & 0xff) {
    case SQLITE_NOTADB:
      return {Code::Invalid,
              fmt::format("{} is not a database of Longhaul: {}. Move the file away, or put a backup in its "
                          "place",
                          path_.native(), reason)};
    case SQLITE_CORRUPT:
      return {Code::Internal,
              fmt::format("the store {} is damaged: {}. Put a backup in its place", path_.native(), reason)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::Busy, fmt::format("another program holds the store {}: end it, and try again", path_.native())};
    case SQLITE_READONLY:
      return {Code::Internal,
              fmt::format("the store {} cannot be written: {}. Check the owner and mode of the file and "
                          "its folder, and whether its disk is mounted read-only",
                          path_.native(), reason)};
    default:
      return {Code::Internal, fmt::format("the store {} failed: {}", path_.native(), reason)};
  }
}

sqlite3_stmt* Connection::statement(const char* sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) return nullptr;
  statements_.emplace(sql, statement);
  return statement;
}

Query::Query(Connection& connection, const char* sql) : connection_(connection), statement_(connection.statement(sql)) {
  if (statement_ == nullptr) check(sqlite3_extended_errcode(connection_.handle_));
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  // Bound texts are borrowed: none may stay behind.
  if (bound_ > 0) sqlite3_clear_bindings(statement_);
}

void Query::check(int result_code) {
  if (result_code == SQLITE_OK || failed_) return;
  failed_ = true;
  error_ = connection_.fail(result_code);
}

Query& Query::bind(std::int64_t value) {
  if (!failed_) check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Query& Query::bind(double value) {
  if (!failed_) check(sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}

// A view without bytes may have no address, which would bind NULL.
Query& Query::bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  if (!failed_) check(sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Query& Query::bindBlob(std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  if (!failed_) check(sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

Query& Query::bindNull() {
  if (!failed_) check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

bool Query::next() {
  if (failed_) return false;
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) check(result);
  return false;
}

bool Query::run() {
  while (next()) {
  }
  return !failed_;
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Query::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string_view{} : std::string_view{data, bytes};
}

std::string_view Query::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string_view{} : std::string_view{data, bytes};
}

bool Query::isNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace longhaul::host::store
