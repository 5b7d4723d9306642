// PostgreSQL's headers, and the only place that knows one major version from
// another.  Wrappers take the shape of the newest version.
#pragma once

// Standard headers come first: postgres.h defines printf, snprintf and others as
// macros.  Code that leans on the standard library belongs into core/.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <type_traits>

extern "C" {
#include "postgres.h"

#include "access/stratnum.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "postmaster/postmaster.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#include "varatt.h"
#else
#include "utils/queryjumble.h"
#endif
}

#include "core/names.h"

#if PG_VERSION_NUM < 150000
#error "pg_leash needs PostgreSQL 15 or later"
#endif
#if PG_VERSION_NUM >= 200000
#error "pg_leash has not been taught this version of PostgreSQL"
#endif

// ExecutorRun lost execute_once in 18.
#if PG_VERSION_NUM >= 180000
#define LEASH_RUN_PARAMETERS QueryDesc *query, ScanDirection direction, uint64 count
#define LEASH_RUN_ARGUMENTS query, direction, count
#else
#define LEASH_RUN_PARAMETERS \
    QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define LEASH_RUN_ARGUMENTS query, direction, count, execute_once
#endif

// 19 hands EXPLAIN's state to the planner, and a const JumbleState to analysis.
#if PG_VERSION_NUM >= 190000
#define LEASH_PLANNER_PARAMETERS                                                          \
    Query *parse, const char *query_string, int cursor_options, ParamListInfo parameters, \
        ExplainState *explain
#define LEASH_PLANNER_ARGUMENTS parse, query_string, cursor_options, parameters, explain
#define LEASH_JUMBLE_STATE const JumbleState
#else
#define LEASH_PLANNER_PARAMETERS \
    Query *parse, const char *query_string, int cursor_options, ParamListInfo parameters
#define LEASH_PLANNER_ARGUMENTS parse, query_string, cursor_options, parameters
#define LEASH_JUMBLE_STATE JumbleState
#endif

// In C++ 15's declaration of a walker means one without parameters.  void (*)() on the
// way: a cast from and to it is never warned of.
#if PG_VERSION_NUM >= 160000
#define LEASH_WALKER(function) function
#else
#define LEASH_WALKER(function) reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(function))
#endif

#ifndef PG_MODULE_MAGIC_EXT
#define PG_MODULE_MAGIC_EXT(...) PG_MODULE_MAGIC
#endif

// On variables that several files use: without it they are reached through a table.
#define LEASH_HIDDEN __attribute__((visibility("hidden")))

// On variables that every statement touches: they lie side by side, in one page or two.
// The functions that every statement runs are pg_attribute_hot for the same reason.
#define LEASH_HOT __attribute__((section("leash_hot")))

namespace leash {

// What a callback of the system caches is told; an enum from 19 on.
#if PG_VERSION_NUM >= 190000
using CacheId = SysCacheIdentifier;
#else
using CacheId = int;
#endif

// Index of this backend's PGPROC, from 0.
inline int my_proc_number() {
#if PG_VERSION_NUM >= 170000
    return MyProcNumber;
#else
    return MyProc->pgprocno;
#endif
}

// Whether some process has taken this PGPROC.  Its pid is not cleared on exit
// before 17, the owner of its latch is in every version.
inline bool proc_in_use(int number) {
    const volatile PGPROC* proc = GetPGProcByNumber(number);
    return proc->procLatch.owner_pid != 0;
}

// What the worker is shown to wait for when it has nothing to do.
inline uint32 worker_wait_event() {
#if PG_VERSION_NUM >= 170000
    static uint32 event = 0;
    if (event == 0) {
        event = WaitEventExtensionNew("PgLeashWorker");
    }
    return event;
#else
    return PG_WAIT_EXTENSION;
#endif
}

// Connection slots that ordinary roles cannot take.
inline int reserved_connections() {
#if PG_VERSION_NUM >= 160000
    return SuperuserReservedConnections + ReservedConnections;
#else
    return ReservedBackends;
#endif
}

// What PostgreSQL has counted of a database; 0 stands for what all databases share.
struct DatabaseCounts {
    uint64_t blks_hit;
    uint64_t blks_read;
    uint64_t rows_read;  // by scans
    uint64_t rows_written;
    TimestampTz reset;
};

// False when nothing was counted yet.  The fields were renamed in 16.
inline bool read_database_counts(Oid database, DatabaseCounts& counts) {
    const PgStat_StatDBEntry* const entry = pgstat_fetch_stat_dbentry(database);
    if (entry == nullptr) {
        return false;
    }
#if PG_VERSION_NUM >= 160000
#define LEASH_COUNT(name) static_cast<uint64_t>(entry->name)
#else
#define LEASH_COUNT(name) static_cast<uint64_t>(entry->n_##name)
#endif
    counts.blks_hit = LEASH_COUNT(blocks_hit);
    counts.blks_read = LEASH_COUNT(blocks_fetched) - counts.blks_hit;
    counts.rows_read = LEASH_COUNT(tuples_returned);
    counts.rows_written =
        LEASH_COUNT(tuples_inserted) + LEASH_COUNT(tuples_updated) + LEASH_COUNT(tuples_deleted);
#undef LEASH_COUNT
    counts.reset = entry->stat_reset_timestamp;
    return true;
}

// Whether '...' has escapes too; 19 has no such setting any more.
inline bool strings_have_escapes() {
#if PG_VERSION_NUM >= 190000
    return false;
#else
    return !standard_conforming_strings;
#endif
}

// BackendState is renumbered between versions: only names are the same.
inline State state_of(BackendState state) {
    switch (state) {
        case STATE_RUNNING:
            return State::active;
        case STATE_IDLE:
            return State::idle;
        case STATE_IDLEINTRANSACTION:
            return State::idle_in_transaction;
        case STATE_IDLEINTRANSACTION_ABORTED:
            return State::idle_in_transaction_aborted;
        case STATE_FASTPATH:
            return State::fastpath;
        default:
            return State::unknown;
    }
}

// What an ordered index can do with an operator, by the B-tree's strategy numbers; 18
// calls them comparison types.
#if PG_VERSION_NUM >= 180000
static_assert(COMPARE_LT == BTLessStrategyNumber && COMPARE_EQ == BTEqualStrategyNumber &&
              COMPARE_GT == BTGreaterStrategyNumber);
using OperatorMeaning = OpIndexInterpretation;
inline List* operator_meanings(Oid op) {
    return get_op_index_interpretation(op);
}
inline int strategy_of(const OperatorMeaning* meaning) {
    return meaning->cmptype;
}
#else
using OperatorMeaning = OpBtreeInterpretation;
inline List* operator_meanings(Oid op) {
    return get_op_btree_interpretation(op);
}
inline int strategy_of(const OperatorMeaning* meaning) {
    return meaning->strategy;
}
#endif

}  // namespace leash
