#include "metrics/read_sql.h"

#include <cstdlib>

#include "advice/pools.h"
#include "evidence/read.h"
#include "metrics/labels.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr const char* kLevels = R"sql(
SELECT c.max_connections, c.reserved, c.used, c.authenticating, c.opened_total,
       c.refused_too_many_clients, c.refused_reserved_slots, c.refused_role_limit,
       c.refused_database_limit, c.refused_authentication, c.refused_unavailable,
       pg_catalog.current_setting('superuser_reserved_connections'),
       pg_catalog.current_setting('pg_leash.reaping'),
       EXTRACT(epoch FROM pg_catalog.current_setting('pg_leash.check_interval')::pg_catalog.interval),
       EXTRACT(epoch FROM w.last_round_at),
       pg_catalog.current_setting('pg_leash.applications_max')
  FROM leash.connections AS c CROSS JOIN leash.worker AS w)sql";

// The application of those whose own found no place.
constexpr const char* kNoPlace = "(other)";

constexpr const char* kReasons[] = {"too_many_clients", "reserved_slots", "role_limit",
                                    "database_limit",   "authentication", "unavailable"};

// The tool's own session is no news.
constexpr const char* kSessions = R"sql(
SELECT datname, usename, leash.without_pooler_host(application_name) AS application, state,
       CASE WHEN leaked THEN leak END AS kind, pg_catalog.count(*),
       EXTRACT(epoch FROM pg_catalog.max(idle_for)), EXTRACT(epoch FROM pg_catalog.max(xact_for)),
       pg_catalog.sum(blocked_sessions) FILTER (WHERE pg_catalog.starts_with(state, 'idle'))
  FROM leash.get_sessions()
 WHERE pid <> pg_catalog.pg_backend_pid()
 GROUP BY 1, 2, 3, 4, 5)sql";

constexpr const char* kApplications = R"sql(
SELECT application_name, usename, datname, pg_catalog.hashtextextended(application_name, 0),
       GREATEST(sessions, sessions_peak), busy, busy_peak, EXTRACT(epoch FROM active_time),
       EXTRACT(epoch FROM idle_in_transaction_time), EXTRACT(epoch FROM client_wait), opened,
       ended_exit, ended_abandoned, ended_fatal, ended_killed, reaped, slow_statements
  FROM leash.applications)sql";

// $1: hashes of the names that are told apart; null: all are.
constexpr const char* kDurations = R"sql(
SELECT CASE WHEN $1::pg_catalog.int8[] IS NULL
              OR pg_catalog.hashtextextended(application_name, 0) = ANY ($1::pg_catalog.int8[])
            THEN application_name END AS application,
       measure, at_most_seconds, pg_catalog.sum(samples), pg_catalog.sum(total_seconds)
  FROM leash.duration_histograms
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3)sql";

constexpr const char* kDecisions = R"sql(
SELECT policy, kind, outcome, mode, decisions FROM leash.reap_totals)sql";

// The cells of a row, from the left.
class Cells {
public:
    Cells(const Result& result, int row) : result_(result), row_(row) {}

    std::optional<std::string> next() { return result_.value(row_, column_++); }
    std::string text() { return valid_utf8(next().value_or("")); }
    std::int64_t count() { return std::strtoll(next().value_or("0").c_str(), nullptr, 10); }
    double number() { return std::strtod(next().value_or("0").c_str(), nullptr); }
    std::optional<double> number_if_known() {
        const auto value = next();
        return value ? std::optional(std::strtod(value->c_str(), nullptr)) : std::nullopt;
    }

private:
    const Result& result_;
    int row_;
    int column_ = 0;
};

template <class Take>
void for_each_row(Connection& connection, const Query& query, Take take) {
    const Result result = connection.run(query);
    for (int r = 0; r < result.rows(); ++r) {
        Cells cells(result, r);
        take(cells);
    }
}

void read_levels(Connection& connection, MetricsSample& sample) {
    for_each_row(connection, {kLevels, {}}, [&](Cells& cells) {
        SlotLevels& slots = sample.slots;
        slots.max = cells.count();
        slots.reserved = cells.count();
        slots.used = cells.count();
        slots.authenticating = cells.count();
        slots.opened = cells.count();
        for (const char* reason : kReasons) {
            slots.refused[reason] = cells.count();
        }
        slots.superuser_reserved = cells.count();
        WorkerFacts& worker = sample.worker.emplace();
        worker.reaping = cells.text();
        worker.interval = cells.number_if_known();
        worker.last_round = cells.number_if_known();
        sample.tracker.emplace().places = cells.count();
    });
}

