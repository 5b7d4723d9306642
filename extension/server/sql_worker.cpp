// leash.get_worker().
#include "server/policy_store.h"
#include "server/row_set.h"
#include "server/sql_values.h"
#include "server/worker.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kWorkerColumnList[] = {
    {"running", ColumnType::boolean},
    {"pid", ColumnType::integer},
    {"started_at", ColumnType::instant},
    {"last_round_at", ColumnType::instant},
    {"rounds", ColumnType::bigint},
    {"last_round_time", ColumnType::interval},
    {"max_round_time", ColumnType::interval},
    {"total_round_time", ColumnType::interval},
    {"samples", ColumnType::bigint},
    {"total_sample_time", ColumnType::interval},
    {"history_rows", ColumnType::bigint},
    {"max_history_time", ColumnType::interval},
    {"total_history_time", ColumnType::interval},
    {"errors", ColumnType::bigint},
    {"last_error", ColumnType::text},
    {"last_error_at", ColumnType::instant},
    {"policies", ColumnType::integer},
    {"policies_loaded_at", ColumnType::instant},
    {"policies_error", ColumnType::text},
    {"in_use", ColumnType::integer},
    {"in_use_peak", ColumnType::integer},
    {"busy", ColumnType::integer},
    {"busy_peak", ColumnType::integer},
    {"notices_lost", ColumnType::bigint},
};
constexpr int kWorkerColumns = lengthof(kWorkerColumnList);

// Written by processes whose encoding may be another.
Datum foreign_text(const char* text) {
    return text_value(text, strlen(text), PG_SQL_ASCII);
}

template <int Columns>
void add_error(Row<Columns>& row, const char* text) {
    if (text[0] == '\0') {
        row.add_null();
    } else if (may_read_all()) {
        row.add(foreign_text(text));
    } else {
        row.add(text_value(kInsufficientPrivilege));
    }
}

void write_worker(const RowSink& sink) {
    Row<kWorkerColumns> row;
    WorkerStatus worker{};
    read_worker_status(worker);
    PolicyStatus policies;
    read_policy_status(policies);
    const bool running = worker.pid != 0;
    const bool sampled = worker.samples > 0;
    row.add(BoolGetDatum(running));
    row.add_if(running, Int32GetDatum(worker.pid));
    row.add_if(worker.started_at != 0, TimestampTzGetDatum(worker.started_at));
    row.add_if(worker.rounds > 0, TimestampTzGetDatum(worker.last_round_at));
    row.add(count_value(worker.rounds));
    row.add_if(worker.rounds > 0, interval_value(worker.round_time));
    row.add_if(worker.rounds > 0, interval_value(worker.round_time_max));
    row.add(interval_value(worker.round_time_total));
    row.add(count_value(worker.samples));
    row.add(interval_value(worker.sample_time_total));
    row.add(count_value(worker.history_rows));
    row.add_if(worker.history_rows > 0, interval_value(worker.history_time_max));
    row.add(interval_value(worker.history_time_total));
    row.add(count_value(worker.errors));
    add_error(row, worker.error);
    row.add_if(worker.error_at != 0, TimestampTzGetDatum(worker.error_at));
    row.add(Int32GetDatum(policies.count));
    row.add_if(policies.loaded_at != 0, TimestampTzGetDatum(policies.loaded_at));
    add_error(row, policies.error);
    row.add_if(sampled && running, Int32GetDatum(worker.in_use));
    row.add_if(sampled, Int32GetDatum(worker.in_use_peak));
    row.add_if(sampled && running, Int32GetDatum(worker.busy));
    row.add_if(sampled, Int32GetDatum(worker.busy_peak));
    row.add(count_value(policies.notices_lost));
    sink.put(row);
}

}  // namespace

const RowSet kWorkerSet = {kWorkerColumnList, kWorkerColumns, write_worker};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_worker(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(leash_get_worker);

Datum leash_get_worker(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_row(fcinfo, leash::kWorkerSet);
}

}  // extern "C"
