// Which copies of an instance's context are kept, and which one goes back to an older plugin. Every Store decides by
// these, on the rows that it has. Any thread; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/store/values.h"

namespace longhaul::host::store {

// Beside the newest kContextSnapshotsMax: the newest one of so many other schemas, the latest first. Swaps within one
// schema, however many, do not push out what a way back to another needs.
inline constexpr std::size_t kSnapshotSchemasMax = 4;

// Whether a fence keeps a copy of the context before it lets the worker in. `newest`: the last that was kept, null:
// none. `context`: as the context is now; its digest is that of the plugin before, empty: no worker ever. A context
// that is kept already is not kept twice: a version is one content.
bool keepsSnapshot(const ContextSnapshot* newest, const ContextSnapshot& context, const Fence& fence);

// The snapshot that a worker of `worker_schema` gets instead of the context, which was written under `context_schema`:
// the newest of its own schema, if that is lower. Newest and not the one of its very digest: an equal schema is an
// equal form, and the newest has most of what was acknowledged. `snapshots`: newest first. Null: none.
const ContextSnapshot* snapshotFor(std::span<const ContextSnapshot> snapshots, std::int64_t context_schema,
                                   std::int64_t worker_schema);

// The ids of those that go. `snapshots`: newest first.
std::vector<std::int64_t> snapshotsToDrop(std::span<const ContextSnapshot> snapshots);

Error noSnapshot(std::int64_t snapshot);

}  // namespace longhaul::host::store
