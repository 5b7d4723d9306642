// leash.get_connections().
#include "server/backend_state.h"
#include "server/sql_values.h"
#include "server/worker.h"

extern "C" {
#include "access/htup_details.h"
#include "funcapi.h"
}

namespace leash {
namespace {

constexpr int kColumns = 26;

struct Levels {
    int used;  // process slots taken
    int open;  // sessions that have logged in
    int active;
    int idle;
    int idle_in_transaction;
};

Levels count_levels() {
    Levels levels{};
    for (int i = 0; i < shared()->slots; i++) {
        SessionSlot* const slot = session_slot(i);
        SessionIdentity identity;
        BackendState seen{};
        levels.used += proc_in_use(i) ? 1 : 0;
        if ((slot->word.load() & claim::kOpen) == 0 || !read_identity(*slot, identity) ||
            !read_backend_state(i, identity, seen)) {
            continue;
        }
        levels.open++;
        switch (seen.state) {
            case State::active:
            case State::fastpath:
                levels.active++;
                break;
            case State::idle:
                levels.idle++;
                break;
            case State::idle_in_transaction:
            case State::idle_in_transaction_aborted:
                levels.idle_in_transaction++;
                break;
            case State::unknown:
                break;
        }
    }
    return levels;
}

void add_instant(Row<kColumns>& row, pg_atomic_uint64* instant) {
    const auto at = static_cast<TimestampTz>(pg_atomic_read_u64(instant));
    row.add_if(at != 0, TimestampTzGetDatum(at));
}

void add_count(Row<kColumns>& row, uint64_t count) {
    row.add(Int64GetDatum(static_cast<int64>(count)));
}

}  // namespace
}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_connections(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_connections);

Datum leash_get_connections(PG_FUNCTION_ARGS) {
    leash::require_preload();
    TupleDesc descriptor;
    if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE) {
        elog(ERROR, "return type must be a row type");
    }
    leash::SharedState* const state = leash::shared();
    const leash::Levels levels = leash::count_levels();
    leash::Row<leash::kColumns> row;
    row.add(Int32GetDatum(MaxConnections));
    row.add(Int32GetDatum(leash::reserved_connections()));
    row.add(Int32GetDatum(levels.used));
    row.add(Int32GetDatum(Max(levels.used - levels.open, 0)));
    row.add(Int32GetDatum(Max(MaxConnections - levels.used, 0)));
    row.add(Int32GetDatum(levels.active));
    row.add(Int32GetDatum(levels.idle));
    row.add(Int32GetDatum(levels.idle_in_transaction));
    row.add(Int32GetDatum(static_cast<int32>(pg_atomic_read_u64(&state->peak_used))));
    leash::add_instant(row, &state->peak_at);
    leash::add_count(row, pg_atomic_read_u64(&state->opened_total));
    uint64_t refused = 0;
    for (pg_atomic_uint64& count : state->refused) {
        refused += pg_atomic_read_u64(&count);
    }
    leash::add_count(row, refused);
    leash::add_instant(row, &state->refused_last_at);
    for (pg_atomic_uint64& count : state->refused) {
        leash::add_count(row, pg_atomic_read_u64(&count));
    }
    leash::add_count(
        row, pg_atomic_read_u64(&state->slow_sequence) - pg_atomic_read_u64(&state->slow_reset));
    leash::add_count(row, pg_atomic_read_u64(&state->slow_lost));
    leash::add_instant(row, &state->stats_reset);
    leash::WorkerStatus sampled{};
    leash::read_worker_status(sampled);
    const bool known = sampled.samples > 0;
    row.add_if(known && sampled.pid != 0, Int32GetDatum(sampled.in_use));
    row.add_if(known, Int32GetDatum(sampled.in_use_peak));
    row.add_if(known && sampled.pid != 0, Int32GetDatum(sampled.busy));
    row.add_if(known, Int32GetDatum(sampled.busy_peak));
    Assert(row.complete());
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), row.values, row.nulls));
}

}  // extern "C"
