// The checks of leash.health() on this moment: the worker, policies, connections, leaks.
#include "server/health.h"

#include "server/applications.h"
#include "server/clock.h"
#include "server/policy_store.h"
#include "server/settings.h"
#include "server/worker.h"

extern "C" {
#include "lib/stringinfo.h"
}

namespace leash {
namespace {

constexpr int kLateAfter = 3;  // check intervals
constexpr uint64_t kRefusedMinutes = 10;

// How many of the leaked sessions do what harm, the worst first.
const char* weights_of(const SessionReports& all) {
    int counts[static_cast<int>(Weight::holds_a_slot) + 1] = {};
    for (int i = 0; i < all.count; i++) {
        const Verdict& verdict = all.reports[i].verdict;
        counts[static_cast<int>(verdict.weight)] += is_leaked(verdict.leak) ? 1 : 0;
    }
    StringInfoData text;
    initStringInfo(&text);
    const char* separator = "";
    for (int i = 0; i <= static_cast<int>(Weight::holds_a_slot); i++) {
        if (counts[i] > 0) {
            appendStringInfo(&text, "%s%d %s", separator, counts[i],
                             name_of(static_cast<Weight>(i)));
            separator = ", ";
        }
    }
    return text.data;
}

}  // namespace

int usable_connections() {
    return Max(MaxConnections - reserved_connections(), 1);
}

int used_connections() {
    int used = 0;
    for (int i = 0; i < shared()->slots; i++) {
        used += proc_in_use(i) ? 1 : 0;
    }
    return used;
}

Check check_worker() {
    WorkerStatus worker{};
    read_worker_status(worker);
    const double critical = kLateAfter * settings::check_interval / 1000.0;
    if (worker.pid == 0) {
        return {"worker",
                Health::critical,
                kNoLimit,
                kNoLimit,
                critical,
                "the worker does not run: nothing is sampled or reaped (is max_worker_processes "
                "large enough?)"};
    }
    const uint64_t since = worker.rounds > 0 ? worker.last_round : 0;
    const uint64_t now = monotonic_ns();
    const uint64_t late_ms = now > since ? (now - since) / 1'000'000 : 0;
    const double late = static_cast<double>(late_ms) / 1000.0;
    if (worker.rounds == 0) {
        return {"worker", Health::ok, kNoLimit, kNoLimit, critical, "the worker has just started"};
    }
    if (late > critical) {
        return {"worker", Health::critical,
                late,     kNoLimit,
                critical, psprintf("the worker's last round began %.1f s ago", late)};
    }
    if (worker.failing) {
        return {"worker", Health::warning,
                late,     kNoLimit,
                critical, psprintf("the worker's last round failed: %s", worker.error)};
    }
    return {"worker", Health::ok, late, kNoLimit, critical, "the worker runs"};
}

Check check_policies() {
    PolicyStatus policies;
    read_policy_status(policies);
    const double count = policies.count;
    if (policies.error[0] != '\0') {
        return {"policies",
                Health::warning,
                count,
                kNoLimit,
                kNoLimit,
                psprintf("%d policies in force, but they could not be read again: %s",
                         policies.count, policies.error)};
    }
    return {"policies", Health::ok, count,
            kNoLimit,   kNoLimit,   psprintf("%d policies in force", policies.count)};
}

Check check_connections() {
    const int used = used_connections();
    const int usable = usable_connections();
    const double share = share_of(static_cast<uint64_t>(used), static_cast<uint64_t>(usable));
    return make_check(
        "connections", share, kConnectionLimits,
        psprintf("%d connections are taken of the %d that ordinary roles can take", used, usable));
}

Check check_leaked(const SessionReports& all) {
    int leaked = 0;
    for (int i = 0; i < all.count; i++) {
        leaked += is_leaked(all.reports[i].verdict.leak) ? 1 : 0;
    }
    return make_check("leaked", leaked, leaked_limits(usable_connections()),
                      leaked == 0 ? "no session is leaked"
                                  : psprintf("%d of %d sessions are leaked (%s): see leash.leaks",
                                             leaked, all.count, weights_of(all)));
}

Check check_refused() {
    const auto refused =
        static_cast<double>(shared()->refused_lately.of_last(kRefusedMinutes, monotonic_ns()));
    return make_check("refused", refused, kRefusedLimits,
                      psprintf("%.0f connections were refused for lack of a slot in the last %d "
                               "minutes",
                               refused, static_cast<int>(kRefusedMinutes)));
}

Check check_tracker() {
    const uint64_t sessions = sessions_without_room();
    const uint64_t slow = pg_atomic_read_u64(&shared()->slow_lost);
    LWLockAcquire(lock(Lock::slow), LW_SHARED);
    const uint64_t queries = shared()->summaries_lost;
    LWLockRelease(lock(Lock::slow));
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfoString(&text, sessions + slow == 0 ? "nothing was lost" : "");
    if (sessions > 0) {
        appendStringInfo(&text,
                         UINT64_FORMAT
                         " sessions are of applications that found no room (raise "
                         "pg_leash.applications_max)",
                         sessions);
    }
    if (slow > 0) {
        appendStringInfo(&text, "%s" UINT64_FORMAT " slow statements were not recorded",
                         sessions > 0 ? ", " : "", slow);
    }
    if (queries > 0) {
        appendStringInfo(&text,
                         ", " UINT64_FORMAT " queries made room for others in leash.slow_summary",
                         queries);
    }
    return make_check("tracker", static_cast<double>(sessions + slow), kTrackerLimits, text.data);
}

}  // namespace leash
