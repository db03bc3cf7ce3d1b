// Whole copies of a database while it is in use: SQLite's backup interface. Blocks for as long as the copy takes; any
// thread, with a connection of its own.
#pragma once

#include <filesystem>

#include "host/base/result.h"

namespace longhaul::host::store {

class Connection;

// Copies what `source` sees now to `target`, which is replaced once the copy is whole and on the disk. Mode 0600.
Result<void> backUp(Connection& source, const std::filesystem::path& target);

// The same of the store at `database`, which may be written meanwhile: the copy is of one moment. A `target` that
// exists, if only as a link to nothing, is CONFLICT and stays; one anywhere in `state_dir` is INVALID.
Result<void> backUpStore(const std::filesystem::path& database, const std::filesystem::path& state_dir,
                         const std::filesystem::path& target);

}  // namespace longhaul::host::store
