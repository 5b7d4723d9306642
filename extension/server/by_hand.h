// Ends a session or cancels a statement for a user, and writes the row about it.
#pragma once

#include "server/reaper.h"

namespace leash {

// Ends one session, and waits for it to be gone from the process array.  Without `force`
// only an idle one; with it, in any state.  `reason` may be null.
Outcome terminate_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason,
                          bool force);

// Cancels the statement that runs now, and waits for it to end.
Outcome cancel_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason);

}  // namespace leash
