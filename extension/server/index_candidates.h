// Where an index may be missing: slow statements whose plan reads a large table from its
// start to its end and keeps few of its rows, by plain columns.
//
// Names and sizes come from the relations that the plan has open; no catalog is read
// while the statement runs.
#pragma once

#include "server/shared_state.h"

extern "C" {
#include "executor/execdesc.h"
}

namespace leash {

// A slow statement ended; its plan is still there.  Takes Lock::slow.
void note_index_candidates(const QueryDesc* query, uint64_t duration);

void forget_index_candidates();

// Copies all entries that are in use into the current memory context.
int copy_index_candidates(IndexCandidate** copies);

}  // namespace leash
