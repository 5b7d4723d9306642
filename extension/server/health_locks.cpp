// The checks of leash.health() on who waits for locks, and who holds back vacuum.
#include "server/health.h"

#include "server/clock.h"

#include "core/duration.h"

extern "C" {
#include "access/transam.h"
#include "access/twophase.h"
#include "storage/procarray.h"
}

namespace leash {
namespace {

// For how long it has waited for the lock that it waits for, in ns.  PostgreSQL stamps that
// by the wall clock; no wait is older than its statement.
uint64_t lock_wait_of(const SessionReport& report, TimestampTz now) {
    if ((report.backend.wait_event & 0xff000000) != PG_WAIT_LOCK) {
        return 0;
    }
    PGPROC* const proc = GetPGProcByNumber(report.number);
    const auto since = static_cast<TimestampTz>(pg_atomic_read_u64(&proc->waitStart));
    return since == 0 ? 1 : Max(1, Min(wall_age_ns(since, now), report.statement_for));
}

struct LockWaits {
    int blocked;  // that have waited for a while
    int waiting;
    uint64_t longest;
    int pid;  // of the longest
};

LockWaits find_waits(const SessionReports& all) {
    LockWaits waits{};
    const TimestampTz now = GetCurrentTimestamp();
    for (int i = 0; i < all.count; i++) {
        const uint64_t wait = lock_wait_of(all.reports[i], now);
        waits.blocked += wait >= kBlockedFor ? 1 : 0;
        waits.waiting += wait > 0 ? 1 : 0;
        if (wait > waits.longest) {
            waits.longest = wait;
            waits.pid = all.reports[i].identity.id.pid;
        }
    }
    return waits;
}

// The longest of those that hold this xmin, in words; null when none of them does.
const char* session_with_xmin(const SessionReports& all, TransactionId xmin) {
    const SessionReport* oldest = nullptr;
    for (int i = 0; i < all.count; i++) {
        const SessionReport& report = all.reports[i];
        const bool holds = GetPGProcByNumber(report.number)->xmin == xmin;
        if (holds && (oldest == nullptr || report.xact_for > oldest->xact_for)) {
            oldest = &report;
        }
    }
    return oldest == nullptr ? nullptr : psprintf("session with pid %d", oldest->identity.id.pid);
}

bool is_prepared(TransactionId xid) {
    for (int i = 0; i < max_prepared_xacts; i++) {
        if (PreparedXactProcs[i].xid == xid) {
            return true;
        }
    }
    return false;
}

// Whose transaction this is: a session's, of some other process, or a prepared one.
const char* owner_of_xid(TransactionId xid) {
    if (!TransactionIdIsInProgress(xid)) {
        return nullptr;  // what an entry of PreparedXactProcs keeps after its end
    }
    for (uint32 i = 0; i < ProcGlobal->allProcCount; i++) {
        const volatile PGPROC* const proc = GetPGProcByNumber(i);
        if (proc->xid == xid) {
            const bool is_session = i < static_cast<uint32>(shared()->slots);
            return psprintf("%s with pid %d", is_session ? "session" : "process",
                            static_cast<int>(proc->pid));
        }
    }
    return is_prepared(xid) ? "a prepared transaction" : nullptr;
}

const char* process_with_xmin(TransactionId xmin) {
    for (uint32 i = 0; i < ProcGlobal->allProcCount; i++) {
        const volatile PGPROC* const proc = GetPGProcByNumber(i);
        if (proc->xmin == xmin && proc->pid != 0) {
            return psprintf("process with pid %d", static_cast<int>(proc->pid));
        }
    }
    return nullptr;
}

bool is_slots_xmin(TransactionId xmin) {
    TransactionId data = InvalidTransactionId;
    TransactionId catalog = InvalidTransactionId;
    ProcArrayGetReplicationSlotXmin(&data, &catalog);
    return xmin == data || xmin == catalog;
}

// A transaction keeps others' snapshots old too: so it is looked for first.
const char* holder_of(TransactionId xmin, const SessionReports& all) {
    const char* holder = owner_of_xid(xmin);
    if (holder == nullptr && is_slots_xmin(xmin)) {
        holder = "a replication slot";
    }
    if (holder == nullptr) {
        holder = session_with_xmin(all, xmin);
    }
    return holder != nullptr ? holder : process_with_xmin(xmin);
}

}  // namespace

Check check_blocked(const SessionReports& all) {
    const LockWaits waits = find_waits(all);
    return make_check(
        "blocked", waits.blocked, kBlockedLimits,
        psprintf("%d sessions have waited for a lock for a second or more", waits.blocked));
}

Check check_lock_wait(const SessionReports& all) {
    const LockWaits waits = find_waits(all);
    const uint64_t ms = waits.longest / 1'000'000;
    const double seconds = static_cast<double>(ms) / 1000.0;
    if (waits.waiting == 0) {
        return make_check("lock_wait", 0, kLockWaitLimits, "no session waits for a lock");
    }
    char text[kDurationTextSize];
    format_duration(static_cast<int64_t>(waits.longest / 1000), text, sizeof text);
    return make_check(
        "lock_wait", seconds, kLockWaitLimits,
        psprintf("%d sessions wait for a lock, pid %d for %s", waits.waiting, waits.pid, text));
}

Check check_xmin_age(const SessionReports& all) {
    // The one that counts for what all databases share: nobody's is older.
    const TransactionId oldest = GetOldestNonRemovableTransactionId(nullptr);
    const TransactionId next = ReadNextTransactionId();
    const int32 age = static_cast<int32>(next - oldest);
    const char* const holder = age > 0 ? holder_of(oldest, all) : nullptr;
    return make_check(
        "xmin_age", Max(age, 0), kXminAgeLimits,
        holder == nullptr
            ? psprintf("vacuum can remove what died %d transactions ago", Max(age, 0))
            : psprintf("what died in the last %d transactions is kept for %s", age, holder));
}

}  // namespace leash
