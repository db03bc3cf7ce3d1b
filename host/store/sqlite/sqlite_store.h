// The Store in one SQLite file: WAL, synchronous=FULL, so what apply() gave back as done is on the disk. One
// transaction a batch; the checkpoint runs between batches, never inside a commit.
//
// What happens to a failed batch: no space, and every write gets STORE_FULL; the next batch tries again. An error of
// the disk, and nothing is tried again on the old descriptors, since the kernel may count a page as written that is
// not: the database is closed, opened anew, the log's unacknowledged tail is cut off and what was acknowledged is
// looked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "host/store/store.h"

namespace longhaul::host::store {

// apply() and maintain() on one thread at a time; the rest from any thread.
class SqliteStore final : public Store {
 public:
  struct Options {
    std::string vfs;  // which of SQLite's file layers; empty: the system's. Tests put faults there
  };
  // Opens the database or makes it, and brings its schema up to date. The caller holds the state directory's lock.
  static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& path, const Options& options = {});
  ~SqliteStore() override;

  std::vector<WriteResult> apply(std::span<const Write> batch) override;
  bool maintain() override;

  // Made once with the database and the same for its life: the licence id.
  const std::string& hostId() const;

  struct Condition {
    enum class State : std::uint8_t { Good, Full, Failed };
    State state = State::Good;
    std::string message;  // what to show an operator; empty when good
  };
  Condition condition() const;

  struct Counters {
    std::uint64_t commits = 0;
    std::uint64_t failed_full = 0;  // batches lost for want of space
    std::uint64_t failed_disk = 0;  // batches lost to an error of the disk
    std::uint64_t reopened = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t damaged_rows = 0;  // met with a wrong checksum
    std::uint64_t log_bytes = 0;     // of the write-ahead log after the last commit
  };
  Counters counters() const;

 private:
  struct State;
  explicit SqliteStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::store
