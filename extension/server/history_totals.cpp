#include "server/history_totals.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_database.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

namespace leash {
namespace {

constexpr Refusal kForLackOfSlot[] = {Refusal::too_many_clients, Refusal::reserved_slots,
                                      Refusal::role_limit, Refusal::database_limit};

// What PostgreSQL had counted of a database when it was looked at last.  In memory of the
// worker's own: another worker begins anew.
struct Known {
    Oid database;  // the key; 0: relations that all databases share
    DatabaseCounts counts;
    uint32_t look;  // the last one that found it
};

HTAB* databases = nullptr;
uint32_t looks = 0;
bool is_complete = false;  // the last look saw all

void make_table() {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(Known);
    control.hcxt = TopMemoryContext;
    databases =
        hash_create("pg_leash databases", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

// A counter that was reset counts from 0 on.
uint64_t growth_of(uint64_t before, uint64_t now, bool was_reset) {
    return was_reset || now < before ? now : now - before;
}

void add_growth(Oid database, DatabaseCounts& growth) {
    DatabaseCounts now{};
    (void)read_database_counts(database, now);  // nothing was counted yet: zeros
    bool found = false;
    auto& known = *static_cast<Known*>(hash_search(databases, &database, HASH_ENTER, &found));
    if (!found) {
        known.counts = {};
        known.counts.reset = now.reset;
    }
    const DatabaseCounts& before = known.counts;
    const bool was_reset = now.reset != before.reset;
    growth.blks_hit += growth_of(before.blks_hit, now.blks_hit, was_reset);
    growth.blks_read += growth_of(before.blks_read, now.blks_read, was_reset);
    growth.rows_read += growth_of(before.rows_read, now.rows_read, was_reset);
    growth.rows_written += growth_of(before.rows_written, now.rows_written, was_reset);
    known.counts = now;
    known.look = looks;
}

// Those that were dropped.
void forget_others() {
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, databases);
    while (auto* const known = static_cast<Known*>(hash_seq_search(&scan))) {
        if (known->look != looks) {
            (void)hash_search(databases, &known->database, HASH_REMOVE, nullptr);
        }
    }
}

// By a scan of the whole catalog, see clerk_call.cpp.  False when somebody has locked it:
// the history does not wait.
bool scan_databases(DatabaseCounts& growth) {
    if (!ConditionalLockRelationOid(DatabaseRelationId, AccessShareLock)) {
        return false;
    }
    const Relation catalog = table_open(DatabaseRelationId, NoLock);
    const SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
    HeapTuple tuple = nullptr;
    add_growth(InvalidOid, growth);
    while (HeapTupleIsValid(tuple = systable_getnext(scan))) {
        add_growth(reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->oid, growth);
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return true;
}

}  // namespace

HistoryTotals read_history_totals() {
    SharedState* const state = shared();
    const bool has_proc = MyProc != nullptr;  // not so in the postmaster, at the end
    HistoryTotals totals{};
    totals.opened = pg_atomic_read_u64(&state->opened_total);
    totals.slow = pg_atomic_read_u64(&state->slow_sequence);
    for (const Refusal reason : kForLackOfSlot) {
        totals.refused += pg_atomic_read_u64(&state->refused[static_cast<int>(reason)]);
    }
    if (has_proc) {
        LWLockAcquire(lock(Lock::applications), LW_SHARED);
    }
    totals.reaped = state->ended_reaped;
    totals.statements = state->ended_statements;
    for (int i = 0; i < state->slots; i++) {
        SessionSlot& slot = *session_slot(i);
        const bool open = (pg_atomic_read_u64(&slot.word.value) & claim::kOpen) != 0;
        totals.statements += open && !slot.folded ? slot.statements.get() : 0;
    }
    if (has_proc) {
        LWLockRelease(lock(Lock::applications));
    }
    return totals;
}

bool read_database_growth(DatabaseCounts& growth) {
    const bool was_complete = is_complete;
    is_complete = false;  // nor is it after an error
    growth = {};
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    if (databases == nullptr) {
        make_table();
    }
    looks++;
    pgstat_clear_snapshot();
    const bool complete = scan_databases(growth);
    CommitTransactionCommand();
    if (complete) {
        forget_others();
    }
    is_complete = complete;
    return was_complete && complete;
}

}  // namespace leash
