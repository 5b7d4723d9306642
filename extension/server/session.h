// This backend's own session: its slot, from the end of login to exit.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Null in every process that is no client backend, and before login has ended.
extern LEASH_HIDDEN SessionSlot* my_slot;

// Takes the slot of this backend.  Called in InitPostgres's commit callback, when
// role and database are known; false where there is no client session to track.
bool open_session_at_login();

// Waits until nobody can signal this process for `flags` (core/claim.h) any more,
// and lets what was sent arrive.
void receive_signals(uint64_t flags);

// A statement met a claim: raises FATAL, unless the reaper withdraws the claim at its
// last look.
void end_claimed_session();

// Called from _PG_init.
void install_session_hooks();

}  // namespace leash
