// A session's permission to idle, which it takes and gives back itself.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Copies the lease of a session; false when it has none, or one that has run out.
bool read_lease(const SessionSlot& slot, Lease& copy);

// Whether there is one.  Takes no lock and allocates nothing: the claim calls it.
bool holds_lease(const SessionSlot& slot);

// For the calling session, whose slot it writes: one lease replaces another.
void take_lease(const Lease& lease);

// Returns whether there was a lease that had not run out.  Cannot fail.
bool drop_lease();

}  // namespace leash
