// What is a ping: a statement that touches no relation, calls no function outside
// pg_catalog, and nothing volatile.
#pragma once

#include "server/compat.h"
#include "server/statement.h"

extern "C" {
#include "nodes/plannodes.h"
}

namespace leash {

Use judge_plan(const PlannedStmt* plan);

// A function of somebody's own that may be gone from the plan of a query without
// relations; InvalidOid when there is none.  To be asked before the planner has
// worked on the query.
Oid find_own_function(Query* query);

// Has the plan depend on a function that the planner may have called and replaced by
// its result.
void depend_on_function(PlannedStmt* plan, Oid function);

}  // namespace leash
