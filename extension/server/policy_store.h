// The policies in force, in shared memory.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Puts policies into force, ordered by priority and name; progress of those whose name
// stays is kept.  `wanted` is policies_wanted as it was before they were read: what was
// read before something newer is not stored.  Only the clerk calls it.
void store_policies(const Policy* policies, int count, uint64_t wanted);

// Reading the table failed: the last good policies stay in force, and this says why.
// Logged once for each new reason.
void keep_policies(const char* reason);

// There is no table to read: no policy is in force, and this says why.  Logged once
// for each new reason.
void drop_policies(const char* reason, uint64_t wanted);

// Whoever may have changed the table calls this after its commit: the worker has it
// read.  Cannot fail.
void want_policies();

// How the policies are.
struct PolicyStatus {
    int32_t count;
    TimestampTz loaded_at;
    char error[kErrorSize];
    uint32_t notices_lost;
};
void read_policy_status(PolicyStatus& status);

// Copies the policies in force into the current memory context.
PolicySet* copy_policies();

}  // namespace leash
