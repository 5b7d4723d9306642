// The clerk: a process of a moment, connected to the database that pg_leash.database
// names.  It reads the policies into shared memory, sends notifications, and exits, so
// that nobody who wants to drop or copy that database meets it.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Starts a clerk when there is something to do for one and none is at work.  Called by
// the worker, often; cannot fail.
void call_clerk();

// A notification for the channel "pg_leash"; counted as lost when too many wait.
void send_notice(const char* payload);

}  // namespace leash
