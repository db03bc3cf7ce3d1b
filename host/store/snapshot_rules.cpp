#include "host/store/snapshot_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/limits.h"

namespace longhaul::host::store {

bool keepsSnapshot(const ContextSnapshot* newest, const ContextSnapshot& context, const Fence& fence) {
  if (context.digest.empty()) return false;  // no plugin wrote it
  const bool other_form = fence.state_schema != context.state_schema;
  if (fence.target.digest == context.digest && !other_form) return false;
  // Nothing written is kept where the form changes: a way back then gives nothing, and not the newer form.
  if (context.version == 0 && !other_form) return false;
  return newest == nullptr || newest->version != context.version || newest->state_schema != context.state_schema;
}

const ContextSnapshot* snapshotFor(std::span<const ContextSnapshot> snapshots, std::int64_t context_schema,
                                   std::int64_t worker_schema) {
  if (worker_schema >= context_schema) return nullptr;
  const auto found = std::find_if(snapshots.begin(), snapshots.end(),
                                  [&](const ContextSnapshot& each) { return each.state_schema == worker_schema; });
  return found == snapshots.end() ? nullptr : &*found;
}

std::vector<std::int64_t> snapshotsToDrop(std::span<const ContextSnapshot> snapshots) {
  std::vector<std::int64_t> dropped;
  std::vector<std::int64_t> schemas;  // that have one kept
  std::size_t others_count = 0;
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    const std::int64_t schema = snapshots[i].state_schema;
    const bool is_first = std::find(schemas.begin(), schemas.end(), schema) == schemas.end();
    if (is_first) schemas.push_back(schema);
    if (i < kContextSnapshotsMax) continue;
    if (!is_first || ++others_count > kSnapshotSchemasMax) dropped.push_back(snapshots[i].id);
  }
  return dropped;
}

Error noSnapshot(std::int64_t snapshot) {
  return {
      Code::NotFound,
      fmt::format("the instance has no snapshot {} of its context; it may have been dropped for newer ones", snapshot)};
}

}  // namespace longhaul::host::store
