#include "server/session_report.h"

#include "server/clock.h"
#include "server/lock_facts.h"
#include "server/settings.h"

extern "C" {
#include "common/hashfn.h"
}

namespace leash {
namespace {

// Both clocks at one moment: all ages of one report are taken from it.
struct Moment {
    uint64_t monotonic;
    TimestampTz wall;

    uint64_t since(uint64_t then) const { return monotonic > then ? monotonic - then : 0; }
    uint64_t since_wall(TimestampTz then) const { return wall_age_ns(then, wall); }
};

bool is_active(State state) {
    return state == State::active || state == State::fastpath;
}

bool is_in_transaction(State state) {
    return state == State::idle_in_transaction || state == State::idle_in_transaction_aborted;
}

// How long the session has been idle: from the later of our stamp and PostgreSQL's,
// since commands that fail before every hook are seen only there.
uint64_t idle_age(const LedgerCopy& ledger, const BackendState& backend, const Moment& now) {
    if (is_active(backend.state)) {
        return 0;
    }
    const uint64_t ours = now.since(ledger.since);
    if (backend.state == State::unknown) {
        return ledger.active ? 0 : ours;
    }
    const uint64_t theirs = now.since_wall(backend.state_change);
    return ledger.active ? theirs : Min(ours, theirs);
}

// Adds the phase that still lasts to the sums of those that ended.
void add_current_phase(SessionReport& report, const LedgerCopy& ledger, const Moment& now) {
    const BackendState& backend = report.backend;
    const uint64_t phase = now.since(ledger.since);
    uint64_t active = ledger.active ? phase : 0;
    if (is_active(backend.state) && !ledger.active) {
        active = Min(phase, now.since_wall(backend.state_change));
    } else if (!is_active(backend.state) && ledger.active && backend.state != State::unknown) {
        active = phase - Min(phase, report.facts.idle_for);
    }
    const bool in_transaction =
        is_in_transaction(backend.state) || (is_active(backend.state) && backend.xact_start != 0 &&
                                             backend.xact_start < backend.query_start);
    report.active_time = ledger.active_time + active;
    report.idle_time = ledger.idle_time + (in_transaction ? 0 : phase - active);
    report.in_transaction_time = ledger.in_transaction_time + (in_transaction ? phase - active : 0);
    report.longest_idle = Max(ledger.longest_idle, report.facts.idle_for);
}

void read_transaction(SessionReport& report, const Moment& now) {
    const BackendState& backend = report.backend;
    const Opener& opener = session_slot(report.number)->opener;
    const bool open = backend.xact_start != 0 || is_in_transaction(backend.state);
    report.has_opener = open && opener.xact_start != 0 &&
                        (backend.xact_start == 0 || backend.xact_start == opener.xact_start) &&
                        opener.begun >= report.identity.opened_at;
    if (report.has_opener) {
        report.xact_for = now.since(opener.begun);
    } else if (backend.xact_start != 0) {
        report.xact_for = now.since_wall(backend.xact_start);
    }
    if (backend.state == State::active) {
        report.statement_for = now.since_wall(backend.query_start);
    } else if (backend.state == State::fastpath) {
        report.statement_for = now.since_wall(backend.state_change);
    }
}

bool read_session(int number, const Moment& now, char* activity, SessionReport& report) {
    SessionSlot& slot = *session_slot(number);
    const uint64_t word = slot.word.load();
    if ((word & claim::kOpen) == 0) {
        return false;
    }
    report = {};
    report.number = number;
    report.word = word;
    if (!read_identity(slot, report.identity) ||
        !read_backend_state(number, report.identity, report.backend) ||
        !read_backend_texts(report.identity, report.application, activity)) {
        return false;
    }
    const LedgerCopy ledger = slot.ledger.read();
    const volatile PGPROC* const proc = GetPGProcByNumber(number);
    const BackendState& backend = report.backend;
    report.transactions = slot.transactions.get();
    report.slow_statements = slot.slow_statements.get();
    report.secret_start = slot.secret_start.get();
    report.in_use = is_active(backend.state) || is_in_transaction(backend.state);

    SessionFacts& facts = report.facts;
    facts.state = backend.state;
    facts.client_wait = backend.client_wait;
    facts.idle_for = idle_age(ledger, backend, now);
    facts.unused_for = now.since(slot.last_use.get());
    facts.state_for = now.since_wall(backend.state_change);
    facts.connected_for = now.since(report.identity.opened_at);
    facts.statements = slot.statements.get();
    facts.uses = slot.uses.get();
    facts.listens = slot.listens.get();
    facts.holds_xmin = TransactionIdIsValid(proc->xmin) || TransactionIdIsValid(proc->xid);
    read_transaction(report, now);
    add_current_phase(report, ledger, now);
    return true;
}

// Locks are looked at only when somebody is a candidate: they exempt, and weigh.
void judge_with_locks(SessionReports& all, const Thresholds& limits) {
    LockTable locks;
    for (int i = 0; i < all.count; i++) {
        SessionReport& report = all.reports[i];
        if (report.verdict.leak == Leak::none) {
            continue;
        }
        if (!locks.was_read()) {
            locks.read();
        }
        const LockFacts held = locks.of(report.identity.id.pid);
        report.facts.blocked_sessions = held.blocked_sessions;
        report.facts.holds_locks = held.holds_locks;
        report.facts.advisory_lock = held.advisory_lock;
        report.verdict = judge(report.facts, limits);
    }
}

void judge_surplus(SessionReports& all) {
    if (all.count == 0) {
        return;
    }
    auto* const members =
        static_cast<Member*>(palloc(sizeof(Member) * static_cast<Size>(all.count)));
    for (int i = 0; i < all.count; i++) {
        SessionReport& report = all.reports[i];
        members[i] = {
            report.identity.role,
            report.identity.database,
            hash_bytes_extended(reinterpret_cast<const unsigned char*>(report.application),
                                static_cast<int>(strlen(report.application)), 0),
            report.in_use,
            report.facts.idle_for,
            &report.verdict};
    }
    mark_surplus(members, static_cast<size_t>(all.count));
    pfree(members);
}

}  // namespace

SessionReports report_sessions() {
    const int slots = shared()->slots;
    const Thresholds limits = settings::thresholds();
    const Moment now = {monotonic_ns(), GetCurrentTimestamp()};
    auto* const activity =
        static_cast<char*>(palloc(static_cast<Size>(pgstat_track_activity_query_size)));
    SessionReports all{};
    all.reports = static_cast<SessionReport*>(
        palloc_extended(sizeof(SessionReport) * static_cast<Size>(slots), MCXT_ALLOC_HUGE));
    for (int i = 0; i < slots; i++) {
        SessionReport& report = all.reports[all.count];
        if (read_session(i, now, activity, report)) {
            report.verdict = judge(report.facts, limits);
            all.count++;
        }
    }
    judge_with_locks(all, limits);
    judge_surplus(all);
    pfree(activity);
    return all;
}

bool read_opener(const SessionReport& report, Opener& opener) {
    const SessionSlot& slot = *session_slot(report.number);
    const uint32_t before = slot.opener_changes.begin_read();
    opener = slot.opener;
    return slot.opener_changes.consistent(before) && opener.text.length <= kOpenerSize &&
           opener.begun >= report.identity.opened_at &&
           (report.backend.xact_start == 0 || opener.xact_start == report.backend.xact_start);
}

}  // namespace leash
