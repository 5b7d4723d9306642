// The clerk: a process of a moment, connected to the database that pg_leash.database
// names.  It reads the policies into shared memory, sends notifications, and exits, so
// that nobody who wants to drop or copy that database meets it.  On a standby, where
// nobody tells what changes, it stays and looks once per check interval.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Starts a clerk when there is something to do for one and none is at work.  Called by
// the worker, often and outside a transaction.
void call_clerk();

// A notification for the channel "pg_leash"; counted as lost when too many wait.
void send_notice(const char* payload);

// The notices that wait, in the current memory context; they wait no longer.
Notice* take_notices(int& count);

// Notices that were taken and could not be sent.
void lose_notices(int count);

// Where there is no database or no primary to notify from, they go to the log.
void log_notices(const Notice* notices, int count);

}  // namespace leash
