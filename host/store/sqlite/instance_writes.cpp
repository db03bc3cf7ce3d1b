#include "host/store/sqlite/instance_writes.h"

#include <sqlite3.h>

#include "host/base/limits.h"
#include "host/store/sqlite/context_writes.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

std::int64_t number(Owner owner) {
  return owner == Owner::File ? 0 : 1;
}

}  // namespace

Result<void> InstanceWrites::create(const PutInstance& write) {
  Query row(
      connection_,
      "INSERT INTO instances(name, plugin, enabled, orphaned, config, grants, owner, source, config_revision, digest, "
      "created_at_us) VALUES(?, ?, ?, 0, ?, ?, ?, ?, 1, '', ?)");
  row.bind(write.name).bind(write.plugin).bind(std::int64_t{write.first_enabled}).bind(write.config).bind(write.grants);
  if (!row.bind(number(write.owner)).bind(write.source).bind(write.at_us).run()) return row.error();
  Query state(connection_,
              "INSERT INTO states(instance, generation, context_version, context_bytes, context_keys, context_schema, "
              "worker_schema) VALUES((SELECT id FROM instances WHERE name = ?), 0, 0, 0, 0, 0, 0)");
  if (!state.bind(write.name).run()) return state.error();
  return {};
}

Result<void> InstanceWrites::configure(const PutInstance& write, const InstanceRecord& record) {
  const bool revised =
      write.plugin != record.plugin || write.config != record.config || write.grants != record.target.grants;
  Query query(connection_,
              "UPDATE instances SET plugin = ?, config = ?, grants = ?, owner = ?, source = ?, orphaned = 0, "
              "config_revision = ? WHERE id = ?");
  query.bind(write.plugin).bind(write.config).bind(write.grants).bind(number(write.owner)).bind(write.source);
  query.bind(record.target.config_revision + (revised ? 1 : 0)).bind(record.id.value);
  if (!query.run()) return query.error();
  return {};
}

Result<WriteValue> InstanceWrites::perform(const PutInstance& write) {
  if (auto checked = checkPut(write); !checked) return std::move(checked).error();
  auto record = readInstance(connection_, write.name);
  if (!record) return std::move(record).error();
  InstancePut result;
  result.created = !record->has_value();
  if (result.created) {
    if (auto created = create(write); !created) return std::move(created).error();
    result.changed = true;
  } else {
    const InstanceRecord& old = **record;
    result.changed = write.plugin != old.plugin || write.config != old.config || write.grants != old.target.grants ||
                     write.owner != old.owner || write.source != old.source || old.orphaned;
    if (!result.changed) {
      result.record = **std::move(record);
      return WriteValue{std::move(result)};
    }
    if (auto configured = configure(write, old); !configured) return std::move(configured).error();
  }
  auto stored = readInstance(connection_, write.name);
  if (!stored) return std::move(stored).error();
  if (!*stored) return Error{Code::Internal, "an instance that was just written is not there"};
  result.record = **std::move(stored);
  return WriteValue{std::move(result)};
}

Result<WriteValue> InstanceWrites::changedOne(Query& query, InstanceId instance) {
  if (!query.run()) return query.error();
  if (sqlite3_changes64(connection_.handle()) == 0) return noInstance(instance);
  return WriteValue{Done{}};
}

Result<WriteValue> InstanceWrites::perform(const SetEnabled& write) {
  Query query(connection_, "UPDATE instances SET enabled = ? WHERE id = ?");
  return changedOne(query.bind(std::int64_t{write.enabled}).bind(write.instance.value), write.instance);
}

Result<WriteValue> InstanceWrites::perform(const SetOrphaned& write) {
  Query query(connection_, "UPDATE instances SET orphaned = ? WHERE id = ?");
  return changedOne(query.bind(std::int64_t{write.orphaned}).bind(write.instance.value), write.instance);
}

// Idempotency keys go later, in small steps: there may be very many, and ids of instances are never used again.
Result<WriteValue> InstanceWrites::perform(const RemoveInstance& write) {
  if (auto state = readState(connection_, write.instance); !state) return std::move(state).error();
  for (const char* sql : {"DELETE FROM snapshot_values WHERE snapshot IN (SELECT id FROM snapshots WHERE instance = ?)",
                          "DELETE FROM snapshots WHERE instance = ?", "DELETE FROM context WHERE instance = ?",
                          "DELETE FROM last_runs WHERE instance = ?", "DELETE FROM health WHERE instance = ?",
                          "DELETE FROM deaths WHERE instance = ?", "DELETE FROM mirrors WHERE instance = ?",
                          "DELETE FROM states WHERE instance = ?", "DELETE FROM instances WHERE id = ?"}) {
    Query query(connection_, sql);
    if (!query.bind(write.instance.value).run()) return query.error();
  }
  return WriteValue{Done{}};
}

