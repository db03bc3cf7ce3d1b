// Which incidents have a given instance, type or status. Rows of an ordinary index would cost three more pages in each
// commit; here ids are gathered in blocks of 1,024, and each field's value has one small set of ids in each block where
// it occurs, written once, when the block is full. What is not in a full block yet is scanned: at most 1,023 rows. A
// search intersects the sets, so its cost follows the page, not the number of incidents.
#pragma once

#include <cstdint>

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

inline constexpr std::int64_t kIncidentBlock = 1024;  // ids; part of the database's format

// Writes the blocks that are full once ids up to `last_id` are used, from `blocks` on, and counts `blocks` up. Writer
// thread, inside the transaction that filled them.
Result<void> indexFullBlocks(Connection& connection, std::int64_t last_id, std::int64_t& blocks);
// The incident's status changed: moves it from one set to the other, if its block is in the index (`blocks` are).
Result<void> moveIndexedStatus(Connection& connection, IncidentId incident, const std::string& before,
                               const std::string& after, std::int64_t blocks);
// How many blocks are in the index.
Result<std::int64_t> indexedBlocks(Connection& connection);

// A page of incidents. Inside one read transaction, so that index and rows are of one state.
Result<Page<Incident>> findIncidents(Connection& connection, const IncidentQuery& query);
Result<Incident> readIncident(Connection& connection, IncidentId id);

}  // namespace longhaul::host::store
