// Counts incidents without reading them: the index of statuses has a set of ids for each block of them, and what came
// lately is at the end of the table. Inside one read transaction.
#pragma once

#include "host/store/incident_counts.h"
#include "host/store/sqlite/connection.h"

namespace longhaul::host::store {

// `total`: of all incidents. `now_us`: the hours are counted back from there.
Result<IncidentCounts> countIncidents(Connection& connection, std::int64_t total, std::int64_t now_us);

}  // namespace longhaul::host::store
