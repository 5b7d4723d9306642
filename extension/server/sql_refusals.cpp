// leash.get_refusals() and leash.get_last_refusals(), and the rows behind them.
#include "server/minutes.h"
#include "server/refusals.h"
#include "server/row_set.h"
#include "server/session.h"
#include "server/sql_values.h"

extern "C" {
#include "utils/builtins.h"
}

namespace leash {
namespace {

const char* name_of(Refusal reason) {
    switch (reason) {
        case Refusal::too_many_clients:
            return "too many clients";
        case Refusal::reserved_slots:
            return "reserved slots";
        case Refusal::role_limit:
            return "role limit";
        case Refusal::database_limit:
            return "database limit";
        case Refusal::authentication:
            return "authentication";
        case Refusal::unavailable:
            break;
    }
    return "unavailable";
}

constexpr ColumnInfo kMinuteColumns[] = {
    {"minute", ColumnType::instant},
    {"reason", ColumnType::text},
    {"refused", ColumnType::bigint},
};

void write_minute(const RowSink& sink, RefusalMinute& entry) {
    const auto minute = static_cast<int64_t>(pg_atomic_read_u64(&entry.minute));
    for (int i = 0; i < kRefusals; i++) {
        const uint32 count = pg_atomic_read_u32(&entry.refused[i]);
        if (count > 0) {
            Row<lengthof(kMinuteColumns)> row;
            row.add(TimestampTzGetDatum(minute_start(minute)));
            row.add(CStringGetTextDatum(name_of(static_cast<Refusal>(i))));
            row.add(Int64GetDatum(count));
            sink.put(row);
        }
    }
}

void write_minutes(const RowSink& sink) {
    const int64_t now = minute_of(GetCurrentTimestamp());
    for (int64_t minute = now - kRefusalMinutes + 1; minute <= now; minute++) {
        RefusalMinute* const entry = refusal_minute(static_cast<uint64_t>(minute));
        if (pg_atomic_read_u64(&entry->minute) == static_cast<uint64>(minute)) {
            write_minute(sink, *entry);
        }
    }
}

constexpr ColumnInfo kEventColumns[] = {
    {"refused_at", ColumnType::instant},  {"reason", ColumnType::text},
    {"usename", ColumnType::text},        {"datname", ColumnType::text},
    {"client_addr", ColumnType::address},
};

void write_event(const RowSink& sink, const RefusalEvent& event, bool visible) {
    Row<lengthof(kEventColumns)> row;
    row.add(TimestampTzGetDatum(event.at));
    row.add(CStringGetTextDatum(name_of(event.reason)));
    row.add_if(event.usename[0] != '\0', text_value(event.usename));
    row.add_if(event.datname[0] != '\0', text_value(event.datname));
    row.add(visible ? address_value(event.client) : kNull);
    sink.put(row);
}

void write_events(const RowSink& sink) {
    const uint64_t newest = pg_atomic_read_u64(&shared()->refusal_sequence);
    const bool visible = may_read_sessions_of(InvalidOid);
    RefusalEvent event;
    for (uint64_t i = 0; i < Min(newest, kRefusalsKept); i++) {
        if (read_refusal(newest - i, event)) {
            write_event(sink, event, visible);
        }
    }
}

}  // namespace

const RowSet kRefusalSet = {kMinuteColumns, lengthof(kMinuteColumns), write_minutes};
const RowSet kLastRefusalSet = {kEventColumns, lengthof(kEventColumns), write_events};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_refusals(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_get_last_refusals(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_refusals);
PG_FUNCTION_INFO_V1(leash_get_last_refusals);

Datum leash_get_refusals(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kRefusalSet);
}

Datum leash_get_last_refusals(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kLastRefusalSet);
}

}  // extern "C"
