// What both connections read: rows turned into the values of host/store/values.h, with their checksums verified. The
// caller's thread is the connection's.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

// Rows whose checksum did not hold, counted each time that one is met.
using DamageCount = std::atomic<std::uint64_t>;

// What changes with an instance's writes, apart from its configuration.
struct InstanceState {
  Generation generation;
  std::int64_t context_version = 0;
  std::int64_t context_schema = 0;  // the stateSchema of who last wrote the context
  std::int64_t worker_schema = 0;   // the stateSchema of the newest generation
  std::size_t context_bytes = 0;
  std::size_t context_keys = 0;
};

// A key of a row that is damaged is shown, so it must be UTF-8.
std::string showKey(std::string_view key);

// The rows of one page: the bounded number that was asked for.
std::int64_t rowLimit(std::size_t limit);

// NOT_FOUND: no such instance.
Result<InstanceState> readState(Connection& connection, InstanceId instance);

Result<std::vector<InstanceRecord>> readInstances(Connection& connection);
Result<std::optional<InstanceRecord>> readInstance(Connection& connection, std::string_view name);

std::int64_t contextChecksum(InstanceId instance, std::string_view key, std::string_view value, std::int64_t version,
                             Generation generation);

struct ContextValue {
  std::string value;
  bool intact = true;
};
Result<std::optional<ContextValue>> readContextValue(Connection& connection, InstanceId instance, std::string_view key,
                                                     DamageCount& damage);
// The whole context; `version` is that of its state.
Result<Context> readContext(Connection& connection, InstanceId instance, std::int64_t version, DamageCount& damage);

std::int64_t lastRunChecksum(InstanceId instance, std::string_view object, std::int64_t version);
Result<LastRun> readLastRun(Connection& connection, InstanceId instance, DamageCount& damage);

std::int64_t snapshotChecksum(std::int64_t snapshot, std::string_view key, std::string_view value);

}  // namespace longhaul::host::store
