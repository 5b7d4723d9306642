// Ends sessions and cancels statements, by the claim of core/claim.h.
#pragma once

#include "server/shared_state.h"

namespace leash {

// What became of it, in the words of the interface.  'refused: ...' and
// 'exempt: ...' say why nothing was done.
using Outcome = const char*;

inline constexpr Outcome kEnded = "ended";
inline constexpr Outcome kStillExiting = "still exiting";
inline constexpr Outcome kWokeUp = "spared: woke up";
inline constexpr Outcome kGone = "gone";
inline constexpr Outcome kCancelled = "cancelled";
inline constexpr Outcome kStillRunning = "still running";
inline constexpr Outcome kTooLate = "too late";

// The slot of a session, or null when no such session is open.
SessionSlot* find_session(const SessionId& id, SessionIdentity& identity);

// Claims and ends one session, and waits for it to be gone from the process array.
// Without `force` only an idle one; with it, in any state.
Outcome terminate_session(SessionSlot* slot, const SessionIdentity& target, const char* reason,
                          bool force);

// Cancels the statement that runs now, and waits for it to end.
Outcome cancel_statement(SessionSlot* slot, const SessionIdentity& target);

}  // namespace leash
