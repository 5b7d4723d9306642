// The journal of reapers' decisions: a ring in shared memory.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Writes a row; returns its sequence.
uint64_t journal_add(const ReapRecord& record);

// What became of it in the end.  Nothing when the row has been overwritten.
void journal_amend(uint64_t sequence, const char* outcome, uint64_t took);

// Copies all rows, oldest first, into the current memory context.
int journal_copy(ReapRecord** records);

// Logs one enforced decision with all its facts.
void journal_log(const ReapRecord& record);

}  // namespace leash
