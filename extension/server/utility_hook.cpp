// Watches utility statements.
#include "server/hooks.h"
#include "server/secret_statements.h"
#include "server/session.h"
#include "server/listening.h"
#include "server/policy_changes.h"
#include "server/session_marks.h"
#include "server/shared_snapshots.h"
#include "server/statement_path.h"
#include "server/transaction.h"

extern "C" {
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
}

namespace leash {
namespace {

ProcessUtility_hook_type prev_ProcessUtility = nullptr;

Use use_of(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_TransactionStmt:
        case T_VariableSetStmt:
        case T_VariableShowStmt:
        case T_DiscardStmt:
            return Use::neutral;
        default:
            return Use::use;
    }
}

// These write a commit record, and wait for a standby, without the callbacks of a
// transaction of their own.
bool finishes_prepared(const Node* statement) {
    if (!IsA(statement, TransactionStmt)) {
        return false;
    }
    const TransactionStmtKind kind = reinterpret_cast<const TransactionStmt*>(statement)->kind;
    return kind == TRANS_STMT_COMMIT_PREPARED || kind == TRANS_STMT_ROLLBACK_PREPARED;
}

struct UtilityCall {
    PlannedStmt* statement;
    const char* query;
    bool read_only_tree;
    ProcessUtilityContext context;
    ParamListInfo parameters;
    QueryEnvironment* environment;
    DestReceiver* destination;
    QueryCompletion* completion;
};

void call_next(const UtilityCall& call) {
    const ProcessUtility_hook_type next =
        prev_ProcessUtility != nullptr ? prev_ProcessUtility : standard_ProcessUtility;
    next(call.statement, call.query, call.read_only_tree, call.context, call.parameters,
         call.environment, call.destination, call.completion);
}

// The block that it begins or ends is timed from when it was received.
void note_block(TimestampTz message) {
    current.may_be_in_block = true;
    if (!IsTransactionBlock()) {
        const TimestampTz bound_for = message - ActivePortal->creation_time;
        note_report(current.begun + static_cast<uint64_t>(bound_for) * 1000);
    }
}

void process_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                     ProcessUtilityContext context, ParamListInfo parameters,
                     QueryEnvironment* environment, DestReceiver* destination,
                     QueryCompletion* completion) {
    const UtilityCall call = {statement,  query,       read_only_tree, context,
                              parameters, environment, destination,    completion};
    note_policy_ddl(statement->utilityStmt);
    if (my_slot == nullptr) {
        call_next(call);
        return;
    }
    // The tree may be gone when the call returns (ROLLBACK frees it): copy now.
    const Node* const node = statement->utilityStmt;
    const StatementText text = {query, statement->stmt_location, statement->stmt_len};
    const uint64_t query_id = statement->queryId;
    const bool top = at_top_level();
    const bool prepared = finishes_prepared(node);
    if (top) {
        const TimestampTz message = GetCurrentStatementStartTimestamp();
        current.sqlstate = 0;
        current.use = use_of(node);
        const bool failed_block = IsAbortedTransactionBlockState();
        statement_begins(message, ActivePortal->creation_time);
        keep_text(text);
        if (failed_block) {
            current.used_in_xact = false;  // it was counted when it failed
        }
        if (IsA(node, TransactionStmt)) {
            note_block(message);
        }
        if (statement->canSetTag) {
            statement_counts();
        }
    }
    if (carries_secret(node)) {
        statement_is_secret();
    }
    note_listening(node);
    note_marks(node);
    if (prepared) {
        commit_begins();
    }
    const Nested nested;
    call_next(call);
    nested.leave();
    settle_import();
    if (prepared) {
        commit_ends();
    }
    if (top) {
        settle_export(my_slot);
        utility_ends(text, query_id, completion != nullptr ? completion->nprocessed : 0);
    }
}

}  // namespace

void install_utility_hook() {
    prev_ProcessUtility = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
}

}  // namespace leash
