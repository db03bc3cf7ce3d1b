// What was done under an idempotency key, kept with its effect in one transaction: at most once per key. Writer thread,
// inside a transaction.
#pragma once

#include <string>

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

class Idempotency {
 public:
  explicit Idempotency(Connection& connection) : connection_(connection) {}

  // The stored result of the write's key, if the key was used; MISMATCH: for another request.
  Result<std::optional<Committed>> find(const CommitWrite& write);
  Result<void> keep(const CommitWrite& write, const Committed& result);

  // Called once a batch: looks at a few rows further on each time enough keys were kept, and drops what is older than
  // kIdempotencyKept at `now_us` or belongs to a removed instance. The whole table is passed in turn; no index on the
  // time is needed, which would cost each keyed write a second page.
  Result<void> prune(std::int64_t now_us);

 private:
  Connection& connection_;
  std::size_t kept_since_prune_ = 0;
  std::int64_t cursor_instance_ = 0;
  std::string cursor_key_;
};

// The text form of a result: "i5-7\ne17-18\nf5,5\nc9\n": ids as ranges, the incident of each entry, context version.
std::string encodeResult(const Committed& result);
Result<Committed> decodeResult(std::string_view text);

}  // namespace longhaul::host::store
