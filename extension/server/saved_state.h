// Shared memory that survives a restart, in one file in pg_stat_tmp, where base backups
// do not take it along.
#pragma once

#include "server/shared_state.h"

namespace leash {

// A part of it.  To be called in any process, the postmaster too: nothing here may raise
// an ERROR, and locks are only taken where there is a PGPROC.
struct SavedPart {
    const char* name;
    uint32_t version;  // of the layout of its items
    uint32_t item_size;
    // Copies the items into memory from malloc(); null when there is none to be had.
    void* (*collect)(uint64_t& count);
    // Takes over the items of the file, at start.  Sound ones only: it trusts none.
    void (*restore)(const void* items, uint64_t count);
    // A number that is another when there is something new to be saved.
    uint64_t (*changes)();
};

// Writes the file when something has changed since this process wrote it last.
void save_state();

// Reads the file into shared memory that has just been made.  What cannot be trusted is
// reported and set aside.  Called in the postmaster.
void restore_state();

// Has the postmaster write the file at an orderly end.
void save_state_at_exit();

}  // namespace leash
