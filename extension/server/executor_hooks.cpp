// Watches analysis, planner, executor and fast-path calls.
#include "server/hooks.h"
#include "server/index_candidates.h"
#include "server/ping.h"
#include "server/session.h"
#include "server/slow_plans.h"
#include "server/session_marks.h"
#include "server/shared_snapshots.h"
#include "server/statement_path.h"
#include "server/secret_statements.h"

extern "C" {
#include "catalog/objectaccess.h"
#include "tcop/pquery.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/portal.h"
}

namespace leash {

LEASH_HOT int nesting_level = 0;

void reset_nesting() {
    nesting_level = 0;
}

bool is_still_nested() {
    if (current.message != GetCurrentStatementStartTimestamp()) {
        nesting_level = 0;
    }
    return nesting_level != 0;
}

namespace {

// Analysis and planning come before there is an active portal.  What a deferred
// trigger analyzes at commit, or a fast-path call, is no statement of the client's.
bool at_message_level() {
    return my_slot != nullptr && ActivePortal == nullptr && !is_nested() &&
           MyBEEntry->st_state != STATE_FASTPATH && DatumGetInt32(pg_trigger_depth(nullptr)) == 0;
}

post_parse_analyze_hook_type prev_post_parse_analyze = nullptr;
planner_hook_type prev_planner = nullptr;
object_access_hook_type prev_object_access = nullptr;

// Never null, so that a statement need not ask.
LEASH_HOT ExecutorStart_hook_type next_ExecutorStart = standard_ExecutorStart;
LEASH_HOT ExecutorRun_hook_type next_ExecutorRun = standard_ExecutorRun;
LEASH_HOT ExecutorFinish_hook_type next_ExecutorFinish = standard_ExecutorFinish;

pg_noinline Use judge_again(const PlannedStmt* plan) {
    constexpr uint64_t kNone = ~uint64_t{0};  // without query ids the next may be another
    current.plan = plan;
    current.plan_query = plan->queryId != 0 ? static_cast<uint64_t>(plan->queryId) : kNone;
    current.plan_use = judge_plan(plan);
    return current.plan_use;
}

// The same plan of the same query need not be looked through again.
inline Use use_of(const PlannedStmt* plan) {
    return likely(plan == current.plan &&
                  static_cast<uint64_t>(plan->queryId) == current.plan_query)
               ? current.plan_use
               : judge_again(plan);
}

// AFTER triggers run in ExecutorFinish: there a statement that writes ends, and
// not in ExecutorRun.
bool ends_in_finish(const QueryDesc* query) {
    return query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE;
}

StatementText text_of(const QueryDesc* query) {
    return {query->sourceText, query->plannedstmt->stmt_location, query->plannedstmt->stmt_len};
}

// Run again: a portal that returned some rows and is asked for more, or a cursor
// WITH HOLD that is kept at commit.  Not a statement more.
bool runs_again(const QueryDesc* query, Portal portal) {
    return query->already_executed ||
           (unlikely(portal->holdStore != nullptr) && portal->strategy == PORTAL_ONE_SELECT);
}

pg_noinline void query_goes_on(const QueryDesc* query) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    statement_begins(message, message);
    keep_text(text_of(query));
}

// A portal is made by the message that began its statement.
inline void query_begins(const QueryDesc* query) {
    const Portal portal = ActivePortal;
    current.use = use_of(query->plannedstmt);
    if (unlikely(runs_again(query, portal))) {
        query_goes_on(query);
        return;
    }
    statement_begins(GetCurrentStatementStartTimestamp(), portal->creation_time);
    if (unlikely(query->plannedstmt->stmt_len > 0)) {
        keep_text(text_of(query));
    }
    if (likely(query->plannedstmt->canSetTag)) {
        statement_counts();
    }
}

pg_noinline void record_query(QueryDesc* query, uint64_t duration) {
    note_index_candidates(query, duration);
    record_slow(text_of(query), duration, static_cast<uint64_t>(query->plannedstmt->queryId),
                query->estate->es_processed, 0);
    if (duration >= settings::slow_plan_ns && current.recorded != 0) {
        record_plan(query, current.recorded);
    }
}

pg_attribute_always_inline void query_ends(QueryDesc* query) {
    if (unlikely(!current.open)) {
        return;
    }
    const uint64_t slow = close_statement();
    if (unlikely(slow != 0)) {
        record_query(query, slow);
    }
    if (unlikely(current.in_block)) {
        settle_export(my_slot);
        keep_opener(text_of(query), false);
    }
}

void post_parse_analyze(ParseState* state, Query* query, LEASH_JUMBLE_STATE* jumble) {
    if (prev_post_parse_analyze != nullptr) {
        prev_post_parse_analyze(state, query, jumble);
    }
    if (at_message_level()) {
        statement_analyzed(query->utilityStmt != nullptr && carries_secret(query->utilityStmt));
    }
}

PlannedStmt* planner_hook_function(LEASH_PLANNER_PARAMETERS) {
    const bool of_client = at_message_level();
    const bool planned =
        of_client && statement_planned({query_string, parse->stmt_location, parse->stmt_len});
    const Oid function = of_client ? find_own_function(parse) : InvalidOid;
    const Nested nested;
    PlannedStmt* const result = prev_planner != nullptr ? prev_planner(LEASH_PLANNER_ARGUMENTS)
                                                        : standard_planner(LEASH_PLANNER_ARGUMENTS);
    nested.leave();
    if (unlikely(function != InvalidOid)) {
        depend_on_function(result, function);
    }
    if (planned) {
        planning_ends();
    }
    return result;
}

pg_attribute_hot void executor_start(QueryDesc* query, int flags) {
    const Nested nested;
    next_ExecutorStart(query, flags);
    nested.leave();
}

pg_noinline void run_nested(LEASH_RUN_PARAMETERS) {
    const Nested nested;
    next_ExecutorRun(LEASH_RUN_ARGUMENTS);
    nested.leave();
}

pg_attribute_hot void executor_run(LEASH_RUN_PARAMETERS) {
    if (unlikely(!at_top_level())) {
        run_nested(LEASH_RUN_ARGUMENTS);
        return;
    }
    query_begins(query);
    const Nested nested;
    next_ExecutorRun(LEASH_RUN_ARGUMENTS);
    nested.leave();
    if (!ends_in_finish(query)) {
        query_ends(query);
    }
}

pg_noinline void finish_writing(QueryDesc* query) {
    const Nested nested;
    next_ExecutorFinish(query);
    nested.leave();
    if (at_top_level()) {
        query_ends(query);
    }
}

pg_attribute_hot void executor_finish(QueryDesc* query) {
    if (unlikely(ends_in_finish(query))) {
        finish_writing(query);
    } else {
        next_ExecutorFinish(query);  // fires no trigger: nothing is nested in it
    }
}

// A function is about to be called.  The only sight of a fast-path call: nothing else at
// level 0 executes one outside a portal while PostgreSQL reports the call.
void object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void* arg) {
    if (prev_object_access != nullptr) {
        prev_object_access(access, class_id, object_id, sub_id, arg);
    }
    if (access != OAT_FUNCTION_EXECUTE || my_slot == nullptr) {
        return;
    }
    if (unlikely(object_id == F_PG_BACKUP_START)) {
        note_backup();
    } else if (unlikely(object_id == F_PG_EXPORT_SNAPSHOT)) {
        note_export();
    }
    if (nesting_level == 0 && ActivePortal == nullptr && MyBEEntry->st_state == STATE_FASTPATH) {
        fastpath_call_begins(object_id);
    }
}

}  // namespace

void install_executor_hooks() {
    prev_post_parse_analyze = post_parse_analyze_hook;
    post_parse_analyze_hook = post_parse_analyze;
    prev_planner = planner_hook;
    planner_hook = planner_hook_function;
    if (ExecutorStart_hook != nullptr) {
        next_ExecutorStart = ExecutorStart_hook;
    }
    ExecutorStart_hook = executor_start;
    if (ExecutorRun_hook != nullptr) {
        next_ExecutorRun = ExecutorRun_hook;
    }
    ExecutorRun_hook = executor_run;
    if (ExecutorFinish_hook != nullptr) {
        next_ExecutorFinish = ExecutorFinish_hook;
    }
    ExecutorFinish_hook = executor_finish;
    prev_object_access = object_access_hook;
    object_access_hook = object_access;
}

}  // namespace leash
