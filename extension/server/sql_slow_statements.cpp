// leash.get_slow_statements().
#include "server/row_set.h"
#include "server/session.h"
#include "server/slow_plans.h"
#include "server/slow_statements.h"
#include "server/sql_values.h"

extern "C" {
#include "utils/builtins.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumnList[] = {
    {"finished_at", ColumnType::instant},
    {"duration", ColumnType::interval},
    {"client_wait", ColumnType::interval},
    {"session_id", ColumnType::text},
    {"pid", ColumnType::integer},
    {"usename", ColumnType::name},
    {"datname", ColumnType::name},
    {"application_name", ColumnType::text},
    {"client_addr", ColumnType::address},
    {"query_id", ColumnType::bigint},
    {"query", ColumnType::text},
    {"rows", ColumnType::bigint},
    {"shared_blks_hit", ColumnType::bigint},
    {"shared_blks_read", ColumnType::bigint},
    {"temp_blks_written", ColumnType::bigint},
    {"wal_bytes", ColumnType::bigint},
    {"sqlstate", ColumnType::text},
    {"tags", ColumnType::json},
    {"plan", ColumnType::text},
};
constexpr int kColumns = lengthof(kColumnList);

NullableDatum plan_value(uint64_t statement) {
    static SlowPlan copy;  // too large for the stack
    return read_plan(statement, copy)
               ? known(text_value(copy.text.bytes, copy.text.length, copy.text.encoding))
               : kNull;
}

void add_row(const RowSink& sink, const SlowStatement& slow) {
    const bool visible = may_read_sessions_of(slow.role);
    Row<kColumns> row;
    row.add(TimestampTzGetDatum(slow.finished_at));
    row.add(interval_value(slow.duration));
    const bool waited = slow.client_wait != kUnknownWait;
    row.add(interval_if(waited, slow.client_wait));
    row.add(session_id_value(slow.session));
    row.add(Int32GetDatum(slow.session.pid));
    row.add(role_name(slow.role));
    row.add(database_name(slow.database));
    row.add(text_value(slow.application_name));
    row.add(visible ? address_value(slow.client) : kNull);
    row.add_if(visible && slow.query_id != 0, Int64GetDatum(static_cast<int64>(slow.query_id)));
    row.add(slow_text_value(slow.text, slow.secret, visible));
    row.add(count_value(slow.rows));
    row.add(Int64GetDatum(slow.shared_blks_hit));
    row.add(Int64GetDatum(slow.shared_blks_read));
    row.add(Int64GetDatum(slow.temp_blks_written));
    row.add(count_value(slow.wal_bytes));
    if (slow.sqlstate != 0) {
        row.add(CStringGetTextDatum(unpack_sql_state(slow.sqlstate)));
    } else {
        row.add_null();
    }
    row.add(visible ? tags_value(slow.tags.bytes, slow.tags.length, slow.tags.encoding) : kNull);
    row.add(visible ? plan_value(slow.sequence) : kNull);
    sink.put(row);
}

void write_slow_statements(const RowSink& sink) {
    SharedState* const state = shared();
    const uint64_t newest = pg_atomic_read_u64(&state->slow_sequence);
    const auto kept = static_cast<uint64_t>(state->slow_entries);
    const uint64_t oldest =
        Max(pg_atomic_read_u64(&state->slow_reset), newest > kept ? newest - kept : 0) + 1;
    auto* const copy = static_cast<SlowStatement*>(palloc(sizeof(SlowStatement)));
    for (uint64_t sequence = oldest; sequence <= newest; sequence++) {
        CHECK_FOR_INTERRUPTS();
        if (read_slow_statement(sequence, *copy)) {
            add_row(sink, *copy);
        }
    }
}

}  // namespace

const RowSet kSlowStatementSet = {kColumnList, kColumns, write_slow_statements};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_slow_statements(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_slow_statements);

Datum leash_get_slow_statements(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kSlowStatementSet);
}

}  // extern "C"
