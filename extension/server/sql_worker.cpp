// leash.get_worker() and leash.health().
#include "server/clock.h"
#include "server/row_set.h"
#include "server/session_report.h"
#include "server/settings.h"
#include "server/sql_values.h"
#include "server/worker.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
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

constexpr ColumnInfo kHealthColumnList[] = {
    {"check", ColumnType::text},       {"status", ColumnType::text},
    {"value", ColumnType::numeric},    {"warning", ColumnType::numeric},
    {"critical", ColumnType::numeric}, {"message", ColumnType::text},
};
constexpr int kHealthColumns = lengthof(kHealthColumnList);

constexpr int kLateAfter = 3;  // check intervals
constexpr uint64_t kRefusedMinutes = 10;
constexpr double kRefusedWarning = 1;
constexpr double kRefusedCritical = 10;
constexpr double kUsedWarning = 0.8;
constexpr double kUsedCritical = 0.95;

// The part of PolicySet that tells how the policies are.
struct PolicyStatus {
    int32_t count;
    TimestampTz loaded_at;
    char error[kErrorSize];
    uint32_t notices_lost;
};

void read_policy_status(PolicyStatus& status) {
    const PolicySet& policies = *policy_set();
    LWLockAcquire(lock(Lock::policies), LW_SHARED);
    status.count = policies.count;
    status.loaded_at = policies.loaded_at;
    memcpy(status.error, policies.error, sizeof status.error);
    status.notices_lost = shared()->notices_lost;
    LWLockRelease(lock(Lock::policies));
    status.error[sizeof status.error - 1] = '\0';
}

// Written by processes whose encoding may be another.
Datum foreign_text(const char* text) {
    return text_value(text, strlen(text), PG_SQL_ASCII);
}

Datum count_value(uint64_t count) {
    return Int64GetDatum(static_cast<int64>(count));
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

// --- health ------------------------------------------------------------------

enum class Health : uint8_t { ok, warning, critical };

constexpr double kNone = -1;  // no value, no limit

struct Check {
    const char* name;
    Health status;
    double value;
    double warning;
    double critical;
    const char* message;
};

Health judge_value(double value, double warning, double critical) {
    if (critical != kNone && value >= critical) {
        return Health::critical;
    }
    return warning != kNone && value >= warning ? Health::warning : Health::ok;
}

NullableDatum number(double value) {
    if (value == kNone) {
        return kNull;
    }
    return known(DirectFunctionCall1(float8_numeric, Float8GetDatum(value)));
}

void add_check(const RowSink& sink, const Check& check) {
    static const char* const kNames[] = {"ok", "warning", "critical"};
    Row<kHealthColumns> row;
    row.add(CStringGetTextDatum(check.name));
    row.add(CStringGetTextDatum(kNames[static_cast<int>(check.status)]));
    row.add(number(check.value));
    row.add(number(check.warning));
    row.add(number(check.critical));
    row.add(foreign_text(check.message));
    sink.put(row);
}

Check check_worker() {
    WorkerStatus worker{};
    read_worker_status(worker);
    const double critical = kLateAfter * settings::check_interval / 1000.0;
    if (worker.pid == 0) {
        return {"worker",
                Health::critical,
                kNone,
                kNone,
                critical,
                "the worker does not run: nothing is sampled or reaped (is max_worker_processes "
                "large enough?)"};
    }
    const uint64_t since = worker.rounds > 0 ? worker.last_round : 0;
    const uint64_t now = monotonic_ns();
    const double late = now > since ? static_cast<double>((now - since) / 1'000'000) / 1000.0 : 0;
    if (worker.rounds == 0) {
        return {"worker", Health::ok, kNone, kNone, critical, "the worker has just started"};
    }
    if (late > critical) {
        return {"worker", Health::critical,
                late,     kNone,
                critical, psprintf("the worker's last round began %.1f s ago", late)};
    }
    if (worker.failing) {
        return {"worker", Health::warning,
                late,     kNone,
                critical, psprintf("the worker's last round failed: %s", worker.error)};
    }
    return {"worker", Health::ok, late, kNone, critical, "the worker runs"};
}

Check check_policies() {
    PolicyStatus policies;
    read_policy_status(policies);
    const double count = policies.count;
    if (policies.error[0] != '\0') {
        return {"policies",
                Health::warning,
                count,
                kNone,
                kNone,
                psprintf("%d policies in force, but they could not be read again: %s",
                         policies.count, policies.error)};
    }
    return {"policies", Health::ok, count,
            kNone,      kNone,      psprintf("%d policies in force", policies.count)};
}

int usable_connections() {
    return Max(MaxConnections - reserved_connections(), 1);
}

Check check_connections() {
    int used = 0;
    for (int i = 0; i < shared()->slots; i++) {
        used += proc_in_use(i) ? 1 : 0;
    }
    const int usable = usable_connections();
    const double share = used * 1000 / usable / 1000.0;
    return {
        "connections",
        judge_value(share, kUsedWarning, kUsedCritical),
        share,
        kUsedWarning,
        kUsedCritical,
        psprintf("%d connections are taken of the %d that ordinary roles can take", used, usable)};
}

Check check_leaked() {
    const SessionReports all = report_sessions();
    int leaked = 0;
    for (int i = 0; i < all.count; i++) {
        leaked += is_leaked(all.reports[i].verdict.leak) ? 1 : 0;
    }
    const double critical = Max(usable_connections() / 2, 2);
    return {"leaked",
            judge_value(leaked, 1, critical),
            static_cast<double>(leaked),
            1,
            critical,
            leaked == 0
                ? "no session is leaked"
                : psprintf("%d of %d sessions are leaked: see leash.leaks", leaked, all.count)};
}

Check check_refused() {
    const auto refused =
        static_cast<double>(shared()->refused_lately.of_last(kRefusedMinutes, monotonic_ns()));
    return {"refused",
            judge_value(refused, kRefusedWarning, kRefusedCritical),
            refused,
            kRefusedWarning,
            kRefusedCritical,
            psprintf("%.0f connections were refused for lack of a slot in the last %d minutes",
                     refused, static_cast<int>(kRefusedMinutes))};
}

void write_health(const RowSink& sink) {
    add_check(sink, check_worker());
    add_check(sink, check_policies());
    add_check(sink, check_connections());
    add_check(sink, check_leaked());
    add_check(sink, check_refused());
}

}  // namespace

const RowSet kWorkerSet = {kWorkerColumnList, kWorkerColumns, write_worker};
const RowSet kHealthSet = {kHealthColumnList, kHealthColumns, write_health};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_worker(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_health(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(leash_get_worker);
PG_FUNCTION_INFO_V1(leash_health);

Datum leash_get_worker(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_row(fcinfo, leash::kWorkerSet);
}

Datum leash_health(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kHealthSet);
}

}  // extern "C"
