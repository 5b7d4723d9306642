// Connections that were turned away: they become no session and leave no other trace.
#pragma once

#include "server/shared_state.h"

namespace leash {

// A FATAL error of a process that is no session (yet) is about to be logged.
void note_refusal(const ErrorData* error);

// Copies the event of that sequence; false when it is gone or being written.
bool read_refusal(uint64_t sequence, RefusalEvent& copy);

}  // namespace leash
