// The totals whose differences the history shows.
#pragma once

#include "server/compat.h"
#include "server/shared_state.h"

namespace leash {

// Our own, of this life of the server; none ever goes back.
HistoryTotals read_history_totals();

// What was added to PostgreSQL's statistics of all databases since the last call.  False
// when that is not known: at the first call, and when the catalog is locked or was at the
// last call.  Runs a transaction; only the worker calls it.
bool read_database_growth(DatabaseCounts& growth);

}  // namespace leash
