#include "evidence/read.h"

#include <cmath>
#include <cstdlib>
#include <type_traits>

#include "evidence/existing_index.h"

namespace leash::tool {
namespace {

// --- one field -------------------------------------------------------------------

// What fetches it, in a form that from_text() reads.
template <class T>
std::string expression(const char* name) {
    std::string column = '"' + std::string(name) + '"';
    if constexpr (IsOptional<T>::value) {
        return expression<typename IsOptional<T>::Value>(name);
    } else if constexpr (std::is_same_v<T, Seconds>) {
        return "EXTRACT(epoch FROM " + column + ")::pg_catalog.float8";
    } else if constexpr (std::is_same_v<T, Instant>) {
        return "(EXTRACT(epoch FROM " + column + ") * 1000000)::pg_catalog.int8";
    } else {
        return column;
    }
}

template <class T>
void from_text(const std::string& text, T& value) {
    if constexpr (IsOptional<T>::value) {
        from_text(text, value.emplace());
    } else if constexpr (std::is_same_v<T, Seconds> || std::is_same_v<T, QueryId>) {
        from_text(text, value.value);
    } else if constexpr (std::is_same_v<T, Instant>) {
        from_text(text, value.us);
    } else if constexpr (std::is_same_v<T, std::string>) {
        value = text;
    } else if constexpr (std::is_same_v<T, bool>) {
        value = text == "t";
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        value = std::strtoll(text.c_str(), nullptr, 10);
    } else {
        value = std::strtod(text.c_str(), nullptr);
        value = std::isfinite(value) ? value : 0;
    }
}

// --- rows --------------------------------------------------------------------------

// `from`: what follows the list of columns, with FROM.
template <class T>
std::vector<T> read_rows(Connection& connection, const std::string& from) {
    std::string list;
    T columns;
    T::fields(columns, [&]<class Field>(const char* name, Field&) {
        list += (list.empty() ? "" : ", ") + expression<Field>(name);
    });
    const Result result = connection.run("SELECT " + list + ' ' + from);
    std::vector<T> rows(static_cast<std::size_t>(result.rows()));
    for (int r = 0; r < result.rows(); ++r) {
        T& row = rows[static_cast<std::size_t>(r)];
        int column = 0;
        T::fields(row, [&](const char*, auto& value) {
            if (const auto text = result.value(r, column++)) {
                from_text(*text, value);
            }
        });
    }
    return rows;
}

template <class T>
T read_row(Connection& connection, const std::string& from) {
    std::vector<T> rows = read_rows<T>(connection, from);
    return rows.empty() ? T() : std::move(rows.front());
}

// --- what from where ---------------------------------------------------------------

constexpr const char* kServer = R"sql(
  FROM (SELECT pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
               pg_catalog.current_setting('server_version_num') AS version_number,
               pg_catalog.current_database() AS database,
               (SELECT e.extversion FROM pg_catalog.pg_extension e
                 WHERE e.extname = 'pg_leash') AS extension_version,
               pg_catalog.clock_timestamp() AS now,
               pg_catalog.pg_postmaster_start_time() AS started_at,
               pg_catalog.pg_is_in_recovery() AS in_recovery,
               NULL AS host, NULL AS port, NULL AS statements_from,
               NULL::pg_catalog.timestamptz AS statements_since,
               NULL::pg_catalog.interval AS statement_time) AS server)sql";

// Leaked sessions that are in use, or were when a policy ended them, were counted in
// in_use_mean, which is of the last measured_for.
constexpr const char* kApplications = R"sql(
  FROM (WITH app AS MATERIALIZED (SELECT *, pg_catalog.clock_timestamp() - measured_for AS measured_since
                                    FROM leash.applications),
        opened AS (SELECT leash.without_pooler_host(application_name) AS application_name, usename, datname,
                          client_addr, pg_catalog.count(*) AS sessions,
                          pg_catalog.percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (
                              ORDER BY EXTRACT(epoch FROM pg_catalog.clock_timestamp() - backend_start)::pg_catalog.float8) AS ages
                     FROM leash.sessions GROUP BY 1, 2, 3, 4),
        seen AS (SELECT application_name, usename, datname, pg_catalog.count(client_addr) AS addresses,
                        pg_catalog.sum(sessions) FILTER (WHERE ages[2] - ages[1] <= 0.1 * ages[2])::pg_catalog.int8 AS opened_together
                   FROM opened GROUP BY 1, 2, 3),
        leaking AS (SELECT app.application_name, app.usename, app.datname,
                           pg_catalog.count(*) AS leaked_in_use,
                           pg_catalog.sum(LEAST(leaked_for, measured_for)) AS leaked_in_use_time
                      FROM leash.leaks AS leak
                      JOIN app ON leash.without_pooler_host(leak.application_name) = app.application_name
                              AND leak.usename = app.usename AND leak.datname = app.datname
                     WHERE leak.leaked AND leak.state <> 'idle' GROUP BY 1, 2, 3),
        reaped AS (SELECT app.application_name, app.usename, app.datname,
                          pg_catalog.sum(LEAST(leaked_for, decided_at - measured_since)) AS reaped_in_use_time
                     FROM leash.reap_log AS decision
                     JOIN app ON leash.without_pooler_host(decision.application_name) = app.application_name
                             AND decision.usename = app.usename AND decision.datname = app.datname
                    WHERE outcome = 'ended' AND decided_at > measured_since
                      AND kind IN ('idle in transaction', 'aborted transaction', 'stalled client')
                    GROUP BY 1, 2, 3)
        SELECT *
          FROM app LEFT JOIN seen USING (application_name, usename, datname)
                   LEFT JOIN leaking USING (application_name, usename, datname)
                   LEFT JOIN reaped USING (application_name, usename, datname)) AS known
 ORDER BY sessions DESC, opened DESC)sql";

