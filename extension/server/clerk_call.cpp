// How the worker calls a clerk: when there is work for one, and not again and again
// where it cannot be done.
#include "server/clerk.h"

#include "server/clock.h"
#include "server/policy_store.h"
#include "server/settings.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

namespace leash {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLongestDelay = 10'000 * kMillisecond;  // after failures in a row
constexpr uint64_t kIntervalsWithoutDatabase = 10;         // nobody creates one unnoticed

// The worker's memory of its clerks; a new worker begins anew.
struct {
    BackgroundWorkerHandle* handle;  // null: none is at work
    uint64_t answers;                // policies_wanted when it was called
    uint64_t tried;                  // policies_wanted of the last attempt
    uint64_t not_before;             // for the same policies_wanted
    int failures;                    // in a row
    bool on_standby;
    bool no_database;            // to connect to
    char database[NAMEDATALEN];  // the setting of the last attempt
} office;

uint64_t check_interval() {
    return static_cast<uint64_t>(settings::check_interval) * kMillisecond;
}

uint64_t wanted() {
    return pg_atomic_read_u64(&shared()->policies_wanted);
}

bool policies_are_read(uint64_t wanted) {
    return pg_atomic_read_u64(&shared()->policies_read) >= wanted;
}

void try_again_later(uint64_t delay) {
    office.not_before = monotonic_ns() + delay;
}

void failed() {
    const uint64_t delay = check_interval() << Min(office.failures, 10);
    office.failures++;
    try_again_later(Min(delay, Max(check_interval(), kLongestDelay)));
}

bool has_reason() {
    LWLockAcquire(lock(Lock::policies), LW_SHARED);
    const bool reason = policy_set()->error[0] != '\0';
    LWLockRelease(lock(Lock::policies));
    return reason;
}

// The clerk that was at work has gone.
void settle() {
    pfree(office.handle);
    office.handle = nullptr;
    if (policies_are_read(office.answers)) {
        office.failures = 0;
        // On a standby it was to stay.
        try_again_later(office.on_standby ? check_interval() : 0);
        return;
    }
    failed();
    if (!has_reason()) {
        keep_policies("the process that was to read them ended early");
    }
}

bool is_at_work() {
    pid_t pid = 0;
    if (office.handle != nullptr && GetBackgroundWorkerPid(office.handle, &pid) == BGWH_STOPPED) {
        settle();
    }
    return office.handle != nullptr;
}

// What no backend tells: another setting, and the end of being a standby.
void notice_changes() {
    const bool standby = RecoveryInProgress();
    const bool other_database = strncmp(office.database, settings::database, NAMEDATALEN - 1) != 0;
    if (other_database || office.on_standby != standby) {
        if (office.handle != nullptr && office.on_standby) {
            TerminateBackgroundWorker(office.handle);  // it may sleep for long
        }
        pg_atomic_fetch_add_u64(&shared()->policies_wanted, 1);
        strlcpy(office.database, settings::database, sizeof office.database);
        office.on_standby = standby;
    }
}

bool has_work() {
    return office.on_standby || office.no_database || !policies_are_read(wanted()) ||
           shared()->notices > 0;
}

bool is_due() {
    return wanted() != office.tried || monotonic_ns() >= office.not_before;
}

const char* problem_of(const FormData_pg_database& database) {
    return database.datconnlimit == DATCONNLIMIT_INVALID_DB
               ? "is what an interrupted DROP DATABASE left"
               : nullptr;
}

// The database to connect to; when there is none, says why.  By a scan of the whole
// catalog: in a process without a database its indexes may not be known.
Oid find_database(const char*& problem) {
    problem = "does not exist";
    Oid found = InvalidOid;
    StartTransactionCommand();
    const Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
    const SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
    HeapTuple tuple = nullptr;
    while (HeapTupleIsValid(tuple = systable_getnext(scan))) {
        const auto* const form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
        if (strcmp(NameStr(form->datname), settings::database) == 0) {
            problem = problem_of(*form);
            found = problem == nullptr ? form->oid : InvalidOid;
            break;
        }
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    CommitTransactionCommand();
    return found;
}

void do_without_database(const char* problem) {
    char reason[kErrorSize];
    pg_snprintf(reason, sizeof reason, "database \"%s\", which pg_leash.database names, %s",
                settings::database, problem);
    drop_policies(reason, office.tried);
    if (shared()->notices > 0) {
        int count = 0;
        Notice* const notices = take_notices(count);
        log_notices(notices, count);
        pfree(notices);
    }
    try_again_later(check_interval() * (office.on_standby ? 1 : kIntervalsWithoutDatabase));
}

BackgroundWorker job_for(Oid database) {
    BackgroundWorker job{};
    job.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    job.bgw_start_time = BgWorkerStart_ConsistentState;
    job.bgw_restart_time = BGW_NEVER_RESTART;
    job.bgw_main_arg = ObjectIdGetDatum(database);
    job.bgw_notify_pid = MyProcPid;
    static_assert(sizeof office.tried <= sizeof job.bgw_extra);
    memcpy(job.bgw_extra, &office.tried, sizeof office.tried);
    strlcpy(job.bgw_name, "pg_leash clerk", sizeof job.bgw_name);
    strlcpy(job.bgw_type, "pg_leash clerk", sizeof job.bgw_type);
    strlcpy(job.bgw_library_name, "pg_leash", sizeof job.bgw_library_name);
    strlcpy(job.bgw_function_name, "leash_clerk_main", sizeof job.bgw_function_name);
    return job;
}

void hire(Oid database) {
    BackgroundWorker job = job_for(database);
    office.answers = office.tried;
    const MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
    const bool registered = RegisterDynamicBackgroundWorker(&job, &office.handle);
    MemoryContextSwitchTo(old);
    if (!registered) {
        office.handle = nullptr;
        failed();
        if (!policies_are_read(office.tried)) {
            keep_policies("no background worker slot is free (max_worker_processes)");
        }
    }
}

}  // namespace

void call_clerk() {
    notice_changes();
    if (is_at_work() || !has_work() || !is_due()) {
        return;
    }
    office.tried = wanted();
    const char* problem = nullptr;
    const Oid database = find_database(problem);
    office.no_database = !OidIsValid(database);
    if (OidIsValid(database)) {
        hire(database);
    } else {
        do_without_database(problem);
    }
}

}  // namespace leash
