#include "host/store/sqlite/snapshots.h"

#include "host/store/snapshot_rules.h"

namespace longhaul::host::store {
namespace {

constexpr const char* kHeads =
    "SELECT id, digest, generation, version, state_schema, at_us FROM snapshots WHERE instance = ? ORDER BY id DESC";
constexpr const char* kHead =
    "SELECT id, digest, generation, version, state_schema, at_us FROM snapshots WHERE instance = ? AND id = ?";

ContextSnapshot headOf(const Query& row, InstanceId instance) {
  ContextSnapshot snapshot;
  snapshot.id = row.integer(0);
  snapshot.instance = instance;
  snapshot.digest = row.text(1);
  snapshot.generation.value = row.integer(2);
  snapshot.version = row.integer(3);
  snapshot.state_schema = row.integer(4);
  snapshot.at_us = row.integer(5);
  return snapshot;
}

Result<void> drop(Connection& connection, std::int64_t id) {
  for (const char* sql : {"DELETE FROM snapshot_values WHERE snapshot = ?", "DELETE FROM snapshots WHERE id = ?"}) {
    Query query(connection, sql);
    if (!query.bind(id).run()) return query.error();
  }
  return {};
}

}  // namespace

Result<std::vector<ContextSnapshot>> readSnapshots(Connection& connection, InstanceId instance) {
  std::vector<ContextSnapshot> snapshots;
  Query row(connection, kHeads);
  row.bind(instance.value);
  while (row.next())
    snapshots.push_back(headOf(row, instance));
  if (row.failed()) return row.error();
  return snapshots;
}

Result<std::vector<ContextSnapshot>> readSnapshotSizes(Connection& connection, InstanceId instance) {
  auto snapshots = readSnapshots(connection, instance);
  if (!snapshots) return snapshots;
  for (ContextSnapshot& each : *snapshots) {
    Query size(connection,
               "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(CAST(value AS BLOB))), 0) "
               "FROM snapshot_values WHERE snapshot = ?");
    if (!size.bind(each.id).next()) return size.error();
    each.keys_count = static_cast<std::size_t>(size.integer(0));
    each.bytes = static_cast<std::size_t>(size.integer(1));
  }
  return snapshots;
}

Result<ContextSnapshot> readSnapshot(Connection& connection, InstanceId instance, std::int64_t id,
                                     DamageCount& damage) {
  Query head(connection, kHead);
  if (!head.bind(instance.value).bind(id).next()) return head.failed() ? head.error() : noSnapshot(id);
  ContextSnapshot snapshot = headOf(head, instance);
  Query value(connection, "SELECT key, value, checksum FROM snapshot_values WHERE snapshot = ? ORDER BY key");
  value.bind(id);
  while (value.next()) {
    const std::string_view key = value.text(0);
    if (snapshotChecksum(id, key, value.text(1)) == value.integer(2)) {
      snapshot.bytes += key.size() + value.text(1).size();
      snapshot.values.emplace_hint(snapshot.values.end(), key, value.text(1));
    } else {
      snapshot.quarantined_keys.push_back(showKey(key));
      ++damage;
    }
  }
  if (value.failed()) return value.error();
  snapshot.keys_count = snapshot.values.size();
  return snapshot;
}

Result<std::int64_t> keepSnapshot(Connection& connection, const ContextSnapshot& context) {
  Query head(connection,
             "INSERT INTO snapshots(instance, digest, generation, version, state_schema, at_us) "
             "VALUES(?, ?, ?, ?, ?, ?) RETURNING id");
  head.bind(context.instance.value).bind(context.digest).bind(context.generation.value).bind(context.version);
  head.bind(context.state_schema).bind(context.at_us);
  if (!head.next()) return head.error();
  const std::int64_t id = head.integer(0);
  if (!head.run()) return head.error();
  for (const auto& [key, value] : context.values) {
    Query query(connection, "INSERT INTO snapshot_values(snapshot, key, value, checksum) VALUES(?, ?, ?, ?)");
    if (!query.bind(id).bind(key).bind(value).bind(snapshotChecksum(id, key, value)).run()) return query.error();
  }
  const auto kept = readSnapshots(connection, context.instance);
  if (!kept) return kept.error();
  for (const std::int64_t old : snapshotsToDrop(*kept)) {
    if (auto dropped = drop(connection, old); !dropped) return std::move(dropped).error();
  }
  return id;
}

}  // namespace longhaul::host::store
