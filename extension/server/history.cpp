#include "server/history.h"

#include "server/applications.h"
#include "server/clock.h"
#include "server/debug_stop.h"
#include "server/history_totals.h"
#include "server/minutes.h"

#include "core/minutes.h"

#include <cmath>
#include <cstdlib>

namespace leash {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr double kSecond = 1e9;
constexpr int kTries = 1'000;
constexpr uint64_t kQuietRows = 10;  // that may wait until they are saved

HistoryState& state() {
    return shared()->history;
}

// --- the minute that lasts ---------------------------------------------------

uint64_t watched(const HistoryState& history, uint64_t now) {
    return (now - Min(now, history.began) + kMillisecond / 2) / kMillisecond;
}

void add_totals(HistoryRow& row, const HistoryTotals& before, const HistoryTotals& now) {
    row.opened += static_cast<uint32_t>(now.opened - before.opened);
    row.refused += static_cast<uint32_t>(now.refused - before.refused);
    row.reaped += static_cast<uint32_t>(now.reaped - before.reaped);
    row.slow += static_cast<uint32_t>(now.slow - before.slow);
    row.statements += now.statements - before.statements;
}

// The row of the open minute, as if it ended now.
HistoryRow finished(const HistoryState& history, const HistoryTotals& totals, uint64_t now) {
    HistoryRow row = history.open;
    row.covered += static_cast<uint32_t>(watched(history, now));
    row.used_mean = history.sampled > 0 ? history.used_area / static_cast<double>(history.sampled)
                                        : static_cast<double>(row.used_peak);
    row.busy_seconds = history.busy_area / kSecond;
    add_totals(row, history.before, totals);
    return row;
}

// The most sessions since the last call: samples do not see what comes and goes between
// two of them.
uint32_t take_sessions_peak() {
    SharedState* const shared_state = shared();
    const uint32 peak = pg_atomic_exchange_u32(&shared_state->sessions_peak, 0);
    const uint32 now = pg_atomic_read_u32(&shared_state->sessions);
    uint32 next = pg_atomic_read_u32(&shared_state->sessions_peak);
    while (now > next &&
           !pg_atomic_compare_exchange_u32(&shared_state->sessions_peak, &next, now)) {
    }
    return peak;
}

void add_databases(HistoryRow& row, const DatabaseCounts& growth) {
    row.blks_hit += growth.blks_hit;
    row.blks_read += growth.blks_read;
    row.rows_read += growth.rows_read;
    row.rows_written += growth.rows_written;
}

// --- the ring ----------------------------------------------------------------

int64_t& minute_back(uint64_t rows) {
    return history_row(state().newest - rows)->minute;
}

bool something_happened(const HistoryRow& row) {
    return row.opened + row.refused + row.reaped + row.slow + row.leaked > 0 || row.statements > 0;
}

void push(const HistoryRow& row) {
    static uint64_t quiet = 0;
    HistoryState& history = state();
    history.changes.begin_write();
    history.newest++;
    *history_row(history.newest) = row;
    history.count = Min(history.count + 1, static_cast<uint64_t>(history.room));
    history.changes.end_write();
    // No disk is woken each minute on a server where nothing happens.
    quiet = something_happened(row) ? kQuietRows : quiet + 1;
    if (quiet >= kQuietRows) {
        history.written++;
        quiet = 0;
    }
}

// The minute that was thought to be over goes on.
void take_back(HistoryState& history) {
    history.changes.begin_write();
    history.open = *history_row(history.newest);
    history.newest--;
    history.count--;
    history.changes.end_write();
    history.sampled = history.open.covered * kMillisecond;
    history.used_area = history.open.used_mean * static_cast<double>(history.sampled);
    history.busy_area = history.open.busy_seconds * kSecond;
    history.has_leaked = true;  // the row tells
}

void set_back(HistoryState& history, int64_t minute) {
    history.changes.begin_write();
    make_room(minute, minute_us(), history.count, minute_back);
    history.changes.end_write();
    forget_future_minutes();
}

void open_minute(uint64_t now, const HistoryTotals& totals) {
    HistoryState& history = state();
    const bool any = history.count > 0;
    const MinutePlan plan =
        plan_minute(GetCurrentTimestamp(), any, any ? minute_back(0) : 0, minute_us());
    history.open = {};
    history.open.has_databases = true;
    history.sampled = 0;
    history.used_area = 0;
    history.busy_area = 0;
    history.has_leaked = false;
    if (plan.goes_on) {
        take_back(history);
    } else if (plan.is_set_back) {
        set_back(history, plan.minute);
    }
    history.open.minute = plan.minute;
    history.began = now;
    history.ends = now + plan.lasts;
    history.before = totals;
    history.is_open = true;
}

void close_minute(uint64_t now, const HistoryTotals& totals, bool databases_known,
                  const DatabaseCounts& growth) {
    HistoryState& history = state();
    HistoryRow row = finished(history, totals, now);
    const uint32_t sessions = take_sessions_peak();
    row.used_peak = Max(row.used_peak, sessions);
    row.leaked = history.has_leaked ? row.leaked : history.leaked_now;
    row.has_databases = row.has_databases && databases_known;
    add_databases(row, growth);
    push(row);
}

void count_row(uint64_t began) {
    WorkerStatus& status = shared()->worker;
    const uint64_t took = monotonic_ns() - began;
    status.changes.begin_write();
    status.history_rows++;
    status.history_time_total += took;
    status.history_time_max = Max(status.history_time_max, took);
    status.changes.end_write();
}

}  // namespace

