#include "agentless/slow.h"

#include <cstdlib>

#include <fmt/format.h>

#include "agentless/rows.h"
#include "core/mask.h"
#include "failure.h"
#include "render/terminal.h"

namespace leash::tool {
namespace {

constexpr const char* kNotLoaded = "55000";  // object_not_in_prerequisite_state

// Where it is, quoted.
std::optional<std::string> schema_of_extension(Connection& connection) {
    const Result found = connection.run(
        "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e"
        " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'pg_stat_statements'");
    return found.rows() == 0 ? std::nullopt : found.value(0, 0);
}

// Statements within functions are in those that call them.  Whose text this user may not
// see has no query id.
std::string sums(const std::string& schema, const AgentlessThresholds& thresholds) {
    return fmt::format(
        "SELECT s.queryid, CASE WHEN s.queryid IS NOT NULL THEN s.query END, d.datname, r.rolname,"
        " s.calls, s.total_exec_time / 1000, s.mean_exec_time / 1000, s.max_exec_time / 1000,"
        " s.rows, s.shared_blks_read, s.temp_blks_written"
        " FROM {}.pg_stat_statements s"
        " LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid"
        " LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid"
        " WHERE s.toplevel AND s.mean_exec_time * 1000 >= {}"
        " ORDER BY s.total_exec_time DESC LIMIT 100",
        schema, thresholds.slow_statement);
}

// Utility statements are kept as they were written.
std::string masked(const std::string& statement) {
    std::string out(statement.size() + 3, '\0');
    out.resize(mask_literals(statement.data(), statement.size(), {false}, out.data(), out.size()));
    return out;
}

double number(const Cell& cell) {
    return cell ? std::strtod(cell->c_str(), nullptr) : 0;
}

std::int64_t count(const Cell& cell) {
    return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}

RawRows rows_from(Connection& connection, const std::string& schema,
                  const AgentlessThresholds& thresholds) {
    RawRows raw =
        rows_of(connection,
                {"query_id", "query", "datname", "usename", "calls", "total_time", "mean_time",
                 "max_time", "rows", "shared_blks_read", "temp_blks_written"},
                sums(schema, thresholds));
    for (Row& row : raw.rows) {
        if (row[1]) {
            row[1] = masked(*row[1]);
        }
    }
    return raw;
}

void read_totals(Connection& connection, const std::string& schema, ServerFacts& server) {
    const Result totals = connection.run(fmt::format(
        "SELECT (SELECT pg_catalog.sum(total_exec_time) / 1000 FROM {0}.pg_stat_statements"
        " WHERE toplevel),"
        " (SELECT (EXTRACT(EPOCH FROM stats_reset) * 1000000)::pg_catalog.int8"
        " FROM {0}.pg_stat_statements_info)",
        schema));
    server.statements_from = "pg_stat_statements";
    server.statement_time = Seconds{number(totals.value(0, 0))};
    server.statements_since = Instant{count(totals.value(0, 1))};
}

}  // namespace

RawRows slow_summary_rows(Connection& connection, const AgentlessThresholds& thresholds) {
    const auto schema = schema_of_extension(connection);
    if (!schema) {
        throw Failure(
            "without pg_leash slow statements are known from pg_stat_statements alone, which this "
            "database does not have; run: CREATE EXTENSION pg_stat_statements");
    }
    return rows_from(connection, *schema, thresholds);
}

void read_slow_statements(Connection& connection, const AgentlessThresholds& thresholds,
                          Evidence& evidence) {
    const auto schema = schema_of_extension(connection);
    if (!schema) {
        return;
    }
    RawRows raw;
    try {
        raw = rows_from(connection, *schema, thresholds);
        read_totals(connection, *schema, evidence.server);
    } catch (const QueryError& error) {
        if (error.sqlstate() != kNotLoaded) {
            throw;
        }
        write_note(fmt::format("slow statements are not known: {}", error.what()));
        return;
    }
    for (const Row& row : raw.rows) {
        if (!row[0] || !row[1]) {
            continue;  // which statement it is may not be seen
        }
        SlowFacts& facts = evidence.slow.emplace_back();
        facts.query_id.value = count(row[0]);
        facts.query = *row[1];
        facts.datname = row[2].value_or("");
        facts.usename = row[3].value_or("");
        facts.calls = count(row[4]);
        facts.total_time.value = number(row[5]);
        facts.mean_time.value = number(row[6]);
        facts.max_time.value = number(row[7]);
        facts.rows = count(row[8]);
        facts.shared_blks_read = count(row[9]);
        facts.temp_blks_written = count(row[10]);
    }
}

}  // namespace leash::tool
