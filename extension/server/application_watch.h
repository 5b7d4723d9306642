// The worker's view of which session belongs to which application, sample by sample.
#pragma once

#include "server/backend_state.h"
#include "server/session_report.h"

namespace leash {

// A sample begins.  `refresh`: look for sessions that have changed their
// application_name, and for those that ran statements; about once a second.
void begin_levels(bool refresh);

// The session in slot `number` is there, in this state.  `is_new`: it was not there at
// the last sample.
void count_level(int number, bool is_new, bool in_use, bool busy);

// The sample ends; it stands for the `elapsed` ns before it.
void end_levels(uint64_t elapsed);

// After a round: counts the sessions that became leaked since the one before.
void watch_verdicts(const SessionReports& all);

}  // namespace leash
