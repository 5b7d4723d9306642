// The plans of slow statements, when pg_leash.slow_plan_threshold asks for them.
#pragma once

#include "server/shared_state.h"

extern "C" {
#include "executor/execdesc.h"
}

namespace leash {

// Formats and keeps the plan of the slow statement of that sequence.  Unlike all else
// that a hook does, it allocates and may fail; it is off by default.
void record_plan(QueryDesc* query, uint64_t statement);

// Copies the plan of a slow statement; false when there is none.
bool read_plan(uint64_t statement, SlowPlan& copy);

}  // namespace leash
