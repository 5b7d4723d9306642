// Requests over the control socket that do something: sessions ended, statements
// cancelled, policies evaluated.  Their outcome may take a while, and is looked at again
// and again meanwhile: nothing here waits.
#pragma once

#include "server/by_hand.h"
#include "server/control_reply.h"
#include "server/round.h"

namespace leash {

struct ControlAction {
    ControlVerb verb;
    ByHand hand;        // terminate, cancel
    Outcome outcome;    // of them
    RoundResult round;  // reap
    uint64_t patience;  // monotonic, ns: when to answer at the latest
};

bool is_action(ControlVerb verb);

// Begins what was asked by an OS user.  In the current memory context, which must last
// as long as the action; needs a transaction.
void begin_action(ControlAction& action, const ControlRequest& request, uid_t user, uint64_t now);

// Whether it has come about, or has taken long enough.
bool is_complete(ControlAction& action, uint64_t now);

// Appends the answer to a request that is complete.  Needs a transaction.
void finish_action(ControlAction& action, StringInfo out);

}  // namespace leash
