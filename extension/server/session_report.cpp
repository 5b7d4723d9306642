#include "server/session_report.h"

#include <algorithm>

#include "server/applications.h"
#include "server/clock.h"
#include "server/lease.h"
#include "server/lock_facts.h"
#include "server/sampler.h"
#include "server/settings.h"
#include "server/shared_snapshots.h"
#include "server/worker.h"

#include "core/pooler_name.h"

#include "core/secrets.h"

extern "C" {
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
}

namespace leash {
namespace {

// Both clocks at one moment: all ages of one report are taken from it.
struct Moment {
    uint64_t monotonic;
    TimestampTz wall;
    bool sampled;          // the worker runs
    uint64_t last_sample;  // monotonic, ns; read before any observation

    uint64_t since(uint64_t then) const { return monotonic > then ? monotonic - then : 0; }
    uint64_t since_wall(TimestampTz then) const { return wall_age_ns(then, wall); }
};

Moment moment_of_report() {
    WorkerStatus worker{};
    read_worker_status(worker);
    return {monotonic_ns(), GetCurrentTimestamp(), worker.pid != 0, worker.last_sample};
}

// How long ago PostgreSQL stamped what. `stamp` and `since` are what the worker has seen
// of it: when it has seen this very stamp, the wall clock has no say any more; else the
// stamp is younger than the last sample, and the session's.
uint64_t age_of(TimestampTz what, TimestampTz stamp, uint64_t since, uint64_t opened_at,
                const Moment& now) {
    if (!now.sampled) {
        return now.since_wall(what);
    }
    if (what == stamp) {
        return now.since(since);
    }
    return Min(now.since_wall(what), now.since(Max(opened_at, now.last_sample)));
}

bool is_active(State state) {
    return state == State::active || state == State::fastpath;
}

bool is_in_transaction(State state) {
    return state == State::idle_in_transaction || state == State::idle_in_transaction_aborted;
}

// How long the session has been idle: from the later of our stamp and PostgreSQL's,
// since commands that fail before every hook are seen only there.
uint64_t idle_age(const LedgerCopy& ledger, const BackendState& backend, uint64_t state_for,
                  const Moment& now) {
    if (is_active(backend.state)) {
        return 0;
    }
    const uint64_t ours = now.since(ledger.since);
    if (backend.state == State::unknown) {
        return ledger.active ? 0 : ours;
    }
    return ledger.active ? state_for : Min(ours, state_for);
}

// Adds the phase that still lasts to the sums of those that ended.
void add_current_phase(SessionReport& report, const LedgerCopy& ledger, const Moment& now) {
    const BackendState& backend = report.backend;
    const uint64_t phase = now.since(ledger.since);
    uint64_t active = ledger.active ? phase : 0;
    if (is_active(backend.state) && !ledger.active) {
        active = Min(phase, report.facts.state_for);
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

void read_transaction(SessionReport& report, const Observation& seen, const Moment& now) {
    const BackendState& backend = report.backend;
    const Opener& opener = session_slot(report.number)->opener;
    const bool open = backend.xact_start != 0 || is_in_transaction(backend.state);
    report.has_opener = open && opener.xact_start != 0 &&
                        (backend.xact_start == 0 || backend.xact_start == opener.xact_start) &&
                        opener.begun >= report.identity.opened_at;
    if (report.has_opener) {
        report.xact_for = now.since(opener.begun);
    } else if (backend.xact_start != 0) {
        report.xact_for = Max(1, age_of(backend.xact_start, seen.xact_start, seen.xact_since,
                                        report.identity.opened_at, now));
    }
    if (is_active(backend.state)) {
        report.statement_for = Max(1, report.facts.state_for);  // each message is a new state
    }
}

// For how long nothing at all has happened while it waits for its client, as far as the
// worker has looked.
uint64_t stall_age(const BackendState& backend, const Observation& seen, uint64_t state_for,
                   const Moment& now) {
    if (!waits_for_client(backend)) {
        return 0;
    }
    if (!now.sampled) {
        return state_for;
    }
    const bool known = seen.stalled_since != 0 && seen.state_change == backend.state_change &&
                       seen.cpu_time == backend.cpu_time;
    return known ? now.last_sample - Min(now.last_sample, seen.stalled_since) : 0;
}

// What was last heard of the client, unless that is too long ago, or the session has gone
// on since.
Peer peer_of(const Observation& seen, uint64_t state_for, const Moment& now) {
    const uint64_t rounds = 3 * static_cast<uint64_t>(settings::check_interval) * 1'000'000;
    const uint64_t answered = now.since(seen.peer_asked_at);
    return answered < rounds + 5'000'000'000 && answered <= state_for ? seen.peer : Peer::unknown;
}

bool read_session(int number, const Moment& now, SessionReport& report) {
    SessionSlot& slot = *session_slot(number);
    const uint64_t word = slot.word.load();
    if ((word & claim::kOpen) == 0) {
        return false;
    }
    report = {};
    report.number = number;
    report.word = word;
    if (!read_identity(slot, report.identity)) {
        return false;
    }
    // Read before the state, so that it cannot be newer.
    Observation seen;
    if (!now.sampled || !read_observation(number, report.identity.id, seen)) {
        seen = {};
    }
    report.sampled = now.sampled;
    report.client_wait = seen.client_wait;
    report.facts.habits = now.sampled ? habits_of(seen.application) : Habits{};
    if (!read_backend_state(number, report.identity, report.backend) ||
        !read_application_name(report.identity, report.application)) {
        return false;
    }
    const LedgerCopy ledger = slot.ledger.read();
    const volatile PGPROC* const proc = GetPGProcByNumber(number);
    const BackendState& backend = report.backend;
    report.transactions = slot.transactions.get();
    report.slow_statements = slot.slow_statements.get();
    report.secret_start = slot.secret_start.get();
    report.has_temporary_objects = OidIsValid(proc->tempNamespaceId);
    report.has_held_cursors = slot.held_cursors.get() > 0;
    report.in_use = is_active(backend.state) || is_in_transaction(backend.state);

    SessionFacts& facts = report.facts;
    facts.state = backend.state;
    facts.client_wait = backend.client_wait;
    facts.state_for = age_of(backend.state_change, seen.state_change, seen.state_since,
                             report.identity.opened_at, now);
    facts.stalled_for = stall_age(backend, seen, facts.state_for, now);
    facts.idle_for = idle_age(ledger, backend, facts.state_for, now);
    facts.unused_for = now.since(slot.last_use.get());
    facts.connected_for = now.since(report.identity.opened_at);
    facts.statements = slot.statements.get();
    facts.uses = slot.uses.get();
    facts.listens = slot.listens.get();
    facts.lease = holds_lease(slot);
    facts.backup = slot.backup.get();
    facts.exported_snapshot = slot.exported_snapshot.get();
    facts.imported_snapshot = imports_living_snapshot(slot);
    facts.peer = peer_of(seen, facts.state_for, now);
    facts.holds_xmin = TransactionIdIsValid(proc->xmin) || TransactionIdIsValid(proc->xid);
    read_transaction(report, seen, now);
    add_current_phase(report, ledger, now);
    return true;
}

void judge_with_locks(SessionReports& all, SessionReport& report, const Thresholds& limits) {
    if (!all.locks.was_read()) {
        all.locks.read();
    }
    const LockFacts held = all.locks.of(report.identity.id.pid);
    report.facts.blocked_sessions = held.blocked_sessions;
    report.facts.holds_locks = held.holds_locks;
    report.facts.advisory_lock = held.advisory_lock;
    report.verdict = judge(report.facts, limits);
}

uint64_t hash_of_application(const char* name) {
    const auto length = static_cast<int>(length_without_host(name));
    return length == 0
               ? 0
               : hash_bytes_extended(reinterpret_cast<const unsigned char*>(name), length, 0);
}

// The verdicts that depend on the other sessions of an application.
void judge_applications(SessionReports& all) {
    if (all.count == 0) {
        return;
    }
    auto* const members =
        static_cast<Member*>(palloc(sizeof(Member) * static_cast<Size>(all.count)));
    for (int i = 0; i < all.count; i++) {
        SessionReport& report = all.reports[i];
        members[i] = {
            report.identity.role, report.identity.database, hash_of_application(report.application),
            &report.facts,        &report.verdict,          0};
    }
    judge_pools(members, static_cast<size_t>(all.count));
    pfree(members);
}

// Sessions of one application share them.
bool same_login(int number, const SessionIdentity& who) {
    SessionIdentity other;
    return read_identity(*session_slot(number), other) && other.role == who.role &&
           other.database == who.database;
}

// Reads open sessions, all of them or those of one role in one database, and judges each
// by itself.
SessionReports read_sessions(const SessionIdentity* like) {
    const int slots = shared()->slots;
    const Thresholds limits = settings::thresholds();
    const Moment now = moment_of_report();
    SessionReports all{};
    all.reports = static_cast<SessionReport*>(
        palloc_extended(sizeof(SessionReport) * static_cast<Size>(slots), MCXT_ALLOC_HUGE));
    for (int i = 0; i < slots; i++) {
        SessionReport& report = all.reports[all.count];
        if ((like == nullptr || same_login(i, *like)) && read_session(i, now, report)) {
            report.verdict = judge(report.facts, limits);
            all.count++;
        }
    }
    return all;
}

}  // namespace

SessionReports report_sessions() {
    const Thresholds limits = settings::thresholds();
    SessionReports all = read_sessions(nullptr);
    // Locks are looked at only when somebody is a candidate: they exempt, and weigh.
    for (int i = 0; i < all.count; i++) {
        if (all.reports[i].verdict.apparent != Leak::none) {
            judge_with_locks(all, all.reports[i], limits);
        }
    }
    judge_applications(all);
    return all;
}

void add_lock_facts(SessionReports& all) {
    const Thresholds limits = settings::thresholds();
    for (int i = 0; i < all.count; i++) {
        if (all.reports[i].verdict.apparent == Leak::none) {
            judge_with_locks(all, all.reports[i], limits);
        }
    }
}

bool report_session(int number, SessionReport& report) {
    SessionIdentity who;
    if (!read_identity(*session_slot(number), who)) {
        return false;
    }
    SessionReports all = read_sessions(&who);
    SessionReport* const end = all.reports + all.count;
    SessionReport* const found = std::find_if(
        all.reports, end, [number](const SessionReport& each) { return each.number == number; });
    const bool there = found != end;
    if (there) {
        judge_with_locks(all, *found, settings::thresholds());
        judge_applications(all);
        report = *found;
    }
    pfree(all.reports);
    return there;
}

void read_last_statement(const SessionReport& report, LastStatement& last) {
    char application[NAMEDATALEN];
    const int encoding = report.identity.encoding;
    last.known =
        read_backend_texts(report.identity, application, last.text) && last.text[0] != '\0';
    const size_t length = strlen(last.text);
    last.secret = (report.secret_start != 0 && report.secret_start == report.backend.query_start) ||
                  may_carry_secret(last.text, length);
    // PostgreSQL cuts byte by byte.
    if (last.known && PG_VALID_ENCODING(encoding)) {
        const int clipped = pg_encoding_mbcliplen(encoding, last.text, static_cast<int>(length),
                                                  pgstat_track_activity_query_size - 1);
        last.text[clipped] = '\0';
    }
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