void read_sessions(Connection& connection, MetricsSample& sample) {
    sample.knows_blocked = true;
    for_each_row(connection, {kSessions, {}}, [&](Cells& cells) {
        SessionGroup group;
        group.of.datname = cells.text();
        group.of.usename = cells.text();
        group.of.application_name = cells.text();
        const auto state = cells.next();
        group.state = state.value_or("unknown");
        const std::string kind = cells.text();
        group.sessions = cells.count();
        group.idle_max = cells.number_if_known();
        group.xact_max = cells.number_if_known();
        const std::int64_t blocked = cells.count();
        if (!kind.empty()) {
            sample.leaks.push_back({group.of, kind, group.sessions});
        }
        if (blocked > 0) {
            sample.blocked.push_back({group.of, blocked});
        }
        sample.sessions.push_back(std::move(group));
    });
}

// Those that found no place of their own have neither role nor database.
bool is_without_place(const ApplicationTotals& totals) {
    return totals.of.usename.empty() && totals.of.datname.empty() &&
           totals.of.application_name == kNoPlace;
}

void read_applications(Connection& connection, MetricsSample& sample) {
    for_each_row(connection, {kApplications, {}}, [&](Cells& cells) {
        ApplicationTotals totals;
        totals.of.application_name = cells.text();
        totals.of.usename = cells.text();
        totals.of.datname = cells.text();
        totals.hash = cells.text();
        totals.size = cells.count();
        totals.busy = cells.count();
        totals.busy_peak = cells.count();
        totals.active = cells.number();
        totals.idle_in_transaction = cells.number();
        totals.client_wait = cells.number();
        totals.opened = cells.count();
        for (std::int64_t& ended : totals.ended) {
            ended = cells.count();
        }
        totals.slow_statements = cells.count();
        if (is_without_place(totals)) {
            totals.of = {kOther, kOther, kOther};
            sample.tracker->dropped = totals.opened;
        } else {
            sample.tracker->used++;
        }
        sample.applications.push_back(std::move(totals));
    });
}

// As an array of bigint, or null when all are told apart.
Parameter kept_hashes(const MetricsSample& sample, const LabelSpace& labels) {
    if (!labels.has_other()) {
        return std::nullopt;
    }
    std::string list;
    for (const ApplicationTotals& totals : sample.applications) {
        if (labels.keeps(totals.of.application_name)) {
            list += (list.empty() ? "" : ",") + totals.hash;
        }
    }
    return '{' + list + '}';
}

void read_durations(Connection& connection, MetricsSample& sample, const MetricsOptions& options) {
    const LabelSpace labels(sample, options.top_applications);
    for_each_row(connection, {kDurations, {kept_hashes(sample, labels)}}, [&](Cells& cells) {
        const auto name = cells.next();
        const std::string application = name && *name != kNoPlace ? valid_utf8(*name) : kOther;
        auto& all = cells.text() == "statement" ? sample.statements : sample.idle_periods;
        const double at_most = cells.number();
        const auto samples = static_cast<std::uint64_t>(cells.count());
        const bool begins = all.empty() || all.back().buckets.back().at_most >= at_most;
        if (begins) {
            all.push_back({application, {}, 0});
        }
        all.back().buckets.push_back({at_most, samples});
        all.back().total = cells.number();
    });
}

void read_decisions(Connection& connection, MetricsSample& sample) {
    auto& decisions = sample.decisions.emplace();
    for_each_row(connection, {kDecisions, {}}, [&](Cells& cells) {
        DecisionGroup group;
        group.policy = cells.text();
        group.kind = cells.text();
        group.outcome = cells.text();
        group.mode = cells.text();
        group.decisions = cells.count();
        decisions.push_back(std::move(group));
    });
}

void read_pools(Connection& connection, MetricsSample& sample) {
    const PoolPlan plan = advise_pools(read_pool_evidence(connection), PoolOptions{});
    for (const PoolAdvice& pool : plan.pools) {
        if (pool.advised()) {
            sample.pools[valid_utf8(pool.application_name)] += pool.connections;
        }
    }
}

}  // namespace

bool has_metrics_objects(const ServerInfo& server) {
    return server.extension_version &&
           compare_versions(*server.extension_version, kMetricsExtensionVersion) >= 0;
}

MetricsSample read_metrics(Connection& connection, const ServerInfo& server,
                           const MetricsOptions& options) {
    MetricsSample sample;
    sample.server_version = server.version;
    sample.extension_version = server.extension_version.value_or("");
    read_levels(connection, sample);
    read_sessions(connection, sample);
    read_applications(connection, sample);
    read_pools(connection, sample);
    if (has_metrics_objects(server)) {
        read_durations(connection, sample, options);
        read_decisions(connection, sample);
    }
    return sample;
}

}  // namespace leash::tool
