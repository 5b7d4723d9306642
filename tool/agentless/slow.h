// Slow statements as pg_stat_statements knows them: sums of all calls of those that are
// slow in the mean.
#pragma once

#include "agentless/thresholds.h"
#include "evidence/evidence.h"
#include "source/selection.h"

namespace leash::tool {

/// Rows as those of leash.slow_summary.  Throws Failure when this database does not have
/// pg_stat_statements, or the server has not loaded it.
RawRows slow_summary_rows(Connection& connection, const AgentlessThresholds& thresholds);

/// The same as evidence, with the time of all statements beside it; a note, and nothing,
/// where they are not known.
void read_slow_statements(Connection& connection, const AgentlessThresholds& thresholds,
                          Evidence& evidence);

}  // namespace leash::tool