// An older revision, fenced while a newer one is asked for, changes the digest only: a revision never goes back.
Result<void> InstanceWrites::setTarget(InstanceId instance, const Target& target) {
  Query query(connection_,
              "UPDATE instances SET digest = ?1, grants = CASE WHEN config_revision <= ?2 THEN ?3 ELSE grants END, "
              "config_revision = max(config_revision, ?2) WHERE id = ?4");
  query.bind(target.digest).bind(target.config_revision).bind(target.grants).bind(instance.value);
  if (!query.run()) return query.error();
  return {};
}

Result<WriteValue> InstanceWrites::perform(const Fence& write) {
  const auto state = readState(connection_, write.instance);
  if (!state) return state.error();
  Fenced result;
  result.generation.value = state->generation.value + 1;
  result.state_schema = state->context_schema;
  auto context = readContext(connection_, write.instance, state->context_version, damage_);
  if (!context) return std::move(context).error();
  result.context = *std::move(context);
  auto last_run = readLastRun(connection_, write.instance, damage_);
  if (!last_run) return std::move(last_run).error();
  result.last_run = *std::move(last_run);

  std::string digest;
  {
    Query row(connection_, "SELECT digest FROM instances WHERE id = ?");
    if (!row.bind(write.instance.value).next()) return row.failed() ? row.error() : noInstance(write.instance);
    digest = row.text(0);
  }
  if (!digest.empty() && digest != write.target.digest && state->context_version > 0) {
    auto kept = snapshotContext(connection_, write.instance, digest, *state, result.context, write.at_us);
    if (!kept) return std::move(kept).error();
  }
  if (auto set = setTarget(write.instance, write.target); !set) return std::move(set).error();
  Query query(connection_, "UPDATE states SET generation = ?, worker_schema = ? WHERE instance = ?");
  if (!query.bind(result.generation.value).bind(write.state_schema).bind(write.instance.value).run())
    return query.error();
  if (write.death) {
    if (auto added = addDeath(write.instance, *write.death); !added) return std::move(added).error();
  }
  return WriteValue{std::move(result)};
}

Result<void> InstanceWrites::addDeath(InstanceId instance, const Death& death) {
  Query query(connection_, "INSERT INTO deaths(instance, generation, at_us, exit_class, card) VALUES(?, ?, ?, ?, ?)");
  query.bind(instance.value).bind(death.generation.value).bind(death.at_us).bind(death.exit_class).bind(death.card);
  if (!query.run()) return query.error();
  Query old(
      connection_,
      "DELETE FROM deaths WHERE id IN (SELECT id FROM deaths WHERE instance = ? ORDER BY id DESC LIMIT -1 OFFSET ?)");
  if (!old.bind(instance.value).bind(static_cast<std::int64_t>(kDeathsKeptMax)).run()) return old.error();
  return {};
}

Result<WriteValue> InstanceWrites::perform(const AddDeath& write) {
  if (auto state = readState(connection_, write.death.instance); !state) return std::move(state).error();
  if (auto added = addDeath(write.death.instance, write.death); !added) return std::move(added).error();
  return WriteValue{Done{}};
}

Result<WriteValue> InstanceWrites::perform(const CompleteDeath& write) {
  Query query(connection_, "UPDATE deaths SET card = ? WHERE instance = ? AND generation = ? AND at_us = ?");
  query.bind(write.card).bind(write.instance.value).bind(write.generation.value).bind(write.at_us);
  if (!query.run()) return query.error();
  return WriteValue{Done{}};
}

// The configuration is copied only where it is that revision's: a newer one may be asked for by now.
Result<WriteValue> InstanceWrites::perform(const SetLastGood& write) {
  Query query(connection_,
              "UPDATE instances SET last_good_digest = ?1, last_good_revision = ?2, last_good_grants = ?3, "
              "last_good_config = CASE WHEN config_revision = ?2 THEN config WHEN last_good_revision = ?2 THEN "
              "last_good_config ELSE '' END WHERE id = ?4");
  query.bind(write.target.digest)
      .bind(write.target.config_revision)
      .bind(write.target.grants)
      .bind(write.instance.value);
  return changedOne(query, write.instance);
}

Result<WriteValue> InstanceWrites::perform(const RewriteConfig& write) {
  if (auto state = readState(connection_, write.instance); !state) return std::move(state).error();
  Query query(connection_,
              "UPDATE instances SET config = ?1, last_good_config = ?2 WHERE id = ?3 AND config = ?4 AND "
              "last_good_config = ?5");
  query.bind(write.config).bind(write.last_good).bind(write.instance.value);
  query.bind(write.config_before).bind(write.last_good_before);
  if (!query.run()) return query.error();
  if (sqlite3_changes64(connection_.handle()) == 0) return configChanged();
  return WriteValue{Done{}};
}

}  // namespace longhaul::host::store
