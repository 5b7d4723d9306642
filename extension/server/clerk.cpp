#include "server/clerk.h"

#include "server/compat.h"
#include "server/policy_store.h"
#include "server/policy_table.h"
#include "server/settings.h"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
}

extern "C" {
PGDLLEXPORT void leash_clerk_main(Datum database);
}

namespace leash {
namespace {

constexpr int kWorkTimeout = 5000;  // ms, for one look at the table
constexpr const char* kChannel = "pg_leash";

// The policies_wanted that this clerk answers: when it was called.  What has changed
// since then calls for another one.
uint64_t answers = 0;
int notices_taken = 0;  // that are sent when their transaction commits
MemoryContext work_context = nullptr;

// What ALTER DATABASE or ALTER ROLE may have set is not for the clerk.
void override_settings() {
    constexpr const char* overrides[][2] = {
        {"lock_timeout", "500ms"},
        {"default_transaction_isolation", "read committed"},
        {"default_transaction_read_only", "off"},
        {"default_transaction_deferrable", "off"},
        {"search_path", "pg_catalog, pg_temp"},
    };
    for (const auto& [name, value] : overrides) {
        SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
    }
}

void read_policies() {
    if (!OidIsValid(get_extension_oid("pg_leash", true))) {
        char* const here = get_database_name(MyDatabaseId);
        drop_policies(psprintf("extension pg_leash is not installed in database \"%s\", which "
                               "pg_leash.database names",
                               here != nullptr ? here : ""),
                      answers);
        return;
    }
    auto* const policies = static_cast<Policy*>(palloc(sizeof(Policy) * kMaxPolicies));
    const int count = read_policy_table(policies);
    store_policies(policies, count, answers);
}

void send_notices() {
    notices_taken = 0;
    const Notice* const notices = take_notices(notices_taken);
    if (RecoveryInProgress()) {
        log_notices(notices, notices_taken);
        return;
    }
    for (int i = 0; i < notices_taken; i++) {
        Async_Notify(kChannel, notices[i].payload);
    }
}

// Why the table could not be read, in a line.
const char* reason_of(const ErrorData& error) {
    if (error.sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE) {
        return "table leash.policies is locked";
    }
    if (error.detail != nullptr) {
        return psprintf("%s (%s)", error.message, error.detail);
    }
    return error.message;
}

// Runs `work` in a transaction.  An error in it is returned, and the clerk goes on.
ErrorData* attempt(void (*work)()) {
    const MemoryContext context = work_context;
    ErrorData* volatile error = nullptr;
    SetCurrentStatementStartTimestamp();
    PG_TRY();
    {
        StartTransactionCommand();
        enable_timeout_after(STATEMENT_TIMEOUT, kWorkTimeout);
        work();
        CommitTransactionCommand();
        disable_timeout(STATEMENT_TIMEOUT, false);
    }
    PG_CATCH();
    {
        HOLD_INTERRUPTS();
        disable_all_timeouts(false);
        QueryCancelPending = false;
        MemoryContextSwitchTo(context);
        error = CopyErrorData();
        FlushErrorState();
        AbortCurrentTransaction();
        RESUME_INTERRUPTS();
    }
    PG_END_TRY();
    MemoryContextSwitchTo(context);
    return error;
}

void do_work() {
    pgstat_report_activity(STATE_RUNNING, "pg_leash: reading leash.policies");
    const ErrorData* error = attempt(read_policies);
    if (error != nullptr) {
        keep_policies(reason_of(*error));
    }
    if (shared()->notices > 0) {
        error = attempt(send_notices);
        if (error != nullptr) {
            lose_notices(notices_taken);
            ereport(LOG, (errmsg("pg_leash could not send its notifications: %s", error->message)));
        }
    }
    pgstat_report_activity(STATE_IDLE, nullptr);
    (void)pgstat_report_stat(true);
    MemoryContextReset(work_context);
}

// Whether the clerk of a standby is still wanted where it is.
bool is_to_stay() {
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
    }
    StartTransactionCommand();
    const bool right_place = get_database_oid(settings::database, true) == MyDatabaseId;
    CommitTransactionCommand();
    return right_place && RecoveryInProgress() && ShutdownRequestPending == 0 &&
           shared()->worker.pid == MyBgworkerEntry->bgw_notify_pid;
}

void work() {
    do_work();
    while (is_to_stay()) {
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                        settings::check_interval, worker_wait_event());
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (is_to_stay()) {
            do_work();
        }
    }
}

}  // namespace
}  // namespace leash

extern "C" {

void leash_clerk_main(Datum database) {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid,
                                              BGWORKER_BYPASS_ALLOWCONN);
    // From here on it leaves by itself, and quietly.
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    memcpy(&leash::answers, MyBgworkerEntry->bgw_extra, sizeof leash::answers);
    leash::work_context =
        AllocSetContextCreate(TopMemoryContext, "pg_leash clerk", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(leash::work_context);
    leash::override_settings();
    leash::work();
    proc_exit(0);
}

}  // extern "C"
