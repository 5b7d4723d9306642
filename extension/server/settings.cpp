// Defines the settings pg_leash.*.
#include "server/settings.h"

#include "server/statement.h"

#include "core/active_minutes.h"

extern "C" {
#include "utils/guc.h"
}

namespace leash::settings {

bool track = true;
LEASH_HOT uint64_t slow_statement_ns = 1'000'000'000;
uint64_t slow_plan_ns = ~uint64_t{0};
int slow_statements_max = 1000;
int slow_summary_max = 500;
int reap_log_max = 2000;
int applications_max = 200;
int learned_floor = 60 * 1000;
int learn_after = 3600 * 1000;
int check_interval = 1000;
int sample_interval = 50;
int lease_max = 24 * 3600 * 1000;
char* database = nullptr;
char* debug_stop_at = nullptr;
int history_retention = kWeekMinutes;
int debug_minute = 60 * 1000;

namespace {

constexpr uint64_t kMillisecond = 1'000'000;

int slow_statement_threshold = 1000;  // ms; -1: off
int slow_plan_threshold = -1;         // ms; -1: off
int idle_in_transaction_threshold = 60 * 1000;
int idle_threshold = 600 * 1000;
int never_used_threshold = 600 * 1000;
int stalled_client_threshold = 60 * 1000;
int reaping_mode = static_cast<int>(Mode::observe);

const config_enum_entry kReapingModes[] = {
    {name_of(Mode::off), static_cast<int>(Mode::off), false},
    {name_of(Mode::observe), static_cast<int>(Mode::observe), false},
    {name_of(Mode::enforce), static_cast<int>(Mode::enforce), false},
    {nullptr, 0, false},
};

void assign_track(bool on, void*) {
    if (!on) {
        stop_observing();
    }
}

void assign_slow_statement_threshold(int ms, void*) {
    slow_statement_ns = ms < 0 ? ~uint64_t{0} : static_cast<uint64_t>(ms) * kMillisecond;
}

void assign_slow_plan_threshold(int ms, void*) {
    slow_plan_ns = ms < 0 ? ~uint64_t{0} : static_cast<uint64_t>(ms) * kMillisecond;
}

void define_threshold(const char* name, const char* description, const char* detail, int* value,
                      int lowest, GucIntAssignHook assign = nullptr) {
    DefineCustomIntVariable(name, description, detail, value, *value, lowest, INT_MAX, PGC_SUSET,
                            GUC_UNIT_MS, nullptr, assign, nullptr);
}

}  // namespace

Thresholds thresholds() {
    const auto ns = [](int ms) { return static_cast<uint64_t>(ms) * kMillisecond; };
    return {ns(idle_in_transaction_threshold), ns(idle_threshold), ns(never_used_threshold),
            ns(stalled_client_threshold)};
}

Mode reaping() {
    return static_cast<Mode>(reaping_mode);
}

namespace {

// What the worker goes by.
void define_reaping() {
    DefineCustomEnumVariable("pg_leash.reaping", "Bounds the mode of every policy.",
                             "With off no policy is evaluated, with observe none is enforced.",
                             &reaping_mode, reaping_mode, kReapingModes, PGC_SIGHUP, 0, nullptr,
                             nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.check_interval", "How often sessions are judged by policies.",
                            nullptr, &check_interval, check_interval, 100, 60 * 60 * 1000,
                            PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable(
        "pg_leash.sample_interval", "How often the states of sessions are sampled.",
        "Less often on a server where nothing happens.", &sample_interval, sample_interval, 10,
        1000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.lease_max", "The longest lease a session can take.", nullptr,
                            &lease_max, lease_max, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, nullptr,
                            nullptr, nullptr);
    DefineCustomStringVariable("pg_leash.database",
                               "The database whose leash.policies are in force.", nullptr,
                               &database, "postgres", PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.reap_log_max",
                            "How many decisions of reapers are kept in shared memory.", nullptr,
                            &reap_log_max, reap_log_max, 100, 1'000'000, PGC_POSTMASTER, 0, nullptr,
                            nullptr, nullptr);
}

// What is learned of applications.
void define_applications() {
    DefineCustomIntVariable("pg_leash.applications_max",
                            "How many applications are told apart; others are counted together.",
                            nullptr, &applications_max, applications_max, 10, 10'000,
                            PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.learned_floor",
                            "The shortest idle time that an application's habit can be.", nullptr,
                            &learned_floor, learned_floor, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
                            nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.learn_after",
                            "How long an application is watched before its habit is known.",
                            nullptr, &learn_after, learn_after, 0, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS,
                            nullptr, nullptr, nullptr);
}

void define_history() {
    constexpr int kHour = 60;
    DefineCustomIntVariable("pg_leash.history_retention", "For how long leash.history is kept.",
                            nullptr, &history_retention, history_retention, kHour, 90 * 24 * kHour,
                            PGC_POSTMASTER, GUC_UNIT_MIN, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.debug_minute", "How long a minute lasts, for the tests.",
                            nullptr, &debug_minute, debug_minute, 1, debug_minute, PGC_POSTMASTER,
                            GUC_UNIT_MS | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr, nullptr,
                            nullptr);
}

}  // namespace

void define() {
    DefineCustomBoolVariable("pg_leash.track", "Collects statistics of sessions and statements.",
                             "When off, sessions can still be ended safely.", &track, true,
                             PGC_SUSET, 0, nullptr, assign_track, nullptr);
    define_threshold("pg_leash.slow_statement_threshold",
                     "Records statements that take at least this long.",
                     "0 records every statement, -1 none.", &slow_statement_threshold, -1,
                     assign_slow_statement_threshold);
    define_threshold("pg_leash.slow_plan_threshold",
                     "Records the plans of slow statements that take at least this long.",
                     "Only of those that are slow; -1 records none.", &slow_plan_threshold, -1,
                     assign_slow_plan_threshold);
    define_threshold("pg_leash.idle_in_transaction_threshold",
                     "A session idle in transaction for this long is leaked.", "0 means never.",
                     &idle_in_transaction_threshold, 0);
    define_threshold("pg_leash.idle_threshold",
                     "A session idle for this long is unused, or abandoned when its application "
                     "holds more than it needs.",
                     "0 means never.", &idle_threshold, 0);
    define_threshold(
        "pg_leash.never_used_threshold",
        "A session that did nothing of use for this long since it connected is leaked.",
        "0 means never.", &never_used_threshold, 0);
    define_threshold("pg_leash.stalled_client_threshold",
                     "A command that waits for its client for this long is leaked.",
                     "0 means never.", &stalled_client_threshold, 0);
    DefineCustomIntVariable("pg_leash.slow_statements_max",
                            "How many slow statements are kept in shared memory.", nullptr,
                            &slow_statements_max, slow_statements_max, 10, 1'000'000,
                            PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_leash.slow_summary_max",
                            "How many queries are told apart among slow statements.", nullptr,
                            &slow_summary_max, slow_summary_max, 10, 100'000, PGC_POSTMASTER, 0,
                            nullptr, nullptr, nullptr);
    define_reaping();
    define_applications();
    define_history();
    DefineCustomStringVariable("pg_leash.debug_stop_at",
                               "Where a process waits for advisory lock 1818322280, for the tests.",
                               nullptr, &debug_stop_at, "", PGC_SUSET,
                               GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
    MarkGUCPrefixReserved("pg_leash");
}

}  // namespace leash::settings
