// The brake of a policy: how many sessions it has ended in the last minute.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Forgets what is older than a minute, and puts the rest into `progress`.
void release_brake(PolicySet& set, int policy, uint64_t now);

// One more.
void count_for_brake(PolicySet& set, int policy, uint64_t now);

}  // namespace leash
