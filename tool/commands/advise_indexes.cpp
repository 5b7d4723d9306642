// advise indexes: candidates that the server collected, with what its statistics and
// hypopg say about them.  Nothing is written; what could be is printed.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "commands/index_advice.h"
#include "source/sql_source.h"

namespace leash::tool {
namespace {

constexpr std::int64_t kDefaultLimit = 10;

// One table and its columns can be several candidates, by operator; an index is one.
constexpr const char* kCandidates = R"sql(
 FROM (SELECT "table", columns,
              pg_catalog.string_agg(evidence, '; ' ORDER BY total_time DESC) AS evidence,
              pg_catalog.sum(slow_statements)::pg_catalog.int8 AS slow_statements,
              pg_catalog.sum(total_time) AS total_time,
              pg_catalog.sum(rows_scanned)::pg_catalog.int8 AS rows_scanned,
              pg_catalog.sum(rows_kept)::pg_catalog.int8 AS rows_kept,
              (pg_catalog.array_agg(query_id ORDER BY last_seen DESC))[1] AS query_id,
              pg_catalog.max(last_seen) AS last_seen
         FROM leash.index_candidates
        WHERE datname = pg_catalog.current_database()
        GROUP BY "table", columns) AS candidate
 LEFT JOIN (SELECT ARRAY[schemaname, relname]::pg_catalog.text[] AS path, seq_scan, seq_tup_read, COALESCE(idx_scan, 0) AS idx_scan, n_live_tup,
                   n_tup_ins + n_tup_upd + n_tup_del AS rows_written
              FROM pg_catalog.pg_stat_user_tables) AS counted
        ON counted.path = pg_catalog.parse_ident(candidate."table")
ORDER BY total_time DESC, "table", columns)sql";

constexpr const char* kElsewhere = R"sql(
SELECT datname, pg_catalog.count(DISTINCT ("table", columns)) FROM leash.index_candidates
 WHERE datname <> pg_catalog.current_database() GROUP BY datname ORDER BY datname)sql";

// Here and below names are looked up in the catalogs: to_regclass() refuses whoever may not
// use the schema.

// A statement such as the slow ones: each column equals a value that is about as frequent
// as they were choosy ($3), from the statistics.  Of a type outside pg_catalog the operator
// is named with its schema, since the search path is empty.  NULL when the statistics
// have no value.
constexpr const char* kMatchingQuery = R"sql(
WITH wanted AS (
    SELECT w.name, w.at
      FROM pg_catalog.jsonb_array_elements_text($2::pg_catalog.jsonb) WITH ORDINALITY AS w(name, at)
), relation AS (
    SELECT c.oid, c.reltuples, n.nspname, c.relname
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE ARRAY[n.nspname, c.relname]::pg_catalog.text[] = pg_catalog.parse_ident($1)
), condition AS (
    SELECT w.at, pg_catalog.format('%I %s %L', w.name, COALESCE(
               (SELECT pg_catalog.format('OPERATOR(%I.=)', n.nspname)
                  FROM pg_catalog.pg_operator o
                  JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                 WHERE o.oprname = '=' AND o.oprleft = t.atttypid AND o.oprright = t.atttypid
                   AND n.nspname <> 'pg_catalog' LIMIT 1), '='), chosen.value) AS sql
      FROM wanted w CROSS JOIN relation r
      JOIN pg_catalog.pg_attribute t ON t.attrelid = r.oid AND t.attname = w.name
      JOIN pg_catalog.pg_stats s ON s.schemaname = r.nspname AND s.tablename = r.relname
                                AND s.attname = w.name AND NOT s.inherited
     CROSS JOIN LATERAL (
        SELECT s.most_common_vals::pg_catalog.text::pg_catalog.text[] AS common,
               s.histogram_bounds::pg_catalog.text::pg_catalog.text[] AS bounds,
               CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * r.reltuples
                    ELSE s.n_distinct END AS number) AS known
     CROSS JOIN LATERAL (
        SELECT v.value
          FROM (SELECT m.value, m.share
                  FROM ROWS FROM (pg_catalog.unnest(known.common),
                                 pg_catalog.unnest(s.most_common_freqs)) AS m(value, share)
                 UNION ALL
                SELECT known.bounds[(1 + pg_catalog.cardinality(known.bounds)) / 2],
                       1 / GREATEST(known.number, 1)) AS v(value, share)
         WHERE v.value IS NOT NULL
         ORDER BY pg_catalog.abs(pg_catalog.ln(GREATEST(v.share::pg_catalog.float8, 1e-12))
                                 - pg_catalog.ln($3::pg_catalog.float8)), v.value LIMIT 1) AS chosen
)
SELECT pg_catalog.format('SELECT * FROM %I.%I WHERE %s', r.nspname, r.relname,
                         (SELECT pg_catalog.string_agg(c.sql, ' AND ' ORDER BY c.at) FROM condition c))
  FROM relation r
 WHERE (SELECT pg_catalog.count(*) FROM condition) = (SELECT pg_catalog.count(*) FROM wanted))sql";

constexpr const char* kHypopg = R"sql(
SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg')sql";

// A transaction that is rolled back, and then the hypothetical indexes, which no
// transaction knows, are removed too.
class Trial {
public:
    Trial(Connection& connection, const std::string& hypopg)
        : connection_(connection), hypopg_(hypopg) {
        connection_.run("BEGIN READ ONLY");
        connection_.run("SET LOCAL lock_timeout = '2s'");
    }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial() {
        try {
            connection_.run("ROLLBACK");
            if (!hypopg_.empty()) {
                connection_.run(fmt::format("SELECT {}.hypopg_reset()", hypopg_));
            }
        } catch (const QueryError&) {
            // The connection broke: the indexes went with it.
        }
    }

