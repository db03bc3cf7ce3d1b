#include "host/store/sqlite/context_writes.h"

#include "host/base/limits.h"
#include "host/store/context_merge.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

class ContextWriter {
 public:
  ContextWriter(Connection& connection, InstanceId instance, Generation generation, const InstanceState& state,
                std::size_t bytes_max, DamageCount& damage)
      : connection_(connection),
        instance_(instance),
        generation_(generation),
        state_(state),
        bytes_max_(bytes_max),
        damage_(damage) {
    change_.version = state.context_version + 1;
  }

  Result<ContextChange> replace(const ReplaceContext& write);
  Result<ContextChange> patch(const std::map<std::string, std::optional<std::string>>& changes);
  Result<ContextChange> merge(const MergeContext& write);

 private:
  Result<void> put(const std::string& key, const std::string& value);
  Result<void> remove(std::string_view key);
  Result<void> removeAll();
  Result<void> storeState(std::size_t bytes, std::size_t keys);
  // Writes what differs from the rows that are there, so that a large context with one change is a small write.
  Result<void> replaceRows(const ContextMap& values);

  Connection& connection_;
  const InstanceId instance_;
  const Generation generation_;
  const InstanceState& state_;
  const std::size_t bytes_max_;
  DamageCount& damage_;
  ContextChange change_;
};

Result<void> ContextWriter::put(const std::string& key, const std::string& value) {
  Query query(connection_,
              "INSERT INTO context(instance, key, value, version, generation, checksum) VALUES(?, ?, ?, ?, ?, ?) "
              "ON CONFLICT(instance, key) DO UPDATE SET value = excluded.value, version = excluded.version, "
              "generation = excluded.generation, checksum = excluded.checksum");
  query.bind(instance_.value).bind(key).bind(value).bind(change_.version).bind(generation_.value);
  query.bind(contextChecksum(instance_, key, value, change_.version, generation_));
  if (!query.run()) return query.error();
  return {};
}

Result<void> ContextWriter::remove(std::string_view key) {
  Query query(connection_, "DELETE FROM context WHERE instance = ? AND key = ?");
  if (!query.bind(instance_.value).bind(key).run()) return query.error();
  return {};
}

Result<void> ContextWriter::removeAll() {
  Query query(connection_, "DELETE FROM context WHERE instance = ?");
  if (!query.bind(instance_.value).run()) return query.error();
  return {};
}

Result<void> ContextWriter::storeState(std::size_t bytes, std::size_t keys) {
  Query query(connection_,
              "UPDATE states SET context_version = ?, context_bytes = ?, context_keys = ?, context_schema = ? "
              "WHERE instance = ?");
  query.bind(change_.version).bind(static_cast<std::int64_t>(bytes)).bind(static_cast<std::int64_t>(keys));
  query.bind(generation_ ? state_.worker_schema : state_.context_schema).bind(instance_.value);
  if (!query.run()) return query.error();
  return {};
}

Result<void> ContextWriter::replaceRows(const ContextMap& values) {
  auto stored = readContext(connection_, instance_, state_.context_version, damage_);
  if (!stored) return std::move(stored).error();
  if (!stored->quarantined_keys.empty()) {
    // A damaged row may not be found by its key.
    if (auto removed = removeAll(); !removed) return removed;
    stored->values.clear();
  }
  for (const auto& [key, value] : stored->values) {
    if (values.contains(key)) continue;
    if (auto removed = remove(key); !removed) return removed;
  }
  for (const auto& [key, value] : values) {
    const auto same = stored->values.find(key);
    if (same != stored->values.end() && same->second == value) continue;
    if (auto written = put(key, value); !written) return written;
  }
  return {};
}

Result<ContextChange> ContextWriter::replace(const ReplaceContext& write) {
  if (write.expected_version && *write.expected_version != state_.context_version) {
    return contextConflict(*write.expected_version, state_.context_version);
  }
  std::size_t bytes = 0;
  for (const auto& [key, value] : write.values) {
    if (auto checked = checkContextPair(key, value); !checked) return std::move(checked).error();
    bytes += key.size() + value.size();
  }
  const auto fits = checkContextSize(state_.context_bytes, bytes, state_.context_keys, write.values.size(), bytes_max_);
  if (!fits) return fits.error();
  if (auto replaced = replaceRows(write.values); !replaced) return std::move(replaced).error();
  if (auto stored = storeState(bytes, write.values.size()); !stored) return std::move(stored).error();
  change_.whole = true;
  for (const auto& [key, value] : write.values)
    change_.changes.emplace_hint(change_.changes.end(), key, value);
  return std::move(change_);
}

Result<ContextChange> ContextWriter::patch(const std::map<std::string, std::optional<std::string>>& changes) {
  std::size_t bytes = state_.context_bytes;
  std::size_t keys = state_.context_keys;
  for (const auto& [key, value] : changes) {
    if (auto checked = checkContextPair(key, value.value_or("")); !checked) return std::move(checked).error();
    Query old(connection_, "SELECT length(CAST(value AS BLOB)) FROM context WHERE instance = ? AND key = ?");
    if (old.bind(instance_.value).bind(key).next()) {
      // Never below zero, whatever a damaged row says of its size.
      bytes -= std::min(bytes, key.size() + static_cast<std::size_t>(old.integer(0)));
      keys -= std::min<std::size_t>(keys, 1);
    }
    if (old.failed()) return old.error();
    if (value) {
      bytes += key.size() + value->size();
      ++keys;
    }
  }
  const auto fits = checkContextSize(state_.context_bytes, bytes, state_.context_keys, keys, bytes_max_);
  if (!fits) return fits.error();
  for (const auto& [key, value] : changes) {
    auto written = value ? put(key, *value) : remove(key);
    if (!written) return std::move(written).error();
  }
  if (auto stored = storeState(bytes, keys); !stored) return std::move(stored).error();
  change_.changes = changes;
  return std::move(change_);
}

Result<ContextChange> ContextWriter::merge(const MergeContext& write) {
  auto stored = readContextValue(connection_, instance_, write.key, damage_);
  if (!stored) return std::move(stored).error();
  if (*stored && !(*stored)->intact) return quarantinedValue(write.key);
  auto merged = mergeList(*stored ? std::optional{std::move((*stored)->value)} : std::nullopt, write);
  if (!merged) return std::move(merged).error();
  return patch({{write.key, *std::move(merged)}});
}

}  // namespace

Result<ContextChange> writeContext(Connection& connection, InstanceId instance, Generation generation,
                                   const InstanceState& state, const ContextWrite& write, std::size_t bytes_max,
                                   DamageCount& damage) {
  ContextWriter writer(connection, instance, generation, state, bytes_max, damage);
  if (const auto* replace = std::get_if<ReplaceContext>(&write)) return writer.replace(*replace);
  if (const auto* patch = std::get_if<PatchContext>(&write)) return writer.patch(patch->changes);
  return writer.merge(std::get<MergeContext>(write));
}

}  // namespace longhaul::host::store
