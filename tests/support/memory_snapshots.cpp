// The kept copies of a context, of the fake.
#include "host/store/snapshot_rules.h"
#include "tests/support/memory_store.h"

namespace longhaul::host::test {

using namespace longhaul::host::store;

namespace {

using Snapshots = std::vector<ContextSnapshot>;

Snapshots newestFirst(const Snapshots& snapshots) {
  return {snapshots.rbegin(), snapshots.rend()};
}

std::size_t bytesOf(const ContextMap& values) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : values)
    bytes += key.size() + value.size();
  return bytes;
}

}  // namespace

void MemoryStore::fenceContext(Instance& instance, const Fence& write, Fenced& result) {
  InstanceRecord& record = instance.record;
  const ContextSnapshot now{.id = last_snapshot_ + 1,
                            .instance = record.id,
                            .digest = record.target.digest,
                            .generation = record.generation,
                            .version = record.context_version,
                            .state_schema = record.state_schema,
                            .at_us = write.at_us,
                            .keys_count = result.context.values.size(),
                            .bytes = bytesOf(result.context.values),
                            .values = result.context.values};
  auto snapshots = newestFirst(instance.snapshots);
  std::int64_t kept = snapshots.empty() ? 0 : snapshots.front().id;
  const ContextSnapshot* chosen = snapshotFor(snapshots, record.state_schema, write.state_schema);
  if (keepsSnapshot(snapshots.empty() ? nullptr : &snapshots.front(), now, write)) {
    kept = ++last_snapshot_;
    instance.snapshots.push_back(now);
    for (const std::int64_t id : snapshotsToDrop(newestFirst(instance.snapshots)))
      std::erase_if(instance.snapshots, [&](const ContextSnapshot& each) { return each.id == id; });
  }
  if (chosen != nullptr) {
    result.restored =
        RestoredContext{chosen->id, chosen->version, chosen->at_us, kept, record.state_schema, record.context_version};
    instance.context = chosen->values;
    instance.damaged.clear();
    ++record.context_version;
    record.state_schema = write.state_schema;
    result.context = contextOf(instance);
  }
  if (instance.context.empty()) record.state_schema = write.state_schema;
  result.state_schema = record.state_schema;
}

Result<std::vector<ContextSnapshot>> MemoryStore::contextSnapshots(InstanceId id) {
  const std::lock_guard lock{mutex_};
  const Instance* instance = find(id);
  auto snapshots = instance == nullptr ? Snapshots{} : newestFirst(instance->snapshots);
  for (ContextSnapshot& each : snapshots)
    each.values.clear();
  return snapshots;
}

Result<ContextSnapshot> MemoryStore::contextSnapshot(InstanceId id, std::int64_t snapshot) {
  const std::lock_guard lock{mutex_};
  if (const Instance* instance = find(id)) {
    for (const ContextSnapshot& each : instance->snapshots)
      if (each.id == snapshot) return each;
  }
  return noSnapshot(snapshot);
}

}  // namespace longhaul::host::test
