// leash.health().
#include "server/health.h"
#include "server/row_set.h"
#include "server/sql_values.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"check", ColumnType::text},       {"status", ColumnType::text},
    {"value", ColumnType::numeric},    {"warning", ColumnType::numeric},
    {"critical", ColumnType::numeric}, {"message", ColumnType::text},
};

NullableDatum number(double value) {
    if (value == kNoLimit) {
        return kNull;
    }
    return known(DirectFunctionCall1(float8_numeric, Float8GetDatum(value)));
}

void put(const RowSink& sink, const Check& check) {
    Row<lengthof(kColumns)> row;
    row.add(CStringGetTextDatum(check.name));
    row.add(CStringGetTextDatum(name_of(check.status)));
    row.add(number(check.value));
    row.add(number(check.warning));
    row.add(number(check.critical));
    // Parts of it come from processes whose encoding may be another.
    row.add(text_value(check.message, strlen(check.message), PG_SQL_ASCII));
    sink.put(row);
}

void write_health(const RowSink& sink) {
    const SessionReports all = report_sessions();
    const RecentHistory recent = read_recent_history();
    put(sink, check_worker());
    put(sink, check_policies());
    put(sink, check_connections());
    put(sink, check_leaked(all));
    put(sink, check_refused());
    put(sink, check_exhaustion(recent));
    put(sink, check_blocked(all));
    put(sink, check_lock_wait(all));
    put(sink, check_xmin_age(all));
    put(sink, check_cache_hit(recent));
    put(sink, check_slow(recent));
    put(sink, check_tracker());
}

}  // namespace

const RowSet kHealthSet = {kColumns, lengthof(kColumns), write_health};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_health(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_health);

Datum leash_health(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kHealthSet);
}

}  // extern "C"
