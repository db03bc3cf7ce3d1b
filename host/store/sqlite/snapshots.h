// The kept copies of an instance's context. The caller's thread is the connection's; the writes run inside a
// transaction, and after a failure the caller undoes them.
#pragma once

#include <vector>

#include "host/store/sqlite/rows.h"

namespace longhaul::host::store {

// Newest first, without values and sizes.
Result<std::vector<ContextSnapshot>> readSnapshots(Connection& connection, InstanceId instance);
// The same with sizes, which reads all of them.
Result<std::vector<ContextSnapshot>> readSnapshotSizes(Connection& connection, InstanceId instance);
// Whole. NOT_FOUND: the instance has none of this id.
Result<ContextSnapshot> readSnapshot(Connection& connection, InstanceId instance, std::int64_t id, DamageCount& damage);

// Keeps `context` under the next id, which it gives, and drops what snapshotsToDrop() names. The id of `context` is not
// looked at.
Result<std::int64_t> keepSnapshot(Connection& connection, const ContextSnapshot& context);

}  // namespace longhaul::host::store
