// What workers and operators ask to be stored: incidents, entries, context, last run, health, all of it or nothing.
// Writer thread, inside a transaction; a failure leaves rows half written, and the caller undoes them.
#pragma once

#include "host/store/sqlite/idempotency.h"
#include "host/store/sqlite/rows.h"

namespace longhaul::host::store {

// The next numbers to give out. Copied before a write and put back when it is undone.
struct NextIds {
  std::int64_t incident = 1;
  std::int64_t entry = 1;
};

class CommitWrites {
 public:
  CommitWrites(Connection& connection, DamageCount& damage)
      : connection_(connection), damage_(damage), idempotency_(connection) {}

  // Reads what is counted in memory; after it, and after each transaction that was undone.
  Result<void> load();

  Result<WriteValue> perform(const CommitWrite& write);
  Result<WriteValue> perform(const SetIncidentStatus& write);
  Result<WriteValue> perform(const SetIncidentOwner& write);
  // What belongs to the batch as a whole, before its COMMIT: full blocks of the index, expired keys.
  Result<void> finish();

  const NextIds& nextIds() const { return next_; }
  void setNextIds(const NextIds& next) { next_ = next; }

 private:
  Result<void> addIncidents(const CommitWrite& write, Committed& result);
  Result<void> addEntries(const CommitWrite& write, Committed& result);
  Result<void> changeIncidents(const CommitWrite& write);
  Result<void> setLastRun(const CommitWrite& write, Committed& result);
  Result<void> addHealth(const CommitWrite& write);
  Result<void> addAct(const CommitWrite& write, const Committed& result);

  Connection& connection_;
  DamageCount& damage_;
  Idempotency idempotency_;
  NextIds next_;
  std::int64_t indexed_blocks_ = 0;
  std::int64_t newest_us_ = 0;
};

}  // namespace longhaul::host::store
