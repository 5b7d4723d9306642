// The journal of reapers' decisions: a ring in shared memory.
#pragma once

#include "server/session_report.h"
#include "server/shared_state.h"

namespace leash {

// A row about a session that was reported: who it is, and what is wrong with it.  What
// was decided is left to the caller.
ReapRecord make_record(const SessionReport& report, const char* role, const char* database);

void set_outcome(ReapRecord& record, const char* outcome);

// Writes a row and notes its sequence in it.
void journal_add(ReapRecord& record);

// What became of it in the end; it counts as logged then.  False when the row has been
// overwritten, else `amended` is the whole row.
bool journal_amend(uint64_t sequence, const char* outcome, uint64_t took, ReapRecord& amended);

// A copy of one row; false when it has been overwritten.
bool journal_read(uint64_t sequence, ReapRecord& record);

// Copies all rows, oldest first, into the current memory context.
int journal_copy(ReapRecord** records);

// For saved_state: the rows, oldest first, in memory from malloc(); and back.
void* journal_collect(uint64_t& count);
void journal_restore(const void* items, uint64_t count);
uint64_t journal_changes();

// Logs one enforced decision with all its facts, in one line.
void journal_log(const ReapRecord& record);

// Logs that the breaker of this session's group is open, and for how long.
void log_breaker(const ReapRecord& record, const char* duration);

}  // namespace leash
