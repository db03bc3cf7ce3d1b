// The database's schema: the table of migrations, and what opens a database of any age with it. Migrations are data:
// one SQL text and one transaction a version, applied in order; a database newer than the table is refused untouched.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "host/store/sqlite/connection.h"

namespace longhaul::host::store {

// "lhdb": which program's database it is, in the file's header.
inline constexpr std::int64_t kApplicationId = 0x6c686462;

struct Migration {
  std::int64_t version;  // of the schema after it; they count from 1
  const char* sql;
};

// Ours, in order of version. docs/STORE.md describes the tables.
std::span<const Migration> migrations();

// Checks whose database it is and how old, and brings it to the newest version of `steps`. Before the first step on a
// database that is in use already, a copy is put beside it: "<path>.schema-<version>.bak".
// INVALID: of another program, or newer than the last step; nothing was written then.
Result<void> migrate(Connection& connection, std::span<const Migration> steps);

}  // namespace longhaul::host::store
