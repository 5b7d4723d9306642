// Lets a test hold a process at an exact step: of a claim, of its exit, of the worker's
// round.  Who finds the step's name in pg_leash.debug_stop_at waits there until it gets
// an advisory lock.
// Nothing but a test of one pointer when the setting is empty.
#pragma once

#include "server/settings.h"

namespace leash {

void wait_for_test();

inline void debug_stop(const char* step) {
    if (unlikely(settings::debug_stop_at != nullptr && settings::debug_stop_at[0] != '\0' &&
                 strcmp(settings::debug_stop_at, step) == 0)) {
        wait_for_test();
    }
}

// Fails where a test wants to see what becomes of an error.
inline void debug_error(const char* step) {
    if (unlikely(settings::debug_stop_at != nullptr &&
                 strcmp(settings::debug_stop_at, step) == 0)) {
        elog(ERROR, "pg_leash.debug_stop_at is \"%s\"", step);
    }
}

// In the shape that core/claim.h calls, by the number of the step.
inline void debug_stop_after(int step) {
    static const char* const kNames[] = {"undecided", "looked", "swapped", "claimed"};
    debug_stop(kNames[step - 2]);
}

}  // namespace leash
