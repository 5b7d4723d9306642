#include "advice/pools.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "advice/pool_notes.h"
#include "core/glob.h"
#include "core/queueing.h"

namespace leash::tool {
namespace {

constexpr double kRounding = 1e-9;

// People and tools that connect by themselves; they have no pool.
constexpr const char* kNoPools[] = {
    "psql",     "pgleash*",  "pg_dump*",    "pg_restore", "pg_basebackup",     "pgAdmin*",
    "DBeaver*", "DataGrip*", "pg_activity", "pgcenter",   "postgres_exporter", "pgmetrics",
};
// Applications that found no room of their own, counted together.
constexpr const char* kOther = "(other)";

bool has_no_pool(const std::string& application) {
    return application == kOther ||
           std::any_of(std::begin(kNoPools), std::end(kNoPools), [&](const char* pattern) {
               return glob_matches(pattern, application.c_str());
           });
}

std::int64_t round_up(double value) {
    return static_cast<std::int64_t>(std::ceil(std::min(value, 1e12) - kRounding));
}

double seconds_between(const std::optional<Instant>& from, Instant to) {
    return from && from->us < to.us ? static_cast<double>(to.us - from->us) / 1e6 : 0;
}

PoolAdvice measured(const ApplicationFacts& facts, Instant now) {
    PoolAdvice advice;
    advice.application_name = facts.application_name;
    advice.usename = facts.usename;
    advice.datname = facts.datname;
    advice.counted_for.value = seconds_between(facts.known_since, now);
    advice.known_for = facts.measured_for.value_or(advice.counted_for);
    advice.sessions = facts.sessions;
    advice.sessions_peak = facts.sessions_peak;
    advice.in_use_mean = facts.in_use_mean;
    advice.in_use_p999 = facts.in_use_p999;
    advice.in_use_peak = facts.in_use_peak;
    advice.busy_mean = facts.busy_mean;
    advice.busy_p999 = facts.busy_p999;
    advice.statements = facts.statements;
    advice.addresses = facts.addresses;
    advice.measured = facts.in_use_mean.has_value() && facts.known_since.has_value();
    return advice;
}

// A leaked session adds one to the level for as long as it is leaked.
void take_leaks_out(PoolAdvice& advice, const ApplicationFacts& facts) {
    const double mean = std::max(advice.in_use_mean.value_or(0), 0.0);
    const double leaked = facts.leaked_in_use_time.value + facts.reaped_in_use_time.value;
    advice.leaked_level =
        advice.known_for.value > 0 ? std::clamp(leaked / advice.known_for.value, 0.0, mean) : 0;
    advice.level = mean - advice.leaked_level;
    // Of the p99.9, those who leaked for most of the time: the others may not be in it.
    advice.p999 = std::max<std::int64_t>(
        advice.in_use_p999.value_or(0) - std::llround(advice.leaked_level), 0);
}

// With less, requests that take several connections each wait for each other for ever.
std::int64_t least_of(const PoolOptions& options) {
    return std::max<std::int64_t>(options.threads * (options.per_request - 1) + 1, 1);
}

// What one instance needs: its share, but no less than its share of the load asks for
// by itself.
std::int64_t share_of_instance(const PoolAdvice& advice, const PoolOptions& options) {
    const auto instances = static_cast<double>(advice.instances);
    const double level = advice.level / instances;
    return std::max({round_up(static_cast<double>(advice.with_headroom) / instances),
                     round_up(level + 2 * std::sqrt(level)), least_of(options)});
}

void decide(PoolAdvice& advice, const PoolOptions& options) {
    advice.collecting = advice.measured && advice.known_for.value < kEnoughSeconds;
    advice.instances = std::max<std::int64_t>(options.instances.value_or(advice.addresses), 1);
    if (!advice.measured || (advice.collecting && !options.force)) {
        return;
    }
    advice.formula = square_root_pool(advice.level);
    advice.need = std::max(advice.p999, advice.formula);
    advice.with_headroom = round_up(static_cast<double>(advice.need) * options.headroom);
    advice.wanted_per_instance = share_of_instance(advice, options);
    advice.per_instance = advice.wanted_per_instance;
}

std::int64_t connections_of(const PoolAdvice& advice, std::int64_t per_instance, bool rolling) {
    return per_instance * advice.instances * (rolling ? 2 : 1);
}

// What there is to share: pools get no slot of those who are not advised.
std::int64_t slots_to_share(const Evidence& evidence, const PoolPlan& plan,
                            const PoolOptions& options) {
    if (options.cap) {
        return *options.cap;
    }
    std::int64_t slots =
        evidence.connections.max_connections - evidence.connections.reserved - kSlotsForMonitoring;
    for (const PoolAdvice& pool : plan.pools) {
        slots -= pool.advised() ? 0 : pool.sessions;
    }
    return std::max<std::int64_t>(slots, 0);
}

// Pools that ask for more than there is get the same part of what they ask for, each
// instance at least what it cannot do without.
void cap(PoolPlan& plan, const PoolOptions& options) {
    for (const PoolAdvice& pool : plan.pools) {
        plan.wanted += connections_of(pool, pool.wanted_per_instance, options.rolling);
        plan.sessions += pool.sessions;
    }
    plan.over = plan.wanted > plan.limit;
    const double part = plan.over && plan.wanted > 0
                            ? static_cast<double>(plan.limit) / static_cast<double>(plan.wanted)
                            : 1;
    for (PoolAdvice& pool : plan.pools) {
        if (pool.advised()) {
            const double given = static_cast<double>(pool.wanted_per_instance) * part + kRounding;
            pool.per_instance = std::max(static_cast<std::int64_t>(given), least_of(options));
            pool.capped = pool.per_instance < pool.wanted_per_instance;
        }
        pool.connections = connections_of(pool, pool.per_instance, options.rolling);
        plan.connections += pool.connections;
    }
}

// A role's limit holds for all its applications, those without advice too; PgBouncer's
// pool for those of the same role and database.
void sum_up(PoolPlan& plan) {
    std::map<std::string, std::int64_t> by_role;
    std::map<std::string, std::int64_t> by_database;
    std::map<std::pair<std::string, std::string>, std::int64_t> by_pair;
    for (const PoolAdvice& pool : plan.pools) {
        by_role[pool.usename] +=
            pool.advised() ? pool.connections : pool.sessions_peak.value_or(pool.sessions);
        by_database[pool.datname] += pool.with_headroom;
        by_pair[{pool.usename, pool.datname}] += pool.with_headroom;
        plan.pooler += pool.with_headroom;
        plan.busy += pool.busy_p999.value_or(0);
    }
    for (PoolAdvice& pool : plan.pools) {
        pool.role_connections = by_role[pool.usename];
        pool.pooler_database_size = by_database[pool.datname];
        pool.pooler_size = by_pair[{pool.usename, pool.datname}];
    }
}

bool comes_first(const PoolAdvice& left, const PoolAdvice& right) {
    return left.need != right.need ? left.need > right.need : left.sessions > right.sessions;
}

}  // namespace

const char* name_of(Confidence confidence) {
    switch (confidence) {
        case Confidence::kNone:
            return "none";
        case Confidence::kLow:
            return "low";
        case Confidence::kMedium:
            return "medium";
        case Confidence::kHigh:
            return "high";
    }
    return "";
}

bool PoolPlan::any_advised() const {
    return std::any_of(pools.begin(), pools.end(),
                       [](const PoolAdvice& pool) { return pool.advised(); });
}

PoolPlan advise_pools(const Evidence& evidence, const PoolOptions& options) {
    PoolPlan plan;
    std::vector<const ApplicationFacts*> facts;
    const auto is_chosen = [&](const std::string& application) {
        return options.app ? glob_matches(options.app->c_str(), application.c_str())
                           : !has_no_pool(application);
    };
    for (const ApplicationFacts& application : evidence.applications) {
        // Whoever is not asked for still takes slots.
        if (is_chosen(application.application_name) || !has_no_pool(application.application_name)) {
            PoolAdvice advice = measured(application, evidence.server.now);
            take_leaks_out(advice, application);
            decide(advice, options);
            plan.pools.push_back(std::move(advice));
            facts.push_back(&application);
        }
    }
    plan.limit = slots_to_share(evidence, plan, options);
    cap(plan, options);
    sum_up(plan);
    if (evidence.connections.busy_peak) {
        plan.busy = std::min(plan.busy, *evidence.connections.busy_peak);
    }
    if (options.cores) {
        plan.parallelism = *options.cores * 2;
    }
    for (std::size_t i = 0; i < plan.pools.size(); ++i) {
        judge_confidence(plan.pools[i], *facts[i], evidence);
        note_pool(plan.pools[i], *facts[i], options);
    }
    note_plan(plan, options);
    std::erase_if(plan.pools,
                  [&](const PoolAdvice& pool) { return !is_chosen(pool.application_name); });
    std::stable_sort(plan.pools.begin(), plan.pools.end(), comes_first);
    return plan;
}

}  // namespace leash::tool
