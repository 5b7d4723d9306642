// The history: what each minute was like, kept by the worker.
#pragma once

#include "server/shared_state.h"

namespace leash {

// What one sample saw of the whole server.
struct ServerLevels {
    uint32_t used;  // process slots taken
    uint32_t active;
    uint32_t idle_in_transaction;
    uint32_t in_use;
    uint32_t busy;
};

// --- the worker's part -------------------------------------------------------

// A sample at `now`, which stands for the `elapsed` ns before it.
void add_to_history(const ServerLevels& levels, uint64_t elapsed, uint64_t now);

// A round has found that many sessions leaked.
void add_leaked_to_history(uint32_t leaked);

// When the minute ends, in ns of the monotonic clock; 0: none has begun.
uint64_t history_due();

// Writes the row of the minute that is over, and begins the next one.  Outside a
// transaction; may raise an ERROR, and is to be called again then.
void end_history_minute();

// --- readers -----------------------------------------------------------------

// Copies the rows of the retention time into the current memory context, oldest first.
HistoryRow* copy_history(uint64_t& count);

// Functions for SavedPart, see saved_state.h.
void* collect_history(uint64_t& count);
void restore_history(const void* items, uint64_t count);
uint64_t history_changes();

}  // namespace leash
