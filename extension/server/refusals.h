// Connections that were turned away: they become no session and leave no other trace.
#pragma once

#include "server/shared_state.h"

namespace leash {

// A FATAL error of a process that is no session (yet) is about to be logged.
void note_refusal(const ErrorData* error);

// Minutes since 1970.
inline int64_t minute_of(TimestampTz at) {
    return timestamptz_to_time_t(at) / 60;
}

// Copies the event of that sequence; false when it is gone or being written.
bool read_refusal(uint64_t sequence, RefusalEvent& copy);

}  // namespace leash
