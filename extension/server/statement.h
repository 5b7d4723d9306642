// The statement that this session is running: when it began and ended, what it
// used, what it was.  The hooks call these at top level; nothing here can fail.  What
// every statement pays for is in statement_path.h.
#pragma once

#include "server/slow_statements.h"

namespace leash {

// Whether a statement shows that the session is needed.
enum class Use : uint8_t {
    use,
    ping,     // touches no relation, calls nothing outside pg_catalog, nothing volatile
    neutral,  // BEGIN, COMMIT, ROLLBACK, SHOW, SET, RESET, DISCARD
};

// The session was opened.
void statements_begin();

// pg_leash.track was switched off.
void stop_observing();

// A statement was analyzed, maybe in a message of its own (Parse).
void statement_analyzed(bool secret);

// A statement of the client's is about to be planned, maybe in a message of its own
// (Bind).  True: planning_ends() must follow, unless it fails.
bool statement_planned(StatementText text);
void planning_ends();

// A fast-path call begins; nothing tells when it ends but the transaction's end.
void fastpath_call_begins(Oid function);

// The text of the current message could carry a password.
void statement_is_secret();

// A utility statement ended well; nothing if none is open.
void utility_ends(StatementText text, uint64_t query_id, uint64_t rows);

// An error is on its way to the client; kept for the end of the transaction.
void statement_fails(int sqlstate);

// An error is about to be answered: a cancel still on its way is taken in before the
// next message is read, where PostgreSQL discards what came between commands.
void error_leaves();

// The transaction ended at top level.  What a statement that wrote spent on its
// commit belongs to it.
void transaction_ends(bool wrote);

// The transaction or subtransaction was rolled back at top level, maybe by an error
// in a message that reached no hook.
void message_fails();

}  // namespace leash
