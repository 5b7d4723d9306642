// Slow statements by query: a bounded table in shared memory.
#pragma once

#include "server/slow_statements.h"

namespace leash {

// What is stored of one slow statement.
struct SlowRecord {
    uint64_t sequence;
    TextSpan text;  // masked
    bool secret;
    uint64_t client_wait;  // ns; kUnknownWait: no worker
};

// This session's statement is added.  Takes Lock::slow.
void summarize_slow(const SlowRecord& record, const SlowFacts& facts);

// This session's statement that was added last went on; nothing for any other.
void amend_summary(uint64_t sequence, uint64_t duration, int sqlstate);

void forget_summaries();

// Copies all entries that are in use into the current memory context.
int copy_summaries(SlowSummary** copies);

}  // namespace leash
