// Whether this session LISTENs: PostgreSQL keeps that to itself.
#pragma once

#include "server/compat.h"

namespace leash {

// A utility statement is about to run: LISTEN, UNLISTEN and DISCARD ALL count.
void note_listening(const Node* statement);

// Whether the open transaction noted anything.
extern LEASH_HIDDEN bool listening_changes;

// A subtransaction ends; what it noted is its parent's, or is forgotten.
void listening_subtransaction_ended(bool committed);

// What was noted took effect, or was rolled back.
void listening_committed();
void listening_aborted();

}  // namespace leash
