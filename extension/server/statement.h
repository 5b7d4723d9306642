// The statement that this session is running: when it began and ended, what it
// used, what it was.  The hooks call these at top level; nothing here can fail.
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

// A statement was analyzed, maybe in a message of its own (Parse).
void statement_analyzed(bool secret);

// A statement of the client's is about to be planned.
void statement_planned(StatementText text, uint64_t query_id);

// A statement begins: the first of planner, ExecutorRun and Utility says so.  Does not
// return when the session was claimed.  `arrival` is the stamp of the message that
// began it, when that was an earlier one.
void statement_begins(StatementText text, uint64_t query_id, TimestampTz arrival);

// A fast-path call begins; nothing tells when it ends but the transaction's end.
void fastpath_call_begins();

// The statement that begins is one to count.
void statement_counts();

// The text of the current message could carry a password.
void statement_is_secret();

// The statement ended well; nothing if none is open.
void statement_ends(StatementText text, uint64_t query_id, uint64_t rows);

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

// A transaction ended inside a statement (CALL).
void transaction_ends_within();

}  // namespace leash
