// leash.get_connections().
#include "server/backend_state.h"
#include "server/row_set.h"
#include "server/sql_values.h"
#include "server/worker.h"

namespace leash {
namespace {

constexpr ColumnInfo kColumnList[] = {
    {"max_connections", ColumnType::integer},
    {"reserved", ColumnType::integer},
    {"used", ColumnType::integer},
    {"authenticating", ColumnType::integer},
    {"free", ColumnType::integer},
    {"active", ColumnType::integer},
    {"idle", ColumnType::integer},
    {"idle_in_transaction", ColumnType::integer},
    {"peak_used", ColumnType::integer},
    {"peak_at", ColumnType::instant},
    {"opened_total", ColumnType::bigint},
    {"refused_total", ColumnType::bigint},
    {"refused_last_at", ColumnType::instant},
    {"refused_too_many_clients", ColumnType::bigint},
    {"refused_reserved_slots", ColumnType::bigint},
    {"refused_role_limit", ColumnType::bigint},
    {"refused_database_limit", ColumnType::bigint},
    {"refused_authentication", ColumnType::bigint},
    {"refused_unavailable", ColumnType::bigint},
    {"slow_statements_total", ColumnType::bigint},
    {"slow_statements_lost", ColumnType::bigint},
    {"stats_reset", ColumnType::instant},
    {"in_use", ColumnType::integer},
    {"in_use_peak", ColumnType::integer},
    {"busy", ColumnType::integer},
    {"busy_peak", ColumnType::integer},
};
constexpr int kColumns = lengthof(kColumnList);

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

uint64_t since_reset(pg_atomic_uint64& total, pg_atomic_uint64& reset) {
    const uint64_t before = pg_atomic_read_u64(&reset);
    pg_read_barrier();  // a total that is no older
    return pg_atomic_read_u64(&total) - before;
}

void write_connections(const RowSink& sink) {
    SharedState* const state = shared();
    const Levels levels = count_levels();
    Row<kColumns> row;
    row.add(Int32GetDatum(MaxConnections));
    row.add(Int32GetDatum(reserved_connections()));
    row.add(Int32GetDatum(levels.used));
    row.add(Int32GetDatum(Max(levels.used - levels.open, 0)));
    row.add(Int32GetDatum(Max(MaxConnections - levels.used, 0)));
    row.add(Int32GetDatum(levels.active));
    row.add(Int32GetDatum(levels.idle));
    row.add(Int32GetDatum(levels.idle_in_transaction));
    row.add(Int32GetDatum(static_cast<int32>(pg_atomic_read_u64(&state->peak_used))));
    add_instant(row, &state->peak_at);
    row.add(count_value(since_reset(state->opened_total, state->opened_reset)));
    uint64_t refused[kRefusals];
    uint64_t refused_total = 0;
    for (int i = 0; i < kRefusals; i++) {
        refused[i] = since_reset(state->refused[i], state->refused_reset[i]);
        refused_total += refused[i];
    }
    row.add(count_value(refused_total));
    add_instant(row, &state->refused_last_at);
    for (const uint64_t count : refused) {
        row.add(count_value(count));
    }
    row.add(count_value(pg_atomic_read_u64(&state->slow_sequence) -
                        pg_atomic_read_u64(&state->slow_reset)));
    row.add(count_value(pg_atomic_read_u64(&state->slow_lost)));
    add_instant(row, &state->stats_reset);
    WorkerStatus sampled{};
    read_worker_status(sampled);
    const bool known = sampled.samples > 0;
    row.add_if(known && sampled.pid != 0, Int32GetDatum(sampled.in_use));
    row.add_if(known, Int32GetDatum(sampled.in_use_peak));
    row.add_if(known && sampled.pid != 0, Int32GetDatum(sampled.busy));
    row.add_if(known, Int32GetDatum(sampled.busy_peak));
    sink.put(row);
}

}  // namespace

const RowSet kConnectionSet = {kColumnList, kColumns, write_connections};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_connections(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_connections);

Datum leash_get_connections(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_row(fcinfo, leash::kConnectionSet);
}

}  // extern "C"
