// leash.get_history().
#include "server/history.h"
#include "server/row_set.h"
#include "server/sql_values.h"

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"minute", ColumnType::instant},
    {"used_peak", ColumnType::integer},
    {"used_mean", ColumnType::real},
    {"active_peak", ColumnType::integer},
    {"idle_in_transaction_peak", ColumnType::integer},
    {"in_use_peak", ColumnType::integer},
    {"opened", ColumnType::bigint},
    {"refused", ColumnType::bigint},
    {"leaked", ColumnType::integer},
    {"reaped", ColumnType::bigint},
    {"statements", ColumnType::bigint},
    {"slow", ColumnType::bigint},
    {"cache_hit_ratio", ColumnType::real},
    {"blks_hit", ColumnType::bigint},
    {"blks_read", ColumnType::bigint},
    {"rows_read", ColumnType::bigint},
    {"rows_written", ColumnType::bigint},
    {"busy_seconds", ColumnType::real},
    {"covered", ColumnType::interval},
};

void write_minute(const RowSink& sink, const HistoryRow& minute) {
    const uint64_t blocks = minute.blks_hit + minute.blks_read;
    const bool known = minute.has_databases;
    Row<lengthof(kColumns)> row;
    row.add(TimestampTzGetDatum(minute.minute));
    row.add(Int32GetDatum(minute.used_peak));
    row.add(Float8GetDatum(minute.used_mean));
    row.add(Int32GetDatum(minute.active_peak));
    row.add(Int32GetDatum(minute.idle_in_transaction_peak));
    row.add(Int32GetDatum(minute.in_use_peak));
    row.add(count_value(minute.opened));
    row.add(count_value(minute.refused));
    row.add(Int32GetDatum(minute.leaked));
    row.add(count_value(minute.reaped));
    row.add(count_value(minute.statements));
    row.add(count_value(minute.slow));
    row.add_if(known && blocks > 0, Float8GetDatum(static_cast<double>(minute.blks_hit) /
                                                   static_cast<double>(Max(blocks, 1))));
    row.add_if(known, count_value(minute.blks_hit));
    row.add_if(known, count_value(minute.blks_read));
    row.add_if(known, count_value(minute.rows_read));
    row.add_if(known, count_value(minute.rows_written));
    row.add(Float8GetDatum(minute.busy_seconds));
    row.add(interval_value(uint64_t{minute.covered} * 1'000'000));
    sink.put(row);
}

void write_history(const RowSink& sink) {
    uint64_t count = 0;
    const HistoryRow* const rows = copy_history(count);
    for (uint64_t i = 0; i < count; i++) {
        write_minute(sink, rows[i]);
    }
}

}  // namespace

const RowSet kHistorySet = {kColumns, lengthof(kColumns), write_history};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_history(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_history);

Datum leash_get_history(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kHistorySet);
}

}  // extern "C"
