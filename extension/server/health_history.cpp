// The checks of leash.health() that look at the last minutes.
#include "server/health.h"

#include "server/history.h"
#include "server/minutes.h"

#include "core/duration.h"
#include "core/trend.h"

namespace leash {
namespace {

constexpr int kRecent = 10;  // minutes
constexpr uint64_t kEnoughStatements = 100;
constexpr int kTrend = 30;  // minutes
constexpr double kLeastGrowth = 2;

// Sums over the last `minutes`.
template <class Add>
void for_last(const RecentHistory& recent, int minutes, Add add) {
    const TimestampTz since = GetCurrentTimestamp() - minutes * minute_us();
    for (uint64_t i = 0; i < recent.count; i++) {
        if (recent.rows[i].minute >= since) {
            add(recent.rows[i]);
        }
    }
}

const char* length_of(int minutes) {
    char text[kDurationTextSize];
    format_duration(minutes * minute_us(), text, sizeof text);
    return pstrdup(text);
}

// How used connections have grown, in this life of the server.
Trend trend_of(const RecentHistory& recent) {
    Trend trend;
    for_last(recent, kTrend, [&trend](const HistoryRow& row) {
        if (row.minute >= PgStartTime) {
            const TimestampTz middle = row.minute + minute_us() / 2;
            trend.add(static_cast<double>(middle) / USECS_PER_SEC, row.used_mean);
        }
    });
    return trend;
}

}  // namespace

RecentHistory read_recent_history() {
    RecentHistory recent{};
    recent.rows = copy_history(recent.count);
    return recent;
}

Check check_cache_hit(const RecentHistory& recent) {
    uint64_t hit = 0;
    uint64_t asked = 0;
    for_last(recent, kRecent, [&](const HistoryRow& row) {
        hit += row.blks_hit;
        asked += row.blks_hit + row.blks_read;
    });
    const bool known = asked >= kEnoughBlocks;
    const char* const message =
        known ? psprintf("%.1f %% of " UINT64_FORMAT
                         " blocks were found in shared buffers in the "
                         "last %s",
                         100 * share_of(hit, asked), asked, length_of(kRecent))
              : psprintf("too few blocks were asked for in the last %s (" UINT64_FORMAT ")",
                         length_of(kRecent), asked);
    return make_check("cache_hit", known ? share_of(hit, asked) : kNoLimit, kCacheHitLimits,
                      message);
}

Check check_slow(const RecentHistory& recent) {
    uint64_t slow = 0;
    uint64_t statements = 0;
    for_last(recent, kRecent, [&](const HistoryRow& row) {
        slow += row.slow;
        statements += row.statements;
    });
    const bool known = statements >= kEnoughStatements;
    const char* const message =
        psprintf(UINT64_FORMAT " of " UINT64_FORMAT " statements were slow in the last %s%s", slow,
                 statements, length_of(kRecent), known ? "" : ", too few to tell");
    const double share = share_of(Min(slow, statements), statements);
    return make_check("slow", known ? share : kNoLimit, kSlowLimits, message);
}

Check check_exhaustion(const RecentHistory& recent) {
    const Trend trend = trend_of(recent);
    if (!is_growing(trend, kLeastGrowth)) {
        return make_check("exhaustion", kNoLimit, kExhaustionLimits,
                          trend.count() == 0 ? "nothing is known yet of how connections grow"
                                             : "connections do not grow");
    }
    const int left = Max(usable_connections() - used_connections(), 0);
    const double seconds = Min(left / trend.slope(), 1e9);
    char text[kDurationTextSize];
    format_duration(static_cast<int64_t>(seconds) * USECS_PER_SEC, text, sizeof text);
    return make_check("exhaustion", static_cast<double>(static_cast<int64_t>(seconds)),
                      kExhaustionLimits,
                      psprintf("connections grow by %.1f a minute: the last of %d that ordinary "
                               "roles can take is gone in %s",
                               60 * trend.slope(), usable_connections(), text));
}

}  // namespace leash
