// The part of shared memory that holds the history; see shared_state.h.  The worker alone
// writes it, a minute each in a ring.
#pragma once

#include "server/shared_types.h"

namespace leash {

// One minute of the whole server.  Levels are sampled, counts are differences of totals.
struct HistoryRow {
    TimestampTz minute;  // its begin
    uint32_t covered;    // ms of it that were watched
    bool has_databases;  // the last four are known
    uint8_t unused[3];   // rows are saved: no byte that nobody sets
    uint32_t used_peak;
    uint32_t active_peak;
    uint32_t idle_in_transaction_peak;
    uint32_t in_use_peak;
    uint32_t leaked;   // the most at one time
    uint32_t opened;   // sessions
    uint32_t refused;  // connections, for lack of a slot
    uint32_t reaped;
    uint32_t slow;  // statements
    double used_mean;
    double busy_seconds;
    uint64_t statements;
    uint64_t blks_hit;  // of all databases
    uint64_t blks_read;
    uint64_t rows_read;
    uint64_t rows_written;
};
static_assert(sizeof(HistoryRow) <= 128, "a week of them is about a megabyte");

// What only ever grows, but for a reset.
struct HistoryTotals {
    uint64_t opened;
    uint64_t refused;
    uint64_t reaped;
    uint64_t statements;
    uint64_t slow;
};

struct HistoryState {
    ChangeCount changes;  // of the ring and the next two
    int32_t room;         // rows that the ring has place for; set at start
    uint64_t newest;      // sequence of the newest row; the ring begins with 1
    uint64_t count;       // rows that are there
    uint64_t written;     // goes on when there is something to be saved

    // The minute that lasts.  Nobody reads it but the worker, and the postmaster at the end.
    bool is_open;
    HistoryRow open;
    uint64_t began;    // monotonic, ns
    uint64_t ends;     // monotonic, ns
    uint64_t sampled;  // ns that samples stand for
    double used_area;  // level x ns
    double busy_area;
    bool has_leaked;       // a round has said how many are, in this minute
    uint32_t leaked_now;   // as the last round found
    HistoryTotals before;  // when it began
};

static_assert(kMayLiveInSharedMemory<HistoryState>);

}  // namespace leash
