// SQLite's C API in two small classes: a connection that owns the handle and its prepared statements, and one execution
// of a statement. One thread at a time, without SQLite's own mutexes. Nothing throws; errors are sentences that name
// the database and the remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace longhaul::host::store {

// How bad the worst failure was since clearTrouble().
enum class Trouble : std::uint8_t {
  None,
  Statement,  // that statement: the transaction can go on
  Full,       // no space: the transaction is lost, the database is well
  Disk        // writing or syncing failed: what is on the disk is unknown
};

class Connection {
 public:
  enum class Mode : std::uint8_t { ReadWrite, ReadOnly };

  // Opens what exists, or with ReadWrite makes it (mode 0600). `vfs`: which of SQLite's file layers, empty: the
  // system's.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& path, Mode mode,
                                                  const std::string& vfs = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs statements that give no rows: setup, schema.
  Result<void> execute(const std::string& sql);
  // One value of a PRAGMA, as text.
  Result<std::string> pragma(const std::string& name);

  bool inTransaction() const;
  // A failed statement may have ended the transaction already; then this does nothing.
  void rollback();

  Trouble trouble() const { return trouble_; }
  void clearTrouble() { trouble_ = Trouble::None; }

  const std::filesystem::path& path() const { return path_; }
  sqlite3* handle() { return handle_; }

  // The error of the last failed call on this connection, which also sets trouble().
  Error fail(int result_code);

 private:
  friend class Query;
  explicit Connection(std::filesystem::path path) : path_(std::move(path)) {}
  // The prepared statement of a string constant, whose address is the key.
  sqlite3_stmt* statement(const char* sql);

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  Trouble trouble_ = Trouble::None;
};

// One execution of one statement: bind in order, then run() or next() until it is false. Texts are borrowed until the
// end. Its end resets the statement; the same SQL is not in use twice at once.
class Query {
 public:
  // `sql` is a string constant.
  Query(Connection& connection, const char* sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(double value);
  Query& bind(std::string_view text);
  Query& bind(const std::string& text) { return bind(std::string_view{text}); }
  Query& bind(const char* text) = delete;
  Query& bindBlob(std::string_view bytes);
  Query& bindNull();

  // True: a row can be read. False: the end, or failed().
  bool next();
  // To the end; false: failed().
  bool run();
  bool failed() const { return failed_; }
  // Only when failed().
  Error error() const { return error_; }

  // Columns of the row, from 0. Views hold until next() or the end.
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool isNull(int column) const;

 private:
  void check(int result_code);

  Connection& connection_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  bool failed_ = false;
  Error error_;
};

}  // namespace longhaul::host::store
