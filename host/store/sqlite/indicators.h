// Indicators: searches for the reading connection, and a commit's part for the writing one, inside a transaction.
#pragma once

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

// Inside one read transaction, so that the page and its total are of one state.
Result<IndicatorPage> findIndicators(Connection& connection, const IndicatorQuery& query);
Result<void> writeIndicators(Connection& connection, const CommitWrite& write, Committed& result);

}  // namespace longhaul::host::store
