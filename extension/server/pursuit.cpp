#include "server/pursuit.h"

#include "server/clock.h"
#include "server/reaper.h"
#include "server/round.h"

extern "C" {
#include "storage/lwlock.h"
}

namespace leash {
namespace {

// Reads whether the awaited has come.
bool has_come(int number, const Pursuit& pursuit) {
    SessionIdentity identity;
    SessionSlot* const slot = session_slot(number);
    const bool open = (slot->word.load() & claim::kOpen) != 0 && read_identity(*slot, identity);
    if (open && identity.id != pursuit.session) {
        return true;  // somebody else has the slot
    }
    if (pursuit.awaited == Step::terminate) {
        return has_exited(number, pursuit.session);
    }
    BackendState now{};
    return !open || !read_backend_state(number, identity, now) ||
           now.state_change != pursuit.command;
}

// Completes the row.  Each decision is logged once, so not again when it was overdue.
void complete(const Pursuit& pursuit, bool came, uint64_t took, LogQueue& log) {
    const bool exits = pursuit.awaited == Step::terminate;
    const Outcome outcome =
        came ? (exits ? kEnded : kCancelled) : (exits ? kStillExiting : kStillRunning);
    ReapRecord record;
    if (journal_amend(pursuit.journaled, outcome, came ? took : 0, record) && !pursuit.overdue) {
        log.add(record);
    }
}

void stop_waiting(Pursuit& pursuit) {
    pursuit.awaited = Step::none;
    pursuit.overdue = false;
    shared()->awaited--;
}

// True when nothing is awaited any more.
bool settle(int number, Pursuit& pursuit, uint64_t now, LogQueue& log) {
    const uint64_t took = now > pursuit.signalled_at ? now - pursuit.signalled_at : 1;
    if (has_come(number, pursuit)) {
        complete(pursuit, true, took, log);
        stop_waiting(pursuit);
        return true;
    }
    if (!pursuit.overdue && took > static_cast<uint64_t>(kPatience) * 1'000'000) {
        complete(pursuit, false, 0, log);
        pursuit.overdue = true;
    }
    return false;
}

}  // namespace

int64_t period_of(const Policy& policy, const SessionReport& report) {
    const bool by_state = policy.idle_for != 0 || policy.statement_for != 0 || policy.learned;
    if (!by_state && (policy.unused_for != 0 || report.verdict.apparent == Leak::ping_only)) {
        return static_cast<int64_t>(session_slot(report.number)->last_use.get());
    }
    if (!by_state && policy.xact_for != 0 && report.backend.xact_start != 0) {
        return report.backend.xact_start;
    }
    return report.backend.state_change;
}

Pursuit& pursue(const SessionReport& report, const Policy& policy, int64_t period, LogQueue& log) {
    Pursuit& pursuit = *leash::pursuit(report.number);
    const bool same = pursuit.session == report.identity.id && pursuit.period == period &&
                      pursuit.mode == policy.mode && strcmp(pursuit.policy, policy.name) == 0;
    if (!same) {
        conclude(report.number, log);
        pursuit = {};
        pursuit.session = report.identity.id;
        strlcpy(pursuit.policy, policy.name, sizeof pursuit.policy);
        pursuit.period = period;
        pursuit.mode = policy.mode;
    }
    return pursuit;
}

void await_outcome(Pursuit& pursuit, Step step, TimestampTz command, uint64_t signalled_at) {
    pursuit.awaited = step;
    pursuit.command = command;
    pursuit.signalled_at = signalled_at;
    shared()->awaited++;
}

void hand_over(int number, const ReapRecord& record, Step step, TimestampTz command,
               uint64_t signalled_at) {
    if (!LWLockConditionalAcquire(lock(Lock::round), LW_EXCLUSIVE)) {
        return;
    }
    Pursuit& pursuit = *leash::pursuit(number);
    if (pursuit.awaited == Step::none && pursuit.session != record.session) {
        pursuit = {};
        pursuit.session = record.session;
        pursuit.journaled = record.sequence;
        pursuit.overdue = true;
        await_outcome(pursuit, step, command, signalled_at);
    }
    LWLockRelease(lock(Lock::round));
}

void conclude(int number, LogQueue& log) {
    Pursuit& pursuit = *leash::pursuit(number);
    if (pursuit.awaited != Step::none && !settle(number, pursuit, monotonic_ns(), log)) {
        complete(pursuit, false, 0, log);
        stop_waiting(pursuit);
    }
}

int settle_exits() {
    // A look without the lock: whoever has signalled somebody calls again.
    if (*const_cast<volatile int32_t*>(&shared()->awaited) == 0) {
        return 0;
    }
    if (!LWLockConditionalAcquire(lock(Lock::round), LW_EXCLUSIVE)) {
        return 1;
    }
    LogQueue log{};
    int waiting = 0;
    const uint64_t now = monotonic_ns();
    int left = shared()->awaited;
    for (int i = 0; i < shared()->slots && left > 0; i++) {
        Pursuit& pursuit = *leash::pursuit(i);
        if (pursuit.awaited != Step::none) {
            left--;
            if (!settle(i, pursuit, now, log) && !pursuit.overdue) {
                waiting++;
            }
        }
    }
    LWLockRelease(lock(Lock::round));
    log.flush();
    return waiting;
}

void LogQueue::add(const ReapRecord& record) {
    if (count == room) {
        room = room == 0 ? 16 : 2 * room;
        const Size size = sizeof(ReapRecord) * static_cast<Size>(room);
        records = static_cast<ReapRecord*>(records == nullptr ? palloc(size)
                                                              : repalloc_huge(records, size));
    }
    records[count++] = record;
}

void LogQueue::flush() {
    for (int i = 0; i < count; i++) {
        journal_log(records[i]);
    }
    if (records != nullptr) {
        pfree(records);
    }
    *this = {};
}

}  // namespace leash