// Whoever waits counts for those that it waits for.
constexpr const char* kTransactions = R"sql(
  FROM (WITH seen AS MATERIALIZED (SELECT * FROM leash.sessions)
        SELECT session_id, application_name, usename, datname, state, xact_for, statement_for, idle_for,
               leash.mask_literals(COALESCE(opener, last_statement)) AS opener,
               (SELECT pg_catalog.count(*) FROM seen waiter WHERE s.pid = ANY (waiter.blocked_by)) AS blocked_by
          FROM seen s
         WHERE xact_for IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()) AS open
 ORDER BY xact_for DESC LIMIT 100)sql";

// Without what would be no week: it may be kept for longer.
constexpr const char* kHistory = R"sql(
  FROM leash.history
 WHERE minute >= pg_catalog.now() - pg_catalog.make_interval(days => 7)
 ORDER BY minute)sql";

// Which exist already is asked one by one.
constexpr const char* kIndexes = R"sql(
  FROM (SELECT *, NULL AS existing FROM leash.index_candidates) AS candidates
 ORDER BY total_time DESC LIMIT 100)sql";

constexpr const char* kReaps = R"sql(
  FROM (SELECT COALESCE(policy, '') AS policy, mode, action, application_name, outcome,
               pg_catalog.count(*) AS decisions, pg_catalog.max(decided_at) AS last_at
          FROM leash.reap_log
         GROUP BY 1, 2, 3, 4, 5) AS decided
 ORDER BY last_at DESC)sql";

constexpr const char* kSettings = R"sql(
  FROM pg_catalog.pg_settings
 WHERE name LIKE 'pg\_leash.%' OR name IN
       ('max_connections', 'superuser_reserved_connections', 'reserved_connections',
        'idle_in_transaction_session_timeout', 'idle_session_timeout', 'statement_timeout',
        'lock_timeout', 'transaction_timeout', 'client_connection_check_interval',
        'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'tcp_user_timeout',
        'shared_buffers', 'effective_cache_size', 'work_mem', 'log_min_duration_statement',
        'track_activities', 'track_io_timing', 'shared_preload_libraries', 'max_prepared_transactions')
 ORDER BY name)sql";

