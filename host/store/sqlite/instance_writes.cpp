#include "host/store/sqlite/instance_writes.h"

#include <sqlite3.h>

#include <cstdint>
#include <optional>

#include "host/base/limits.h"
#include "host/store/snapshot_rules.h"
#include "host/store/sqlite/context_writes.h"
#include "host/store/sqlite/snapshots.h"
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

Result<void> InstanceWrites::fenceContext(const Fence& write, const InstanceState& state, Fenced& result) {
  ContextSnapshot now;
  {
    Query row(connection_, "SELECT digest FROM instances WHERE id = ?");
    if (!row.bind(write.instance.value).next()) return row.failed() ? row.error() : noInstance(write.instance);
    now.digest = row.text(0);
  }
  now.instance = write.instance;
  now.generation = state.generation;
  now.version = state.context_version;
  now.state_schema = state.context_schema;
  now.at_us = write.at_us;
  auto snapshots = readSnapshots(connection_, write.instance);
  if (!snapshots) return std::move(snapshots).error();
  std::int64_t kept = snapshots->empty() ? 0 : snapshots->front().id;
  // Chosen before anything is dropped for the new one.
  const ContextSnapshot* chosen = snapshotFor(*snapshots, state.context_schema, write.state_schema);
  std::optional<ContextSnapshot> back;
  if (chosen != nullptr) {
    auto read = readSnapshot(connection_, write.instance, chosen->id, damage_);
    if (!read) return std::move(read).error();
    back = *std::move(read);
  }
  if (keepsSnapshot(snapshots->empty() ? nullptr : &snapshots->front(), now, write)) {
    now.values = result.context.values;
    auto added = keepSnapshot(connection_, now);
    if (!added) return std::move(added).error();
    kept = *added;
  }
  if (!back) return {};

  InstanceState writer = state;
  writer.worker_schema = write.state_schema;
  // What was a context once may be one again, whatever the limit is now.
  auto written = writeContext(connection_, write.instance, result.generation, writer,
                              ReplaceContext{back->values, std::nullopt}, SIZE_MAX, damage_);
  if (!written) return std::move(written).error();
  result.restored = RestoredContext{back->id, back->version, back->at_us, kept, now.state_schema, now.version};
  result.context = {written->version, std::move(back->values), std::move(back->quarantined_keys)};
  result.state_schema = write.state_schema;
  return {};
}

Result<WriteValue> InstanceWrites::perform(const Fence& write) {
  const auto state = readState(connection_, write.instance);
  if (!state) return state.error();
  Fenced result;
  result.generation.value = state->generation.value + 1;
  result.state_schema = state->context_keys == 0 ? write.state_schema : state->context_schema;
  auto context = readContext(connection_, write.instance, state->context_version, damage_);
  if (!context) return std::move(context).error();
  result.context = *std::move(context);
  auto last_run = readLastRun(connection_, write.instance, damage_);
  if (!last_run) return std::move(last_run).error();
  result.last_run = *std::move(last_run);

  if (auto fenced = fenceContext(write, *state, result); !fenced) return std::move(fenced).error();
  if (auto set = setTarget(write.instance, write.target); !set) return std::move(set).error();
  Query query(connection_,
              "UPDATE states SET generation = ?1, worker_schema = ?2, context_schema = CASE context_keys WHEN 0 THEN "
              "?2 ELSE context_schema END WHERE instance = ?3");
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

Result<WriteValue> InstanceWrites::perform(const PutRollout& write) {
  const RolloutRecord& rollout = write.rollout;
  Query query(connection_, rollout.record.empty()
                               ? "DELETE FROM rollouts WHERE plugin = ?"
                               : "INSERT INTO rollouts(plugin, record) VALUES(?1, ?2) ON CONFLICT(plugin) DO UPDATE "
                                 "SET record = ?2");
  query.bind(rollout.plugin);
  if (!rollout.record.empty()) query.bind(rollout.record);
  if (!query.run()) return query.error();
  return WriteValue{Done{}};
}

}  // namespace longhaul::host::store