    std::optional<double> cost(const std::string& query) {
        const Result plan = connection_.run("EXPLAIN (FORMAT JSON) " + query);
        return plan_cost(plan.value(0, 0).value_or(""));
    }

    /// Returns its size.
    Cell create(const IndexAdvice& advice) {
        const std::string statement =
            fmt::format("CREATE INDEX ON {} ({})", advice.table, advice.columns);
        return connection_
            .run(Query{fmt::format("SELECT {0}.hypopg_relation_size(c.indexrelid) "
                                   "FROM {0}.hypopg_create_index($1) c",
                                   hypopg_),
                       {statement}})
            .value(0, 0);
    }

private:
    Connection& connection_;
    const std::string& hypopg_;
};

class IndexAdviser {
public:
    explicit IndexAdviser(Connection& connection) : connection_(connection) {
        const Result found = connection.run(kHypopg);
        hypopg_ = found.rows() == 0 ? "" : found.value(0, 0).value_or("");
    }

    bool has_hypopg() const { return !hypopg_.empty(); }

    std::vector<IndexAdvice> advise(std::int64_t limit) {
        const Dataset candidates = fetch_candidates(limit);
        std::vector<IndexAdvice> out;
        for (const Row& row : candidates.rows) {
            out.push_back(examine(candidates, row));
        }
        mark_covered(out);
        return out;
    }

private:
    Dataset fetch_candidates(std::int64_t limit) {
        std::string list;
        for (const Column& column : index_fact_columns()) {
            Column quoted = column;
            const std::string name = fmt::format("\"{}\"", column.name);
            quoted.expression = name.c_str();
            list += (list.empty() ? "" : ", ") + select_expression(quoted);
        }
        return fetch(connection_, index_fact_columns(),
                     Query{fmt::format("SELECT {}{} LIMIT $1::pg_catalog.int8", list, kCandidates),
                           {std::to_string(limit)}});
    }

    IndexAdvice examine(const Dataset& candidates, const Row& row) {
        const auto number = [&](const char* column) {
            return std::strtod(cell_of(candidates, row, column).value_or("0").c_str(), nullptr);
        };
        IndexAdvice advice;
        advice.facts = row;
        advice.table = cell_of(candidates, row, "table").value_or("");
        advice.columns = cell_of(candidates, row, "columns").value_or("");
        const std::vector<std::string> names = split_identifiers(advice.columns);
        const std::string json = nlohmann::json(names).dump();
        advice.index = find_index(connection_, advice.table, names);
        const double scanned = std::max(number("rows_scanned"), 1.0);
        const double kept = std::clamp(number("rows_kept"), 1.0, scanned) / scanned;
        try_query(advice, json, std::pow(kept, 1.0 / static_cast<double>(names.size())));
        return advice;
    }

    void try_query(IndexAdvice& advice, const std::string& names, double share) {
        try {
            const Result query = connection_.run(
                Query{kMatchingQuery, {advice.table, names, fmt::format("{:.15g}", share)}});
            advice.query = query.rows() == 0 ? "" : query.value(0, 0).value_or("");
            if (advice.query.empty()) {
                advice.unknown = fmt::format(
                    "the costs are not known, since no statistics of these columns are there for "
                    "this role: run ANALYZE {0}, or GRANT SELECT ON {0}",
                    advice.table);
                return;
            }
            Trial trial(connection_, hypopg_);
            advice.cost_before = trial.cost(advice.query);
            if (has_hypopg() && !advice.index) {
                advice.size = trial.create(advice);
                advice.cost_after = trial.cost(advice.query);
            }
        } catch (const QueryError& error) {
            if (error.sqlstate().empty()) {
                throw;
            }
            advice.unknown = fmt::format("the costs are not known: {}", error.what());
        }
    }

    Connection& connection_;
    std::string hypopg_;
};

void note_elsewhere(Connection& connection) {
    const Result found = connection.run(kElsewhere);
    std::string list;
    for (int row = 0; row < found.rows(); ++row) {
        list += fmt::format("{}{} in \"{}\"", row > 0 ? ", " : "", found.value(row, 1).value_or(""),
                            found.value(row, 0).value_or(""));
    }
    if (!list.empty()) {
        write_note(
            fmt::format("other databases have candidates too: {}; connect there with -d", list));
    }
}

}  // namespace

int run_advise_indexes(Context& context) {
    Connection& connection = context.source.connection();
    IndexAdviser adviser(connection);
    const std::vector<IndexAdvice> advice =
        adviser.advise(context.options.filters.limit.value_or(kDefaultLimit));
    if (context.options.format == Format::kTable) {
        write_output(advice_text(advice, table_style(context)));
    } else {
        write_output(render(context, "advise indexes", advice_rows(advice)));
    }
    if (advice.empty()) {
        write_note(fmt::format(
            "nothing to advise in database \"{}\": no slow statement has read all of a large table "
            "to keep few of its rows",
            context.server.database));
    }
    const bool creates = std::any_of(advice.begin(), advice.end(), [](const IndexAdvice& one) {
        return verdict_of(one) == IndexVerdict::kCreate;
    });
    if (creates && !adviser.has_hypopg()) {
        write_note(
            "the costs with an index are not known without hypopg in this database (install its "
            "package on the server, then CREATE EXTENSION hypopg)");
    }
    note_elsewhere(connection);
    return kExitDone;
}

}  // namespace leash::tool
