// A round: reports, decides, and has steps.cpp act.
//
// Names and rights come from the catalogs, whose locks may be held for long: all of that
// is looked up before Lock::round is taken.  What happens in between does no harm, since
// a claim succeeds only while the session is as it was reported.
#include "server/round.h"

#include "server/application_watch.h"
#include "server/brake.h"
#include "server/breakers.h"
#include "server/candidate.h"
#include "server/clock.h"
#include "server/debug_stop.h"
#include "server/policy_store.h"
#include "server/reaper.h"
#include "server/round_state.h"
#include "server/session.h"
#include "server/settings.h"

#include "core/duration.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"
}

namespace leash {
namespace {

constexpr long kBetweenLooks = 2;  // ms, while another round is under way

template <class T>
T* allocate(size_t count) {
    return static_cast<T*>(palloc_extended(sizeof(T) * Max(count, 1), MCXT_ALLOC_HUGE));
}

// Once for as long as it lasts.
void say_locked(Oid catalog) {
    static Oid said = InvalidOid;
    if (OidIsValid(catalog) && catalog != said) {
        const char* const name = catalog == AuthIdRelationId ? "pg_authid" : "pg_database";
        ereport(LOG, (errmsg("pg_leash spares sessions that it cannot name while \"%s\" is locked",
                             name),
                      errhint("SELECT pid FROM pg_locks WHERE relation = '%s'::regclass AND "
                              "granted; says who has locked it.",
                              name)));
    }
    said = catalog;
}

void make_candidates(Round& round) {
    const bool of_worker = !OidIsValid(round.options.actor);
    NameCache of_actor{};
    if (!of_worker) {
        of_actor = NameCache::make();
    }
    NameCache& names = of_worker ? NameCache::of_worker() : of_actor;
    const auto count = static_cast<size_t>(round.all.count);
    round.candidates = allocate<Candidate>(count);
    for (size_t i = 0; i < count; i++) {
        round.candidates[i] = make_candidate(round.all.reports[i], names);
    }
    if (of_worker) {
        say_locked(names.locked_catalog());
    }
    if (OidIsValid(round.options.actor) && !round.options.dry_run) {
        round.permitted = allocate<bool>(count);
        for (size_t i = 0; i < count; i++) {
            round.permitted[i] =
                may_act_on(round.options.actor, round.all.reports[i].identity.role);
        }
    }
}

// Whether some policy would match some session, if the lock table said what it asks for.
bool may_match(const Round& round) {
    for (int i = 0; i < round.all.count; i++) {
        Candidate candidate = round.candidates[i];
        candidate.advisory_lock = false;
        candidate.blocks_others = true;
        for (int p = 0; p < round.set->count; p++) {
            if (matches(round.set->policies[p], candidate)) {
                return true;
            }
        }
    }
    return false;
}

// Locks exempt, weigh and block: they are read after every word, so that a lock taken
// later makes the claim fail.
void add_locks(Round& round) {
    add_lock_facts(round.all);
    for (int i = 0; i < round.all.count; i++) {
        round.candidates[i].advisory_lock = round.all.reports[i].facts.advisory_lock;
        round.candidates[i].blocks_others = round.all.reports[i].facts.blocked_sessions > 0;
    }
}

// Everything that can be known before the round has its lock.
void look(Round& round) {
    round.began = monotonic_ns();
    round.all = report_sessions();
    watch_verdicts(round.all);
    make_candidates(round);
    if (may_match(round)) {
        add_locks(round);
        round.count = static_cast<size_t>(round.all.count);
    }
}

// Leaks are counted when no policy asks for them, too.
void watch_only(const Round& round) {
    if (!round.wants_results()) {
        watch_verdicts(report_sessions());
    }
}

// The worker does not wait: what the other round does need not be done.  A session does,
// and can be interrupted.
bool take_turn(const Round& round) {
    while (!LWLockConditionalAcquire(lock(Lock::round), LW_EXCLUSIVE)) {
        if (!round.wants_results()) {
            return false;
        }
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kBetweenLooks,
                        PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
    return true;
}

// Another round may have moved it on since the policies were copied.
void read_progress(Round& round) {
    PolicySet& ours = *round.set;
    LWLockAcquire(lock(Lock::policies), LW_SHARED);
    const PolicySet& theirs = *policy_set();
    if (theirs.version == ours.version) {
        memcpy(ours.progress, theirs.progress, sizeof ours.progress);
        memcpy(ours.ended_by_second, theirs.ended_by_second, sizeof ours.ended_by_second);
        memcpy(ours.brake_second, theirs.brake_second, sizeof ours.brake_second);
    }
    LWLockRelease(lock(Lock::policies));
    for (int i = 0; i < ours.count; i++) {
        release_brake(ours, i, round.began);
    }
}

int find_policy(const PolicySet& set, const char* name) {
    for (int i = 0; i < set.count; i++) {
        if (strcmp(set.policies[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

// By name: the policies may have changed since they were copied.
void write_progress(const Round& round) {
    const PolicySet& ours = *round.set;
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    PolicySet& theirs = *policy_set();
    for (int i = 0; i < ours.count; i++) {
        const int at =
            theirs.version == ours.version ? i : find_policy(theirs, ours.policies[i].name);
        if (at >= 0) {
            theirs.progress[at] = ours.progress[i];
            memcpy(theirs.ended_by_second[at], ours.ended_by_second[i],
                   sizeof ours.ended_by_second[i]);
            theirs.brake_second[at] = ours.brake_second[i];
        }
    }
    LWLockRelease(lock(Lock::policies));
}

Pressure pressure_now() {
    Pressure pressure{};
    for (int i = 0; i < shared()->slots; i++) {
        pressure.used += proc_in_use(i) ? 1 : 0;
    }
    pressure.usable = static_cast<uint32_t>(Max(MaxConnections - reserved_connections(), 1));
    return pressure;
}

bool is_broken(uint64_t group, void* context) {
    const Breaker* const found = find_breaker(group);
    return found != nullptr && is_open(*found, static_cast<const Round*>(context)->began);
}

void say_opened(const SessionReport& report, const Candidate& candidate) {
    char text[kDurationTextSize];
    format_duration(static_cast<int64_t>(kBreakerOpenFor / 1000), text, sizeof text);
    log_breaker(make_record(report, candidate.role, candidate.database), text);
}

uint32_t count_group(const Round& round, uint64_t group) {
    uint32_t count = 0;
    for (int i = 0; i < round.all.count; i++) {
        count += round.candidates[i].group == group ? 1 : 0;
    }
    return count;
}

// Closes breakers of groups that grow all the same.
void check_breakers(const Round& round) {
    for (int i = 0; i < kBreakerCount; i++) {
        Breaker& each = *breaker(i);
        if (each.group != 0 && is_open(each, round.began)) {
            (void)close_if_grown(each, count_group(round, each.group), round.began);
        }
    }
}

// Sessions that have come since the last round: a group whose victims come back at once
// is left alone for a while.
void note_reconnects(Round& round, bool* opened) {
    const uint64_t last = shared()->last_round;
    for (int i = 0; i < round.all.count; i++) {
        const uint64_t opened_at = round.all.reports[i].identity.opened_at;
        if (opened_at <= last || opened_at > round.began) {
            continue;
        }
        Breaker* const found = find_breaker(round.candidates[i].group);
        if (found != nullptr) {
            const uint32_t sessions = count_group(round, round.candidates[i].group);
            opened[i] = note_opened(*found, opened_at, sessions, round.began);
        }
    }
    shared()->last_round = round.began;
}

void plan(Round& round) {
    round.decisions = allocate<Decision>(round.count);
    auto* const scratch = allocate<uint32_t>(2 * round.count);
    round.count = plan_round(round.set->policies, static_cast<size_t>(round.set->count),
                             round.set->progress, round.candidates, round.count, pressure_now(),
                             is_broken, &round, scratch, round.decisions);
    if (round.wants_results()) {
        const MemoryContext old = MemoryContextSwitchTo(round.results);
        round.result.records = allocate<ReapRecord>(round.count);
        MemoryContextSwitchTo(old);
    }
}

void decide_and_act(Round& round) {
    debug_stop("turn");
    read_progress(round);
    const bool dry_run = round.options.dry_run;
    auto* const opened = allocate<bool>(static_cast<size_t>(round.all.count));
    memset(opened, 0, sizeof(bool) * static_cast<size_t>(round.all.count));
    if (!dry_run) {
        note_reconnects(round, opened);
        check_breakers(round);
    }
    plan(round);
    for (size_t i = 0; i < round.count; i++) {
        if (dry_run) {
            preview(round, round.decisions[i]);
        } else {
            act_on(round, round.decisions[i]);
        }
    }
    debug_stop("acted");
    if (!dry_run) {
        write_progress(round);
    }
    LWLockRelease(lock(Lock::round));
    for (int i = 0; i < round.all.count; i++) {
        if (opened[i]) {
            say_opened(round.all.reports[i], round.candidates[i]);
        }
    }
    round.log.flush();
}

}  // namespace

RoundResult run_round(const RoundOptions& options) {
    Round round{};
    round.options = options;
    round.results = CurrentMemoryContext;
    const Mode bound = settings::reaping();
    const MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "pg_leash round", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext old = MemoryContextSwitchTo(context);
    round.set = copy_policies();
    for (int i = 0; i < round.set->count; i++) {
        round.set->policies[i].mode = Min(round.set->policies[i].mode, bound);
    }
    if (bound == Mode::off || round.set->count == 0) {
        watch_only(round);
    } else {
        if (OidIsValid(options.actor)) {
            strlcpy(round.by, GetUserNameFromId(options.actor, false), sizeof round.by);
        }
        look(round);
        if (take_turn(round)) {
            decide_and_act(round);
        }
    }
    MemoryContextSwitchTo(old);
    MemoryContextDelete(context);
    return round.result;
}

}  // namespace leash
