// The checks of leash.health().  Each needs a transaction, and no database.
#pragma once

#include "server/session_report.h"

#include "core/health.h"

namespace leash {

// One check; where a number is kNoLimit, there is none.
struct Check {
    const char* name;
    Health status;
    double value;
    double warning;
    double critical;
    const char* message;  // in the current memory context
};

// Held against the limits; a value that is not known is ok.
inline Check make_check(const char* name, double value, const HealthLimits& limits,
                        const char* message) {
    const Health health = value == kNoLimit ? Health::ok : judge_value(value, limits);
    return {name, health, value, limits.warning, limits.critical, message};
}

// Connection slots that ordinary roles can take, and slots that are taken.
int usable_connections();
int used_connections();

// This moment.
Check check_worker();
Check check_policies();
Check check_connections();
Check check_leaked(const SessionReports& all);
Check check_refused();
Check check_tracker();

// Who waits for locks, and who holds back vacuum.
Check check_blocked(const SessionReports& all);
Check check_lock_wait(const SessionReports& all);
Check check_xmin_age(const SessionReports& all);

// The last minutes.
struct RecentHistory {
    const HistoryRow* rows;  // oldest first
    uint64_t count;
};
RecentHistory read_recent_history();
Check check_cache_hit(const RecentHistory& recent);
Check check_slow(const RecentHistory& recent);
Check check_exhaustion(const RecentHistory& recent);

}  // namespace leash
