// leash.get_slow_summary(), and the rows behind it.
#include "server/row_set.h"
#include "server/session.h"
#include "server/slow_summary.h"
#include "server/sql_values.h"

extern "C" {
#include "utils/builtins.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"query_id", ColumnType::bigint},
    {"query", ColumnType::text},
    {"datname", ColumnType::name},
    {"usename", ColumnType::name},
    {"application_name", ColumnType::text},
    {"calls", ColumnType::bigint},
    {"failed", ColumnType::bigint},
    {"total_time", ColumnType::interval},
    {"mean_time", ColumnType::interval},
    {"max_time", ColumnType::interval},
    {"p95_time", ColumnType::interval},
    {"client_wait", ColumnType::interval},
    {"rows", ColumnType::bigint},
    {"shared_blks_read", ColumnType::bigint},
    {"temp_blks_written", ColumnType::bigint},
    {"last_seen", ColumnType::instant},
};

void write_summary(const RowSink& sink, const SlowSummary& slow) {
    const bool visible = may_read_sessions_of(slow.role);
    HistogramSum durations{};
    durations.add(slow.durations);
    Row<lengthof(kColumns)> row;
    row.add_if(visible && slow.query_id != 0, Int64GetDatum(static_cast<int64>(slow.query_id)));
    row.add(slow_text_value(slow.text, slow.secret, visible));
    row.add(database_name(slow.database));
    row.add(role_name(slow.role));
    row.add(text_value(slow.application_name));
    row.add(count_value(slow.calls));
    row.add(count_value(slow.failed));
    row.add(interval_value(slow.total_time));
    row.add(interval_value(slow.total_time / Max(slow.calls, 1)));
    row.add(interval_value(slow.max_time));
    row.add(interval_value(Min(durations.percentile(0.95), slow.max_time)));
    row.add(interval_value(slow.client_wait));
    row.add(count_value(slow.rows));
    row.add(count_value(slow.shared_blks_read));
    row.add(count_value(slow.temp_blks_written));
    row.add(TimestampTzGetDatum(slow.last_seen));
    sink.put(row);
}

void write(const RowSink& sink) {
    SlowSummary* copies = nullptr;
    const int count = copy_summaries(&copies);
    for (int i = 0; i < count; i++) {
        write_summary(sink, copies[i]);
    }
    pfree(copies);
}

}  // namespace

const RowSet kSlowSummarySet = {kColumns, lengthof(kColumns), write};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_slow_summary(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_slow_summary);

Datum leash_get_slow_summary(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kSlowSummarySet);
}

}  // extern "C"
