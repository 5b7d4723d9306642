// The policies in force, in shared memory.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Puts policies into force, ordered by priority and name; progress of those whose name
// stays is kept.  Only the clerk calls it.
void store_policies(const Policy* policies, int count);

// Reading the table failed: the last good policies stay in force, and this says why.
// Logged once for each new reason.
void keep_policies(const char* reason);

// Whoever may have changed the table calls this after its commit: the worker has it
// read.  Cannot fail.
void want_policies();

// Copies the policies in force into the current memory context.
PolicySet* copy_policies();

}  // namespace leash
