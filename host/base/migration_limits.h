// Limits of a migration of an instance's context, of host and worker.
#pragma once

namespace longhaul::host {

// Writes that a worker may try, of which one lands: an operator's write in between makes one fail.
inline constexpr int kMigrationTriesMax = 4;

}  // namespace longhaul::host
