// Has the plugin turn a context that was written under another stateSchema into its own form (longhaul/migrate.h), and
// the host write what comes of it, before the plugin is created. Main thread.
#pragma once

#include "host/worker/session.h"
#include "longhaul/migrate.h"

namespace longhaul::host::worker {

// Does nothing where Start names no two schemas, or the plugin has no table (null): then it gets the context as it is.
// An operator's write of the context that comes in between is migrated as well. A failure ends the process with
// Failed{Migrate}, and nothing was written.
void migrateContext(Session& session, const longhaul_migrate_t* table);

}  // namespace longhaul::host::worker
