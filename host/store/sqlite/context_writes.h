// The writes of an instance's context. Writer thread, inside a transaction; a failure leaves rows half written, and the
// caller undoes them.
#pragma once

#include "host/store/sqlite/rows.h"

namespace longhaul::host::store {

// Performs the write under the next version of the context and stores the new state. `generation` 0: an operator's.
Result<ContextChange> writeContext(Connection& connection, InstanceId instance, Generation generation,
                                   const InstanceState& state, const ContextWrite& write, std::size_t bytes_max,
                                   DamageCount& damage);

}  // namespace longhaul::host::store
