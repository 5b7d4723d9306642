// Ends a session or cancels a statement for a user, and writes the row about it.
#pragma once

#include "server/reaper.h"

namespace leash {

// What was begun and has not come about yet.
struct ByHand {
    SessionSlot* slot;
    SessionIdentity target;
    BackendState command;  // of a cancel: what it hit
    ReapRecord record;
    uint64_t began;  // monotonic, ns
};

// Ends one session, and waits for it to be gone from the process array.  Without `force`
// only an idle one; with it, in any state.  `reason` may be null.
Outcome terminate_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason,
                          bool force);

// Cancels the statement that runs now, and waits for it to end.
Outcome cancel_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason);

// The same for who cannot wait.  As long as the outcome is kStillExiting or
// kStillRunning, has_come_about() tells whether it has, and finish_by_hand() must be
// called in the end; any other outcome is final.
Outcome begin_terminate(ByHand& hand, SessionSlot* slot, const SessionIdentity& target,
                        const char* reason, int encoding, bool force);
Outcome begin_cancel(ByHand& hand, SessionSlot* slot, const SessionIdentity& target,
                     const char* reason, int encoding);
bool has_come_about(const ByHand& hand);

// Completes the row and logs it; returns the outcome.
Outcome finish_by_hand(ByHand& hand, bool came_about);

}  // namespace leash
