// How many decisions of which kind there were, since the server started: what the ring of
// the journal forgets.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Counts a decision whose outcome is known.  Under Lock::journal, exclusive.
void count_decision(const ReapRecord& record);

// Copies all into the current memory context.
int copy_reap_totals(ReapTotal** totals);

}  // namespace leash
