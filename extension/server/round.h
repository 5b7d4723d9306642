// A round: all sessions judged by all policies once, and what follows from it.
#pragma once

#include "server/session_report.h"
#include "server/shared_state.h"

namespace leash {

// Who acts in a round, and how.
struct RoundOptions {
    bool dry_run;  // decide only: nothing is signalled, journaled or remembered
    Oid actor;     // acts with this role's rights; InvalidOid: the worker, with all
};

// What was decided about one session in one round.
struct RoundResult {
    ReapRecord* records;  // in the current memory context
    int count;
};

// Evaluates the policies once.  Holds Lock::round meanwhile, so one at a time; does
// not wait for anybody to exit.
RoundResult run_round(const RoundOptions& options);

// Looks whether sessions that were signalled are gone, and completes their rows.
// Returns how many are still awaited.  Called by the worker, often while any is.
int settle_exits();

}  // namespace leash
