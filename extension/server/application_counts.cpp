// What sessions add to their applications: when they end and, for readers, while they live.
#include "server/applications.h"

#include "server/clock.h"
#include "server/debug_stop.h"
#include "server/minutes.h"
#include "server/sampler.h"
#include "server/session.h"

extern "C" {
#include "common/hashfn.h"
#include "pgstat.h"
}

namespace leash {
namespace {

Ending ending_of(uint64_t word) {
    if ((word & claim::kClaimed) != 0) {
        return Ending::reaped;
    }
    switch (pgStatSessionEndCause) {
        case DISCONNECT_CLIENT_EOF:
            return Ending::abandoned;
        case DISCONNECT_FATAL:
            return Ending::fatal;
        case DISCONNECT_KILLED:
            return Ending::killed;
        default:
            return Ending::exit;
    }
}

// A pool that retires a connection tells by it how long it lets one idle.
void note_last_gap(Application& entry, const LedgerCopy& ledger, Ending ending, uint64_t now) {
    if (ending == Ending::exit && !ledger.active && now > ledger.since) {
        const size_t bucket = Histogram::bucket_of(now - ledger.since);
        for (size_t rank = 0; rank < kHistogramRanks; rank++) {
            if (bucket_at(rank) == bucket) {
                entry.idle_gaps.counts[rank]++;
                entry.idle_gaps.total++;
            }
        }
    }
}

SessionCounts counts_at_end(const SessionSlot& slot, const LedgerCopy& ledger, uint64_t client_wait,
                            uint64_t now) {
    const uint64_t rest = now > ledger.since ? now - ledger.since : 0;
    return {slot.statements.get(),
            slot.uses.get(),
            slot.transactions.get(),
            slot.slow_statements.get(),
            ledger.active_time + (ledger.active ? rest : 0),
            ledger.idle_time + (ledger.active ? 0 : rest),
            ledger.in_transaction_time,
            client_wait};
}

SessionCounts counts_of(const SessionReport& report) {
    return {report.facts.statements,    session_slot(report.number)->uses.get(),
            report.transactions,        report.slow_statements,
            report.active_time,         report.idle_time,
            report.in_transaction_time, report.client_wait};
}

uint64_t less(uint64_t all, uint64_t before) {
    return all - Min(all, before);
}

void add(Application& entry, int number, const SessionId& session, const SessionCounts& counts) {
    const CountedBefore& known = *counted_before(number);
    const SessionCounts before = known.session == session ? known.counts : SessionCounts{};
    entry.statements += less(counts.statements, before.statements);
    entry.uses += less(counts.uses, before.uses);
    entry.transactions += less(counts.transactions, before.transactions);
    entry.slow_statements += less(counts.slow_statements, before.slow_statements);
    entry.active_time += less(counts.active_time, before.active_time);
    entry.idle_time += less(counts.idle_time, before.idle_time);
    entry.in_transaction_time += less(counts.in_transaction_time, before.in_transaction_time);
    entry.client_wait += less(counts.client_wait, before.client_wait);
}

void fold(Application& entry, const SessionSlot& slot, uint64_t client_wait, Ending ending) {
    const LedgerCopy ledger = slot.ledger.read();
    const uint64_t now = monotonic_ns();
    entry.ended[static_cast<int>(ending)]++;
    entry.lifetime += now - Min(now, slot.identity.opened_at);
    add(entry, static_cast<int>(&slot - session_slot(0)), slot.identity.id,
        counts_at_end(slot, ledger, client_wait, now));
    entry.latencies.add(slot.latencies);
    entry.idle_gaps.add(slot.idle_gaps);
    note_last_gap(entry, ledger, ending, now);
    if (slot.statements.get() > 0) {
        entry.active_minutes.mark(minute_of(GetCurrentTimestamp()));
    }
}

// Where a session was found to belong; others of its application are not searched for.
struct Found {
    const SessionReport* session;  // null: free
    int number;
};
constexpr uint32 kFound = 256;

bool is_of_same(const SessionReport& a, const SessionReport& b) {
    return a.identity.role == b.identity.role && a.identity.database == b.identity.database &&
           strcmp(a.application, b.application) == 0;
}

// Where each of these sessions would be folded into if it ended now.
int* numbers_of(const SessionReports& all) {
    auto* const numbers = static_cast<int*>(palloc(sizeof(int) * static_cast<Size>(all.count)));
    auto* const found = static_cast<Found*>(palloc0(sizeof(Found) * kFound));
    for (int i = 0; i < all.count; i++) {
        const SessionReport& report = all.reports[i];
        const SessionIdentity& who = report.identity;
        const uint32 hash = hash_bytes(reinterpret_cast<const unsigned char*>(report.application),
                                       static_cast<int>(strlen(report.application)));
        Found& last = found[hash % kFound];
        if (last.session == nullptr || !is_of_same(*last.session, report)) {
            last = {&report,
                    application_of(who.role, who.database, who.encoding, report.application)};
        }
        numbers[i] = last.number;
    }
    pfree(found);
    return numbers;
}

// Under Lock::applications: whether it is still there, and has not been folded.
bool is_to_be_added(const SessionReport& report) {
    SessionIdentity now;
    SessionSlot& slot = *session_slot(report.number);
    return (slot.word.load() & claim::kOpen) != 0 && !slot.folded && read_identity(slot, now) &&
           now.id == report.identity.id;
}

}  // namespace

void fold_session() {
    SessionSlot& slot = *my_slot;
    const SessionIdentity& who = slot.identity;
    Observation seen{};
    const bool observed = read_observation(static_cast<int>(&slot - session_slot(0)), who.id, seen);
    const int number = application_of(who.role, who.database, who.encoding, MyBEEntry->st_appname);
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    const Ending ending = ending_of(slot.word.load());
    fold(*application(number), slot, observed ? seen.client_wait : 0, ending);
    slot.folded = true;
    debug_stop("folding");
    shared()->others_ended += number == kOtherApplications ? 1 : 0;
    shared()->ended_statements += slot.statements.get();
    shared()->ended_reaped += ending == Ending::reaped ? 1 : 0;
    LWLockRelease(lock(Lock::applications));
}

LivingApplications read_applications() {
    const SessionReports all = report_sessions();
    const int* const numbers = numbers_of(all);
    const auto room = static_cast<Size>(shared()->applications);
    LivingApplications copy{};
    copy.entries =
        static_cast<Application*>(palloc_extended(sizeof(Application) * room, MCXT_ALLOC_HUGE));
    copy.living = static_cast<uint64_t*>(palloc0(sizeof(uint64_t) * room));
    // Under one lock: who is not added here has been folded into what is copied.
    LWLockAcquire(lock(Lock::applications), LW_SHARED);
    copy.count = shared()->applications_known;
    memcpy(static_cast<void*>(copy.entries), application(0),
           sizeof(Application) * static_cast<Size>(copy.count));
    for (int i = 0; i < all.count; i++) {
        const SessionReport& report = all.reports[i];
        if (is_to_be_added(report)) {
            Application& entry = copy.entries[numbers[i]];
            const SessionSlot& slot = *session_slot(report.number);
            add(entry, report.number, report.identity.id, counts_of(report));
            entry.latencies.add(slot.latencies);
            entry.idle_gaps.add(slot.idle_gaps);
            copy.living[numbers[i]]++;
        }
    }
    LWLockRelease(lock(Lock::applications));
    return copy;
}

void forget_applications() {
    const SessionReports all = report_sessions();
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    for (int i = 0; i < all.count; i++) {
        const SessionReport& report = all.reports[i];
        if (is_to_be_added(report)) {
            *counted_before(report.number) = {report.identity.id, counts_of(report)};
        }
    }
    for (int i = 0; i < shared()->applications_known; i++) {
        Application& entry = *application(i);
        const Application old = entry;
        entry = {};
        entry.hash = old.hash;
        entry.role = old.role;
        entry.database = old.database;
        entry.encoding = old.encoding;
        memcpy(entry.name, old.name, sizeof entry.name);
        entry.sessions = old.sessions;
        entry.in_use_now = old.in_use_now;
        entry.busy_now = old.busy_now;
        entry.active_minutes = old.active_minutes;
        begin_application(entry);
        entry.known_since = 0;  // until a session bears the name
    }
    shared()->others_ended = 0;
    LWLockRelease(lock(Lock::applications));
    pfree(numbers_of(all));  // the names that are borne now are known again
}

}  // namespace leash
