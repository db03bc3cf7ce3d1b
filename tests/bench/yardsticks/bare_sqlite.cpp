// Yardstick of what is durable: SQLite alone, one table, WAL and synchronous=FULL, one thread.
// Usage: bare_sqlite FOLDER ROWS_PER_COMMIT SECONDS
#include <sqlite3.h>

#include <filesystem>

#include "tests/bench/yardsticks/yardstick.h"

namespace {

using namespace longhaul::bench;

void execute(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return;
  std::fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: bare_sqlite FOLDER ROWS_PER_COMMIT SECONDS\n", stderr), 2;
  const std::filesystem::path file = std::filesystem::path(argv[1]) / "yardstick.db";
  const int rows = std::atoi(argv[2]);
  sqlite3* db = nullptr;
  if (sqlite3_open(file.c_str(), &db) != SQLITE_OK) return 1;
  execute(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  execute(db,
          "CREATE TABLE incidents(id INTEGER PRIMARY KEY AUTOINCREMENT, instance INTEGER, name TEXT, created INTEGER, "
          "body TEXT) STRICT");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO incidents(instance, name, created, body) VALUES(1, ?1, ?2, ?3)", -1, &insert,
                     nullptr);
  std::vector<std::uint64_t> samples;
  unsigned number = 0;
  const auto commit = [&] {
    execute(db, "BEGIN IMMEDIATE");
    for (int i = 0; i < rows; ++i, ++number) {
      const std::string body = incidentText(number);
      sqlite3_bind_text(insert, 1, "Suspicious login", -1, SQLITE_STATIC);
      sqlite3_bind_int64(insert, 2, static_cast<sqlite3_int64>(number));
      sqlite3_bind_text(insert, 3, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
      if (sqlite3_step(insert) != SQLITE_DONE) std::exit(1);
      sqlite3_reset(insert);
    }
    execute(db, "COMMIT");
  };
  // The log of a store that runs for a while has its blocks already: a sync of a file that grows costs more.
  execute(db, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0");
  for (int i = 0; i < 2000 || number < 20'000; ++i)
    commit();
  execute(db, "PRAGMA wal_checkpoint(RESTART); PRAGMA wal_autocheckpoint=1000; PRAGMA synchronous=FULL");
  number = 0;
  const std::uint64_t began = now();
  const std::uint64_t until = began + static_cast<std::uint64_t>(std::atof(argv[3]) * 1e9);
  std::uint64_t at = began;
  while (at < until) {
    commit();
    const std::uint64_t then = now();
    samples.push_back(then - at);
    at = then;
  }
  report(number / (static_cast<double>(at - began) / 1e9), quantile(samples, 0.5), quantile(samples, 0.99));
  sqlite3_finalize(insert);
  sqlite3_close(db);
  for (const char* const end : {"", "-wal", "-shm"})
    std::filesystem::remove(file.native() + end);
}