// Settings of an application's own can hold secrets: only those that are asked for.
constexpr const char* kRoleSettings = R"sql(
  FROM (SELECT COALESCE(r.rolname, '') AS usename, COALESCE(d.datname, '') AS datname,
               pg_catalog.split_part(line, '=', 1) AS name,
               pg_catalog.substr(line, pg_catalog.strpos(line, '=') + 1) AS setting
          FROM pg_catalog.pg_db_role_setting s
          CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS line
          LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
          LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase) AS set_for
 WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout',
                'statement_timeout', 'lock_timeout', 'work_mem')
 ORDER BY usename, datname, name)sql";

constexpr const char* kDatabases = R"sql(
  FROM (SELECT d.datname, s.blks_hit, s.blks_read, s.temp_bytes, s.deadlocks,
               pg_catalog.age(d.datfrozenxid) AS xid_age, s.stats_reset
          FROM pg_catalog.pg_database d JOIN pg_catalog.pg_stat_database s ON s.datid = d.oid) AS counted
 ORDER BY blks_hit + blks_read DESC)sql";

// Valid ones only: one that is not is of no use to anybody.
void find_existing(Connection& connection, Evidence& evidence) {
    for (IndexFacts& facts : evidence.indexes) {
        if (facts.datname != evidence.server.database) {
            continue;
        }
        const auto index = find_index(connection, facts.table, split_identifiers(facts.columns));
        if (index && index->valid) {
            facts.existing = index->name;
        }
    }
}

}  // namespace

void read_plain_facts(Connection& connection, Evidence& evidence) {
    evidence.server = read_row<ServerFacts>(connection, kServer);
    evidence.server.host = connection.host();
    evidence.server.port = connection.port();
    evidence.settings = read_rows<SettingFacts>(connection, kSettings);
    evidence.role_settings = read_rows<RoleSettingFacts>(connection, kRoleSettings);
    evidence.databases = read_rows<DatabaseFacts>(connection, kDatabases);
}

Evidence read_pool_evidence(Connection& connection) {
    Evidence evidence;
    evidence.server = read_row<ServerFacts>(connection, kServer);
    evidence.connections = read_row<ConnectionFacts>(connection, "FROM leash.connections");
    evidence.applications = read_rows<ApplicationFacts>(connection, kApplications);
    return evidence;
}

Evidence read_evidence(Connection& connection) {
    Evidence evidence;
    read_plain_facts(connection, evidence);
    evidence.connections = read_row<ConnectionFacts>(connection, "FROM leash.connections");
    evidence.checks = read_rows<CheckFacts>(connection, "FROM leash.health()");
    evidence.causes = read_rows<CauseFacts>(connection, "FROM leash.leak_groups");
    evidence.applications = read_rows<ApplicationFacts>(connection, kApplications);
    evidence.transactions = read_rows<TransactionFacts>(connection, kTransactions);
    evidence.slow = read_rows<SlowFacts>(connection, "FROM leash.slow_summary LIMIT 100");
    evidence.indexes = read_rows<IndexFacts>(connection, kIndexes);
    find_existing(connection, evidence);
    evidence.orphans = read_rows<OrphanFacts>(connection, "FROM leash.orphans");
    evidence.refusals = read_rows<RefusalFacts>(connection, "FROM leash.refusals");
    evidence.history = read_rows<MinuteFacts>(connection, kHistory);
    evidence.compute = read_rows<ComputeFacts>(connection, "FROM leash.compute_hours()");
    evidence.reaps = read_rows<ReapFacts>(connection, kReaps);
    return evidence;
}

}  // namespace leash::tool
