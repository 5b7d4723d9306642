// The steps of an escalation: which is next, and when.
#pragma once

#include <cstdint>

#include "policy_match.h"

namespace leash {

enum class Step : uint8_t { none, log, notify, cancel, terminate };

// How far a session has been taken by one policy, in one idle period or statement.
struct Progress {
    Step taken;         // the last step
    uint64_t taken_at;  // monotonic, ns
};

// A cancel does nothing to a session that is idle, waits for its client in COPY or has
// a client that does not read.
bool cancel_works(State state, ClientWait wait);

// The step that is due at `now`, none if there is none.  Without a grace the policy's
// action is the only step; with one: notify, then cancel where it works and the action
// is to cancel or terminate, then terminate, each a grace after the one before.
Step next_step(const Policy& policy, const Candidate& candidate, const Progress& progress,
               uint64_t now);

}  // namespace leash
