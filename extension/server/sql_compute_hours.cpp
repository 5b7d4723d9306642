// leash.compute_hours().
#include "server/applications.h"
#include "server/minutes.h"
#include "server/row_set.h"
#include "server/sql_values.h"

#include "core/compute_hours.h"

extern "C" {
#include "common/int.h"
#include "funcapi.h"
#include "utils/fmgrprotos.h"
}

namespace leash {
namespace {

struct Share {
    const Application* application;  // null: the whole server
    ComputeTime time;
};

// In minutes, begun ones counted as whole; more than a week is as good as a week.
int64_t delay_in_minutes(const Interval& delay) {
    int64 us = 0;
    if (delay.month != 0) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("the suspend delay cannot be given in months or years"),
                        errhint("Give it in days, hours or minutes.")));
    }
    if (pg_mul_s64_overflow(delay.day, USECS_PER_DAY, &us) ||
        pg_add_s64_overflow(us, delay.time, &us)) {
        us = delay.day > 0 ? PG_INT64_MAX : -1;
    }
    if (us < 0) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("the suspend delay must not be negative")));
    }
    const int64_t whole = us / minute_us();
    return Min(whole + (us % minute_us() > 0 ? 1 : 0), kWeekMinutes);
}

int compare(const void* a, const void* b) {
    const ComputeTime& x = static_cast<const Share*>(a)->time;
    const ComputeTime& y = static_cast<const Share*>(b)->time;
    const int64_t difference =
        x.alone != y.alone ? int64_t{y.alone} - x.alone : int64_t{y.awake} - x.awake;
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

double hours(uint32_t minutes) {
    return static_cast<double>(minutes * minute_us()) / static_cast<double>(USECS_PER_HOUR);
}

void write_share(const RowSink& sink, const Share& share) {
    const Application* const app = share.application;
    const bool is_named = app != nullptr && app->hash != 0;  // not so the others together
    Row<6> row;
    row.add(app == nullptr ? kNull
                           : known(text_value(app->name, strlen(app->name), app->encoding)));
    row.add(is_named ? role_name(app->role) : kNull);
    row.add(is_named ? database_name(app->database) : kNull);
    row.add(Int64GetDatum(share.time.active));
    row.add(Float8GetDatum(hours(share.time.awake)));
    row.add(Float8GetDatum(hours(share.time.alone)));
    sink.put(row);
}

// Those that ran statements, in `shares`; returns how many.
int find_shares(const Application* applications, int count, int64_t delay, ComputeWeek& week,
                Share* shares) {
    const int64_t now = minute_of(GetCurrentTimestamp());
    auto* const times =
        static_cast<ComputeTime*>(palloc0(sizeof(ComputeTime) * static_cast<Size>(Max(count, 1))));
    week.begin(now, delay);
    for (int i = 0; i < count; i++) {
        CHECK_FOR_INTERRUPTS();
        times[i] = week.add(i, applications[i].active_minutes);
    }
    week.find_alone(times, count);
    int found = 0;
    for (int i = 0; i < count; i++) {
        if (times[i].active > 0) {
            shares[found++] = {&applications[i], times[i]};
        }
    }
    qsort(shares, static_cast<size_t>(found), sizeof(Share), compare);
    return found;
}

void write_compute_hours(const RowSink& sink, int64_t delay) {
    Application* applications = nullptr;
    const int count = copy_applications(&applications);
    auto* const week = static_cast<ComputeWeek*>(palloc(sizeof(ComputeWeek)));
    auto* const shares = static_cast<Share*>(palloc(sizeof(Share) * static_cast<Size>(count + 1)));
    const int found = find_shares(applications, count, delay, *week, shares);
    write_share(sink, {nullptr, week->whole()});
    for (int i = 0; i < found; i++) {
        write_share(sink, shares[i]);
    }
}

}  // namespace
}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_compute_hours(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_compute_hours);

Datum leash_compute_hours(PG_FUNCTION_ARGS) {
    leash::require_preload();
    const int64_t delay = leash::delay_in_minutes(*PG_GETARG_INTERVAL_P(0));
    InitMaterializedSRF(fcinfo, 0);
    leash::write_compute_hours(leash::store_of(fcinfo), delay);
    return Datum{0};
}

}  // extern "C"
