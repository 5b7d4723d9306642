#include "agentless/health.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "core/duration.h"
#include "core/health.h"

namespace leash::tool {
namespace {

// A transaction keeps the snapshots of others old too: so it is named first.  What VACUUM
// holds holds back nobody.
constexpr const char* kCounts = R"sql(
WITH activity AS MATERIALIZED (
         SELECT * FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid()),
     process AS (
         SELECT backend_xid, backend_xmin,
                CASE backend_type WHEN 'client backend' THEN 'session' ELSE 'process' END
                    || ' with pid ' || pid AS who
           FROM activity WHERE query !~* '^\s*(autovacuum:\s+)?vacuum\M'),
     held AS (
         SELECT pg_catalog.age(backend_xid) AS age, 1 AS rank, who FROM process
          UNION ALL
         SELECT pg_catalog.age(transaction), 2, 'a prepared transaction'
           FROM pg_catalog.pg_prepared_xacts
          UNION ALL
         SELECT GREATEST(pg_catalog.age(xmin), pg_catalog.age(catalog_xmin)), 3,
                'a replication slot'
           FROM pg_catalog.pg_replication_slots
          UNION ALL
         SELECT pg_catalog.age(backend_xmin), 4, who FROM process),
     oldest AS (
         SELECT age, who FROM held WHERE age IS NOT NULL ORDER BY age DESC, rank LIMIT 1)
SELECT NOT EXISTS (SELECT FROM activity WHERE backend_start IS NULL),
       (SELECT age FROM oldest), (SELECT who FROM oldest),
       pg_catalog.sum(blks_hit), pg_catalog.sum(blks_read),
       pg_catalog.to_char(pg_catalog.max(stats_reset), 'YYYY-MM-DD HH24:MI TZ')
  FROM pg_catalog.pg_stat_database)sql";

std::uint64_t natural(const std::optional<std::string>& text) {
    return std::strtoull(text.value_or("0").c_str(), nullptr, 10);
}

std::string duration_text(double seconds) {
    char text[kDurationTextSize];
    return {text, format_duration(static_cast<std::int64_t>(seconds * 1e6), text, sizeof text)};
}

class Checks {
public:
    void add(const char* name, double value, const HealthLimits& limits, std::string message) {
        const auto number = [](double limit) {
            return limit == kNoLimit ? Cell() : Cell(fmt::format("{}", limit));
        };
        const Health health = value == kNoLimit ? Health::ok : judge_value(value, limits);
        rows_.rows.push_back({name, name_of(health), number(value), number(limits.warning),
                              number(limits.critical), std::move(message)});
    }

    RawRows rows() && { return std::move(rows_); }

private:
    RawRows rows_{{"check", "status", "value", "warning", "critical", "message"}, {}};
};

void add_connections(const Slots& slots, Checks& checks) {
    checks.add("connections",
               share_of(static_cast<std::uint64_t>(slots.used),
                        static_cast<std::uint64_t>(slots.usable())),
               kConnectionLimits,
               fmt::format("{} sessions hold connections of the {} that ordinary roles can take",
                           slots.used, slots.usable()));
}

void add_leaked(const Slots& slots, const PlainSample& sample, Checks& checks) {
    const auto leaked =
        std::count_if(sample.sessions.begin(), sample.sessions.end(),
                      [](const PlainSession& s) { return is_leaked(s.verdict.leak); });
    checks.add("leaked", static_cast<double>(leaked), leaked_limits(slots.usable()),
               leaked == 0 ? "no session is leaked"
                           : fmt::format("{} of {} sessions are leaked: see pgleash leaks", leaked,
                                         sample.sessions.size()));
}

// Lock tables are read by all, so that those of other roles count as well.
void add_lock_waits(const PlainSample& sample, Checks& checks) {
    long blocked = 0;
    long waiting = 0;
    double longest = 0;
    std::string pid;
    for (const PlainSession& session : sample.sessions) {
        const Cell wait = session.cell("lock_wait");
        if (!wait) {
            continue;
        }
        const double seconds = std::strtod(wait->c_str(), nullptr);
        waiting++;
        blocked += seconds * 1e9 >= static_cast<double>(kBlockedFor) ? 1 : 0;
        if (pid.empty() || seconds > longest) {
            longest = seconds;
            pid = session.text("pid");
        }
    }
    checks.add("blocked", static_cast<double>(blocked), kBlockedLimits,
               fmt::format("{} sessions have waited for a lock for a second or more", blocked));
    checks.add("lock_wait", longest, kLockWaitLimits,
               waiting == 0 ? "no session waits for a lock"
                            : fmt::format("{} sessions wait for a lock, pid {} for {}", waiting,
                                          pid, duration_text(longest)));
}

void add_xmin_age(const ServerCounts& counts, Checks& checks) {
    const long age = std::max(counts.xmin_age.value_or(0), 0L);
    checks.add("xmin_age", static_cast<double>(age), kXminAgeLimits,
               age == 0 ? "vacuum can remove what died 0 transactions ago"
                        : fmt::format("what died in the last {} transactions is kept for {}", age,
                                      counts.xmin_holder));
}

void add_cache_hit(const ServerCounts& counts, Checks& checks) {
    const std::uint64_t asked = counts.blks_hit + counts.blks_read;
    const bool known = asked >= kEnoughBlocks;
    const double share = share_of(counts.blks_hit, asked);
    const std::string since =
        counts.stats_reset
            ? fmt::format("since statistics were reset (the last time at {})", *counts.stats_reset)
            : "since the server's statistics began";
    checks.add("cache_hit", known ? share : kNoLimit, kCacheHitLimits,
               known ? fmt::format("{:.1f} % of {} blocks were found in shared buffers {}",
                                   100 * share, asked, since)
                     : fmt::format("too few blocks were asked for {} ({})", since, asked));
}

}  // namespace

ServerCounts read_server_counts(Connection& connection, const PlainSample& sample) {
    ServerCounts counts;
    counts.slots = read_slots(connection, sample);
    const Result result = connection.run(kCounts);
    counts.sees_all = result.value(0, 0) == "t";
    if (const auto age = result.value(0, 1)) {
        counts.xmin_age = std::strtol(age->c_str(), nullptr, 10);
    }
    counts.xmin_holder = result.value(0, 2).value_or("");
    counts.blks_hit = natural(result.value(0, 3));
    counts.blks_read = natural(result.value(0, 4));
    counts.stats_reset = result.value(0, 5);
    return counts;
}

RawRows health_rows(const ServerCounts& counts, const PlainSample& sample) {
    Checks checks;
    add_connections(counts.slots, checks);
    if (sample.masked == 0) {
        add_leaked(counts.slots, sample, checks);
    }
    add_lock_waits(sample, checks);
    if (counts.sees_all) {
        add_xmin_age(counts, checks);
    }
    add_cache_hit(counts, checks);
    return std::move(checks).rows();
}

}  // namespace leash::tool
