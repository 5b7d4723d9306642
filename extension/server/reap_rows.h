// Decisions as rows of leash.reap_log.
#pragma once

#include "server/round.h"
#include "server/row_set.h"

namespace leash {

inline constexpr const char* kReapingIsOff = "no policy is evaluated: \"pg_leash.reaping\" is off";

// The journal, newest first.
extern LEASH_HIDDEN const RowSet kReapLogSet;

// The rows of one round.
void write_decisions(const RowSink& sink, const RoundResult& result);

// Looks who is gone meanwhile, without waiting.  True when no outcome is awaited any
// more.
bool update_outcomes(RoundResult& result);

}  // namespace leash