void add_to_history(const ServerLevels& levels, uint64_t elapsed, uint64_t now) {
    HistoryState& history = state();
    if (!history.is_open) {
        return;
    }
    HistoryRow& row = history.open;
    const auto share = static_cast<double>(Min(elapsed, now - Min(now, history.began)));
    history.sampled += static_cast<uint64_t>(share);
    history.used_area += share * levels.used;
    history.busy_area += share * levels.busy;
    row.used_peak = Max(row.used_peak, levels.used);
    row.active_peak = Max(row.active_peak, levels.active);
    row.idle_in_transaction_peak = Max(row.idle_in_transaction_peak, levels.idle_in_transaction);
    row.in_use_peak = Max(row.in_use_peak, levels.in_use);
}

void add_leaked_to_history(uint32_t leaked) {
    HistoryState& history = state();
    history.leaked_now = leaked;
    history.open.leaked = Max(history.open.leaked, leaked);
    history.has_leaked = true;
}

uint64_t history_due() {
    return state().is_open ? state().ends : 0;
}

void end_history_minute() {
    HistoryState& history = state();
    const uint64_t began = monotonic_ns();
    const HistoryTotals totals = read_history_totals();
    debug_stop("minute");
    DatabaseCounts growth;
    const bool known = read_database_growth(growth);
    const uint64_t now = monotonic_ns();
    // The worker was away: what it did not see is not put down to the minute that was open.
    if (history.is_open && !is_long_over(now, history.ends, minute_us())) {
        close_minute(now, totals, known, growth);
        count_row(began);
    }
    open_minute(now, totals);
}

HistoryRow* copy_history(uint64_t& count) {
    const HistoryState& history = state();
    const auto room = static_cast<Size>(history.room);
    auto* const rows =
        static_cast<HistoryRow*>(palloc_extended(sizeof(HistoryRow) * room, MCXT_ALLOC_HUGE));
    const TimestampTz oldest = GetCurrentTimestamp() - history.room * minute_us();
    count = 0;
    for (int i = 0; i < kTries; i++) {
        const uint32_t before = history.changes.begin_read();
        const uint64_t newest = history.newest;
        const uint64_t known = Min(history.count, static_cast<uint64_t>(history.room));
        count = 0;
        for (uint64_t sequence = newest - known + 1; sequence <= newest; sequence++) {
            rows[count] = *history_row(sequence);
            count += rows[count].minute >= oldest ? 1 : 0;  // it was down for long
        }
        if (history.changes.consistent(before)) {
            break;
        }
    }
    return rows;
}

// The minute that is cut short by the end is kept too: after a quick restart it goes on.
void* collect_history(uint64_t& count) {
    const HistoryState& history = state();
    auto* const rows =
        static_cast<HistoryRow*>(malloc(sizeof(HistoryRow) * static_cast<Size>(history.room + 1)));
    count = 0;
    if (rows == nullptr) {
        return nullptr;
    }
    for (uint64_t i = history.count; i > 0; i--) {
        rows[count++] = *history_row(history.newest - i + 1);
    }
    const uint64_t now = monotonic_ns();
    if (MyProc == nullptr && history.is_open && !is_long_over(now, history.ends, minute_us())) {
        HistoryRow& row = rows[count++];
        row = finished(history, read_history_totals(), now);
        row.has_databases = false;
        row.leaked = history.has_leaked ? row.leaked : history.leaked_now;
    }
    return rows;
}

void restore_history(const void* items, uint64_t count) {
    const auto* const saved = static_cast<const HistoryRow*>(items);
    HistoryState& history = state();
    const auto room = static_cast<uint64_t>(history.room);
    TimestampTz last = PG_INT64_MIN;
    for (uint64_t i = count > room ? count - room : 0; i < count; i++) {
        const HistoryRow& row = saved[i];
        const bool is_number = std::isfinite(row.used_mean) && std::isfinite(row.busy_seconds);
        if (row.minute > last && is_number) {
            last = row.minute;
            history.count++;
            *history_row(++history.newest) = row;
        }
    }
}

uint64_t history_changes() {
    return state().written;
}

}  // namespace leash
