// The worker: one process from the server's start to its end, on primary and standby.
// It is connected to no database, so nobody who drops or copies one meets it, and it
// takes none of the connection slots.
#include "server/worker.h"

#include "server/clerk.h"
#include "server/applications.h"
#include "server/clock.h"
#include "server/control_socket.h"
#include "server/debug_stop.h"
#include "server/history.h"
#include "server/peer_watch.h"
#include "server/round.h"
#include "server/sampler.h"
#include "server/saved_state.h"
#include "server/settings.h"

extern "C" {
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
}

extern "C" {
PGDLLEXPORT void leash_worker_main(Datum argument);
}

namespace leash {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLongestPause = 1000 * kMillisecond;  // of the sampler
constexpr uint64_t kSettleEvery = 5 * kMillisecond;      // while exits are awaited
constexpr uint64_t kSaveEvery = 60'000 * kMillisecond;
constexpr long kAfterError = 100;  // ms
constexpr int kTries = 10'000;

// When what is due, in ns of the monotonic clock.
struct Schedule {
    uint64_t next_sample;
    uint64_t pause;  // between samples; grows while nothing happens
    uint64_t next_settle;
    uint64_t next_save;
    uint64_t round;  // when the last round was due
    uint64_t round_interval;
};

Schedule schedule;
MemoryContext work_context = nullptr;  // emptied each time around
const char* doing = nullptr;           // for the context of error messages
char last_logged[kErrorSize] = "";     // the error that was logged last, while it lasts
ErrorContextCallback error_context = {nullptr, nullptr, nullptr};

uint64_t sample_interval() {
    return static_cast<uint64_t>(settings::sample_interval) * kMillisecond;
}

uint64_t check_interval() {
    return static_cast<uint64_t>(settings::check_interval) * kMillisecond;
}

void describe_error(void*) {
    errcontext("pg_leash worker %s", doing);
}

// Transactions leave the current memory context on a longer life.
void begin(const char* what) {
    doing = what;
    MemoryContextSwitchTo(work_context);
}

void report_start() {
    WorkerStatus& status = shared()->worker;
    status.changes.begin_write();
    status.pid = MyProcPid;
    status.started_at = GetCurrentTimestamp();
    status.changes.end_write();
    pg_atomic_write_u32(&shared()->worker_proc, static_cast<uint32>(my_proc_number()) + 1);
}

void report_exit(int, Datum) {
    WorkerStatus& status = shared()->worker;
    pg_atomic_write_u32(&shared()->worker_proc, 0);
    status.changes.begin_write();
    status.pid = 0;
    status.changes.end_write();
}

// --- what it does ------------------------------------------------------------

void sample(uint64_t now) {
    const uint64_t interval = sample_interval();
    begin("sampling sessions");
    schedule.next_sample = now + interval;
    const bool changed = take_sample();
    const uint64_t longest = Max(kLongestPause, interval);
    schedule.pause = changed ? interval : Min(schedule.pause * 2, longest);
    schedule.next_sample = now + Max(schedule.pause, interval);
}

void learn_when_due() {
    constexpr uint64_t kEvery = 10'000 * kMillisecond;
    static uint64_t last = 0;
    const uint64_t now = monotonic_ns();
    if (now - last >= Min(kEvery, 10 * check_interval())) {
        last = now;
        learn_habits();
    }
}

void judge_sessions() {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    MemoryContextSwitchTo(work_context);
    debug_error("round");
    (void)run_round({false, InvalidOid});
    learn_when_due();
    CommitTransactionCommand();
}

void begin_round(uint64_t now) {
    WorkerStatus& status = shared()->worker;
    status.changes.begin_write();
    status.last_round_at = GetCurrentTimestamp();
    status.last_round = now;
    status.rounds++;
    status.changes.end_write();
}

void end_round(uint64_t began) {
    WorkerStatus& status = shared()->worker;
    const uint64_t took = monotonic_ns() - began;
    status.changes.begin_write();
    status.round_time = took;
    status.round_time_total += took;
    status.round_time_max = Max(status.round_time_max, took);
    status.failing = false;
    status.changes.end_write();
}

void round(uint64_t now) {
    // From start to start; what a stall made it miss is not made up for.
    schedule.round += schedule.round_interval;
    if (schedule.round + schedule.round_interval <= now) {
        schedule.round = now;
    }
    // Ages are then as exact as samples are, however seldom those are taken.
    if (now - shared()->worker.last_sample >= sample_interval()) {
        sample(now);
    }
    begin("judging sessions");
    begin_round(now);
    if (pg_atomic_read_u32(&shared()->sessions) > 0) {
        pgstat_report_activity(STATE_RUNNING, "pg_leash: judging sessions");
        refresh_peers();
        judge_sessions();
        pgstat_report_activity(STATE_IDLE, nullptr);
    } else {
        add_leaked_to_history(0);
    }
    end_round(now);
    last_logged[0] = '\0';
}

// The last sample stands for the time up to the minute's end.
void end_minute(uint64_t now) {
    sample(now);
    begin("writing the history");
    end_history_minute();
    schedule.next_save = now;  // a crash costs no whole minute
}

// Looks after the sessions that were signalled.
void settle() {
    begin("waiting for sessions to end");
    const bool awaited = settle_exits() > 0;
    schedule.next_settle = awaited ? monotonic_ns() + kSettleEvery : ~uint64_t{0};
}

// What a crash of the machine may cost.
void save(uint64_t now) {
    begin("saving statistics");
    schedule.next_save = now + kSaveEvery;
    save_state();
}

void reload() {
    ConfigReloadPending = false;
    begin("reloading its configuration");
    ProcessConfigFile(PGC_SIGHUP);
    schedule.round_interval = check_interval();
    schedule.pause = sample_interval();
    schedule.next_sample = Min(schedule.next_sample, monotonic_ns() + schedule.pause);
}

void answer_signals() {
    if (ProcDiePending) {
        // As the logical replication launcher does: an orderly end is no error.  Not 0,
        // which would mean that it is not to be started again.
        ereport(DEBUG1, (errmsg_internal("pg_leash worker shutting down")));
        proc_exit(1);
    }
    begin("answering signals");
    CHECK_FOR_INTERRUPTS();
    if (catchupInterruptPending) {
        ProcessCatchupInterrupt();
    }
    if (ConfigReloadPending) {
        reload();
    }
}

// --- the loop ----------------------------------------------------------------

long ms_until(uint64_t then, uint64_t now) {
    return then <= now ? 0 : static_cast<long>((then - now + kMillisecond - 1) / kMillisecond);
}

// Serves the control socket, and waits until it or something else has work.
void wait_for_work() {
    begin("serving the control socket");
    const long soon = serve_control_socket();
    const int socket = control_socket_descriptor();
    const uint64_t now = monotonic_ns();
    const uint64_t due = Min(Min(schedule.next_sample, schedule.next_settle),
                             Min(schedule.round + schedule.round_interval, history_due()));
    const long wait = ms_until(due, now);
    (void)WaitLatchOrSocket(
        MyLatch,
        WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | (socket >= 0 ? WL_SOCKET_READABLE : 0),
        socket, soon >= 0 ? Min(soon, wait) : wait, worker_wait_event());
    ResetLatch(MyLatch);
}

// By leash.reset().
void forget_longest_times() {
    WorkerStatus& status = shared()->worker;
    const uint32_t reset = pg_atomic_read_u32(&shared()->longest_reset);
    if (status.longest_reset != reset) {
        status.changes.begin_write();
        status.longest_reset = reset;
        status.round_time_max = 0;
        status.history_time_max = 0;
        status.history_time_max = 0;
        status.changes.end_write();
    }
}

void work() {
    MemoryContextReset(work_context);
    answer_signals();
    forget_longest_times();
    begin("calling its clerk");
    call_clerk();
    const uint64_t now = monotonic_ns();
    if (now >= schedule.next_sample) {
        sample(now);
    }
    if (now >= schedule.round + schedule.round_interval) {
        round(now);
    }
    if (now >= history_due()) {
        end_minute(monotonic_ns());
    }
    settle();
    if (now >= schedule.next_save) {
        save(now);
    }
    wait_for_work();
}

// --- errors ------------------------------------------------------------------

// Logged once for each new text, counted always.
void note_error() {
    MemoryContextSwitchTo(work_context);
    const ErrorData* const error = CopyErrorData();
    const char* const text = error->message != nullptr ? error->message : "";
    WorkerStatus& status = shared()->worker;
    status.changes.begin_write();
    status.errors++;
    status.failing = true;
    status.error_at = GetCurrentTimestamp();
    strlcpy(status.error, text, sizeof status.error);
    status.changes.end_write();
    if (strncmp(last_logged, text, sizeof last_logged - 1) != 0) {
        strlcpy(last_logged, text, sizeof last_logged);
        EmitErrorReport();
    }
}

// What an error left behind, as the launcher of autovacuum does it.
void recover() {
    error_context_stack = nullptr;
    HOLD_INTERRUPTS();
    disable_all_timeouts(false);
    QueryCancelPending = false;
    note_error();
    AbortCurrentTransaction();
    LWLockReleaseAll();
    pgstat_report_wait_end();
    MemoryContextSwitchTo(work_context);
    FlushErrorState();
    RESUME_INTERRUPTS();
    pgstat_report_activity(STATE_IDLE, nullptr);
    (void)WaitLatch(MyLatch, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kAfterError, worker_wait_event());
}

void start() {
    before_shmem_exit(report_exit, 0);
    // Whom it answers over its socket is shown names from catalogs that somebody may have
    // locked: then that answer fails, and all else goes on.
    SetConfigOption("lock_timeout", "500ms", PGC_SUSET, PGC_S_OVERRIDE);
    // Of PostgreSQL's statistics, the history looks at a few among very many.
    SetConfigOption("stats_fetch_consistency", "none", PGC_SUSET, PGC_S_OVERRIDE);
    work_context =
        AllocSetContextCreate(TopMemoryContext, "pg_leash worker", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(work_context);
    error_context.callback = describe_error;
    const uint64_t now = monotonic_ns();
    schedule = {now,
                sample_interval(),
                ~uint64_t{0},
                now + kSaveEvery,
                now - Min(now, check_interval()),
                check_interval()};
    report_start();
    open_control_socket();
    pgstat_report_activity(STATE_IDLE, nullptr);
}

}  // namespace

void register_worker() {
    BackgroundWorker worker{};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_ConsistentState;
    worker.bgw_restart_time = 1;
    strlcpy(worker.bgw_name, "pg_leash", sizeof worker.bgw_name);
    strlcpy(worker.bgw_type, "pg_leash", sizeof worker.bgw_type);
    strlcpy(worker.bgw_library_name, "pg_leash", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, "leash_worker_main", sizeof worker.bgw_function_name);
    RegisterBackgroundWorker(&worker);
}

void wake_worker() {
    const uint32 number = shared() == nullptr ? 0 : pg_atomic_read_u32(&shared()->worker_proc);
    if (number != 0) {
        // It may have gone meanwhile: then somebody else looks up for nothing.
        SetLatch(&GetPGProcByNumber(number - 1)->procLatch);
    }
}

void read_worker_status(WorkerStatus& copy) {
    const WorkerStatus& status = shared()->worker;
    for (int i = 0; i < kTries; i++) {
        const uint32_t before = status.changes.begin_read();
        copy = status;
        if (status.changes.consistent(before)) {
            return;
        }
    }
}

}  // namespace leash

extern "C" {

void leash_worker_main(Datum) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
    leash::start();

    sigjmp_buf after_error;
    if (sigsetjmp(after_error, 1) != 0) {
        leash::recover();
    }
    PG_exception_stack = &after_error;
    error_context_stack = &leash::error_context;
    for (;;) {
        leash::work();
    }
}

}  // extern "C"
