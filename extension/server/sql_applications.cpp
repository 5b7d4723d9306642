// leash.get_applications(), and the rows behind it.
#include "server/applications.h"
#include "server/clock.h"
#include "server/minutes.h"
#include "server/row_set.h"
#include "server/sampler.h"
#include "server/sql_values.h"

extern "C" {
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"application_name", ColumnType::text},
    {"usename", ColumnType::name},
    {"datname", ColumnType::name},
    {"sessions", ColumnType::bigint},
    {"sessions_peak", ColumnType::bigint},
    {"in_use", ColumnType::bigint},
    {"in_use_peak", ColumnType::bigint},
    {"in_use_p999", ColumnType::bigint},
    {"in_use_mean", ColumnType::real},
    {"busy", ColumnType::bigint},
    {"busy_peak", ColumnType::bigint},
    {"busy_p999", ColumnType::bigint},
    {"busy_mean", ColumnType::real},
    {"utilization", ColumnType::real},
    {"active_minutes", ColumnType::bigint},
    {"opened", ColumnType::bigint},
    {"ended", ColumnType::bigint},
    {"ended_exit", ColumnType::bigint},
    {"ended_abandoned", ColumnType::bigint},
    {"ended_fatal", ColumnType::bigint},
    {"ended_killed", ColumnType::bigint},
    {"reaped", ColumnType::bigint},
    {"mean_lifetime", ColumnType::interval},
    {"statements", ColumnType::bigint},
    {"transactions", ColumnType::bigint},
    {"slow_statements", ColumnType::bigint},
    {"statements_per_session", ColumnType::real},
    {"leaked", ColumnType::bigint},
    {"active_time", ColumnType::interval},
    {"idle_time", ColumnType::interval},
    {"idle_in_transaction_time", ColumnType::interval},
    {"client_wait", ColumnType::interval},
    {"statement_p50", ColumnType::interval},
    {"statement_p95", ColumnType::interval},
    {"statement_p99", ColumnType::interval},
    {"idle_gap_p50", ColumnType::interval},
    {"idle_gap_p99", ColumnType::interval},
    {"learned_idle", ColumnType::interval},
    {"known_since", ColumnType::instant},
    {"measured_for", ColumnType::interval},
};
using ApplicationRow = Row<lengthof(kColumns)>;

// An application with its living sessions added.
struct Whole {
    Application& folded;
    uint64_t now;
    uint64_t living;

    uint64_t ended() const {
        uint64_t sum = 0;
        for (const uint64_t count : folded.ended) {
            sum += count;
        }
        return sum;
    }
};

void add_percentile(ApplicationRow& row, const HistogramSum& histogram, double share) {
    row.add(interval_if(histogram.total > 0, histogram.percentile(share)));
}

void add_levels_of(ApplicationRow& row, uint32_t level, const Levels& levels) {
    row.add(count_value(level));
    row.add(count_value(levels.peak));
    row.add(count_value(levels.percentile(0.999)));
    row.add(Float8GetDatum(levels.mean()));
}

void add_sessions(ApplicationRow& row, const Whole& whole) {
    const Application& app = whole.folded;
    const uint64_t watched = known_for(app, whole.now);
    const uint64_t life = app.active_time + app.idle_time + app.in_transaction_time;
    row.add(count_value(whole.living));
    row.add(count_value(Max(app.levels.sessions_peak(), whole.living)));
    add_levels_of(row, app.in_use_now, app.levels.in_use(watched));
    add_levels_of(row, app.busy_now, app.levels.busy(watched));
    row.add_if(life > 0, Float8GetDatum(static_cast<double>(app.active_time) /
                                        static_cast<double>(Max(life, 1))));
    row.add(count_value(app.active_minutes.count(minute_of(GetCurrentTimestamp()))));
    const uint64_t ended = whole.ended();
    row.add(count_value(ended + whole.living));
    row.add(count_value(ended));
    for (int i = 0; i < kEndings; i++) {
        row.add(count_value(app.ended[i]));
    }
    row.add(interval_if(ended > 0, app.lifetime / Max(ended, 1)));
}

void add_work(ApplicationRow& row, const Whole& whole) {
    const Application& app = whole.folded;
    const uint64_t opened = whole.ended() + whole.living;
    row.add(count_value(app.statements));
    row.add(count_value(app.transactions));
    row.add(count_value(app.slow_statements));
    row.add_if(opened > 0, Float8GetDatum(static_cast<double>(app.statements) /
                                          static_cast<double>(Max(opened, 1))));
    row.add(count_value(app.leaked));
    row.add(interval_value(app.active_time));
    row.add(interval_value(app.idle_time));
    row.add(interval_value(app.in_transaction_time));
    row.add(interval_value(app.client_wait));
    add_percentile(row, app.latencies, 0.5);
    add_percentile(row, app.latencies, 0.95);
    add_percentile(row, app.latencies, 0.99);
    add_percentile(row, app.idle_gaps, 0.5);
    add_percentile(row, app.idle_gaps, 0.99);
    row.add(interval_if(app.learned > 0, app.learned));
}

void write_application(const RowSink& sink, const Whole& whole) {
    const Application& app = whole.folded;
    ApplicationRow row;
    row.add(text_value(app.name, strlen(app.name), app.encoding));
    row.add(app.hash != 0 ? role_name(app.role) : kNull);
    row.add(app.hash != 0 ? database_name(app.database) : kNull);
    add_sessions(row, whole);
    add_work(row, whole);
    row.add(TimestampTzGetDatum(app.known_since));
    row.add(interval_value(app.levels.measured(known_for(app, whole.now))));
    sink.put(row);
}

void write(const RowSink& sink) {
    const LivingApplications all_known = read_applications();
    const uint64_t now = monotonic_ns();
    for (int i = 0; i < all_known.count; i++) {
        const Whole whole = {all_known.entries[i], now, all_known.living[i]};
        const bool is_known = i == kOtherApplications ? whole.ended() + whole.living > 0
                                                      : whole.folded.known_since != 0;
        if (is_known) {
            write_application(sink, whole);
        }
    }
}

}  // namespace

const RowSet kApplicationSet = {kColumns, lengthof(kColumns), write};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_applications(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_applications);

Datum leash_get_applications(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kApplicationSet);
}

}  // extern "C"
