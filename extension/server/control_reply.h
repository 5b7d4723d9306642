// Answers over the control socket, as JSON.
#pragma once

#include "server/round.h"

#include "core/control_request.h"

extern "C" {
#include "lib/stringinfo.h"
}

namespace leash {

// Appends the answer to a request about what is there to see.  Needs a transaction.
void write_reply(const ControlRequest& request, StringInfo out);

// Appends the decisions of a round.
void write_round(const RoundResult& round, StringInfo out);

// Appends what became of a session that was to be ended, or of its statement.
void write_outcome(const SessionId& session, const char* outcome, StringInfo out);

// Appends {"error": ...}.
void write_error(const char* sqlstate, const char* message, StringInfo out);

}  // namespace leash
