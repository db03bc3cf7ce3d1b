#include "host/store/sqlite/rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/store/sqlite/checksum.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

#define LONGHAUL_INSTANCE_COLUMNS                                                                                     \
  "SELECT i.id, i.name, i.plugin, i.enabled, i.orphaned, i.config, i.grants, i.owner, i.source, i.config_revision, "  \
  "i.digest, i.last_good_digest, i.last_good_revision, i.last_good_grants, i.last_good_config, i.created_at_us, "     \
  "s.generation, s.context_version, s.context_schema, l.version FROM instances i JOIN states s ON s.instance = i.id " \
  "LEFT JOIN last_runs l ON l.instance = i.id "
constexpr const char* kInstances = LONGHAUL_INSTANCE_COLUMNS "ORDER BY i.name";
constexpr const char* kInstanceByName = LONGHAUL_INSTANCE_COLUMNS "WHERE i.name = ?";
#undef LONGHAUL_INSTANCE_COLUMNS

InstanceRecord instanceOf(const Query& row) {
  InstanceRecord record;
  record.id.value = row.integer(0);
  record.name = row.text(1);
  record.plugin = row.text(2);
  record.enabled = row.integer(3) != 0;
  record.orphaned = row.integer(4) != 0;
  record.config = row.text(5);
  record.target = {std::string{row.text(10)}, row.integer(9), std::string{row.text(6)}};
  record.owner = row.integer(7) == 0 ? Owner::File : Owner::Api;
  record.source = row.text(8);
  if (!row.isNull(11)) {
    record.last_good = Target{std::string{row.text(11)}, row.integer(12), std::string{row.text(13)}};
    record.last_good_config = row.text(14);
  }
  record.created_at_us = row.integer(15);
  record.generation.value = row.integer(16);
  record.context_version = row.integer(17);
  record.state_schema = row.integer(18);
  record.last_run_version = row.integer(19);
  return record;
}

}  // namespace

std::string showKey(std::string_view key) {
  if (isUtf8(key)) return std::string{key};
  std::string shown;
  for (const char byte : key) {
    const auto code = static_cast<unsigned char>(byte);
    shown += code < 0x80 ? std::string(1, byte) : fmt::format("\\x{:02x}", code);
  }
  return shown;
}

std::int64_t rowLimit(std::size_t limit) {
  return static_cast<std::int64_t>(std::min(limit == 0 ? kPageRowsDefault : limit, kPageRowsMax));
}

Result<InstanceState> readState(Connection& connection, InstanceId instance) {
  Query row(
      connection,
      "SELECT generation, context_version, context_schema, worker_schema, context_bytes, context_keys FROM states "
      "WHERE instance = ?");
  if (!row.bind(instance.value).next()) return row.failed() ? row.error() : noInstance(instance);
  InstanceState state;
  state.generation.value = row.integer(0);
  state.context_version = row.integer(1);
  state.context_schema = row.integer(2);
  state.worker_schema = row.integer(3);
  state.context_bytes = static_cast<std::size_t>(row.integer(4));
  state.context_keys = static_cast<std::size_t>(row.integer(5));
  return state;
}

Result<std::vector<InstanceRecord>> readInstances(Connection& connection) {
  std::vector<InstanceRecord> records;
  Query row(connection, kInstances);
  while (row.next())
    records.push_back(instanceOf(row));
  if (row.failed()) return row.error();
  return records;
}

Result<std::optional<InstanceRecord>> readInstance(Connection& connection, std::string_view name) {
  Query row(connection, kInstanceByName);
  if (row.bind(name).next()) return std::optional{instanceOf(row)};
  if (row.failed()) return row.error();
  return std::optional<InstanceRecord>{};
}

std::int64_t contextChecksum(InstanceId instance, std::string_view key, std::string_view value, std::int64_t version,
                             Generation generation) {
  return Checksum{}.add(instance.value).add(key).add(value).add(version).add(generation.value).value();
}

Result<std::optional<ContextValue>> readContextValue(Connection& connection, InstanceId instance, std::string_view key,
                                                     DamageCount& damage) {
  Query row(connection, "SELECT value, version, generation, checksum FROM context WHERE instance = ? AND key = ?");
  if (!row.bind(instance.value).bind(key).next()) {
    if (row.failed()) return row.error();
    return std::optional<ContextValue>{};
  }
  const std::string_view value = row.text(0);
  const bool intact =
      contextChecksum(instance, key, value, row.integer(1), Generation{row.integer(2)}) == row.integer(3);
  if (!intact) ++damage;
  return std::optional{ContextValue{std::string{value}, intact}};
}

Result<Context> readContext(Connection& connection, InstanceId instance, std::int64_t version, DamageCount& damage) {
  Context context;
  context.version = version;
  Query row(connection,
            "SELECT key, value, version, generation, checksum FROM context WHERE instance = ? ORDER BY key");
  row.bind(instance.value);
  while (row.next()) {
    const std::string_view key = row.text(0);
    const std::string_view value = row.text(1);
    if (contextChecksum(instance, key, value, row.integer(2), Generation{row.integer(3)}) == row.integer(4)) {
      context.values.emplace_hint(context.values.end(), key, value);
    } else {
      context.quarantined_keys.push_back(showKey(key));
      ++damage;
    }
  }
  if (row.failed()) return row.error();
  return context;
}

std::int64_t lastRunChecksum(InstanceId instance, std::string_view object, std::int64_t version) {
  return Checksum{}.add(instance.value).add(object).add(version).value();
}

Result<LastRun> readLastRun(Connection& connection, InstanceId instance, DamageCount& damage) {
  LastRun last_run;
  Query row(connection, "SELECT object, version, checksum FROM last_runs WHERE instance = ?");
  if (!row.bind(instance.value).next()) {
    if (row.failed()) return row.error();
    return last_run;
  }
  last_run.version = row.integer(1);
  if (lastRunChecksum(instance, row.text(0), last_run.version) == row.integer(2)) {
    last_run.object = row.text(0);
  } else {
    last_run.quarantined = true;
    ++damage;
  }
  return last_run;
}

std::int64_t snapshotChecksum(std::int64_t snapshot, std::string_view key, std::string_view value) {
  return Checksum{}.add(snapshot).add(key).add(value).value();
}

}  // namespace longhaul::host::store
