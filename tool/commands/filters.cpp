#include "commands/filters.h"

#include <fmt/format.h>

#include "core/names.h"

namespace leash::tool {
namespace {

class Conditions {
public:
    /// Adds a condition; its {} becomes the number of the parameter.
    void add(const char* condition, const std::string& value) {
        query_.parameters.emplace_back(value);
        add(fmt::format(fmt::runtime(condition), fmt::format("${}", query_.parameters.size())));
    }

    void add(const std::string& condition) {
        where_ += where_.empty() ? " WHERE " : " AND ";
        where_ += condition;
    }

    const std::string& where() const { return where_; }

    std::string limit(const std::optional<std::int64_t>& limit) {
        if (!limit) {
            return {};
        }
        query_.parameters.emplace_back(std::to_string(*limit));
        return fmt::format(" LIMIT ${}::pg_catalog.int8", query_.parameters.size());
    }

    Query finish(std::string sql) {
        query_.sql = std::move(sql);
        return std::move(query_);
    }

private:
    Query query_;
    std::string where_;
};

// Numbers go by the unit that all instants and intervals have in common.
std::string interval_text(std::int64_t us) {
    return fmt::format("{} microseconds", us);
}

constexpr const char* kAtLeast = "{} >= {{}}::pg_catalog.text::pg_catalog.interval";

void add_conditions(Conditions& conditions, Listing listing, const Filters& filters) {
    if (listing == Listing::kSessions) {
        // The tool's own session is always there, always active, and never news.
        conditions.add(std::string("pid <> pg_catalog.pg_backend_pid()"));
    }
    if (filters.app) {
        conditions.add(
            "(application_name LIKE {0}::pg_catalog.text"
            " OR leash.without_pooler_host(application_name) LIKE {0}::pg_catalog.text)",
            like_pattern(*filters.app));
    }
    if (filters.user) {
        conditions.add("usename::pg_catalog.text = {}::pg_catalog.text", *filters.user);
    }
    if (filters.db) {
        conditions.add("datname::pg_catalog.text = {}::pg_catalog.text", *filters.db);
    }
    if (filters.address == "local") {
        conditions.add("client_addr IS NULL");
    } else if (filters.address) {
        conditions.add("client_addr <<= {}::pg_catalog.text::pg_catalog.inet", *filters.address);
    }
    if (filters.pid) {
        conditions.add("pid = {}::pg_catalog.int4", std::to_string(*filters.pid));
    }
    if (filters.state) {
        conditions.add("state = {}::pg_catalog.text", *filters.state);
    }
    if (filters.min_idle_us) {
        const std::string idle = fmt::format(fmt::runtime(kAtLeast), "idle_for");
        const std::string condition =
            listing == Listing::kSessions
                ? idle
                : "session_id IN (SELECT s.session_id FROM leash.sessions s WHERE s." + idle + ")";
        conditions.add(condition.c_str(), interval_text(*filters.min_idle_us));
    }
    if (filters.policy) {
        conditions.add("policy LIKE {}::pg_catalog.text", like_pattern(*filters.policy));
    }
    if (filters.outcome) {
        conditions.add(
            "(outcome = {0}::pg_catalog.text"
            " OR pg_catalog.starts_with(outcome, {0}::pg_catalog.text || ':'))",
            *filters.outcome);
    }
    if (filters.since_us) {
        const std::string condition = fmt::format(
            "{} >= pg_catalog.clock_timestamp()"
            " - {{}}::pg_catalog.text::pg_catalog.interval",
            listing == Listing::kHistory ? "minute" : "decided_at");
        conditions.add(condition.c_str(), interval_text(*filters.since_us));
    }
    if (filters.min_duration_us) {
        const std::string condition = fmt::format(fmt::runtime(kAtLeast), "duration");
        conditions.add(condition.c_str(), interval_text(*filters.min_duration_us));
    }
}

std::string select_list(std::span<const Column> columns) {
    std::string list;
    for (const Column& column : columns) {
        list += list.empty() ? "" : ", ";
        list += select_expression(column);
    }
    return list;
}

// Worst first, as an SQL array.
std::string weights() {
    std::string list;
    for (const Weight weight : {Weight::blocks_others, Weight::holds_back_xmin, Weight::holds_locks,
                                Weight::holds_a_slot}) {
        list += list.empty() ? "" : ", ";
        list += fmt::format("'{}'", name_of(weight));
    }
    return fmt::format("ARRAY[{}]", list);
}

// leash.leak_groups cannot be filtered by what its groups have lost (address,
// state, idle time), so the groups are made from the filtered leaks.
std::string groups_of(const std::string& where) {
    return fmt::format(
        "(SELECT kind, leash.without_pooler_host(application_name) AS application_name,"
        " usename, datname,"
        " leash.mask_literals(coalesce(opener,"
        " CASE state WHEN 'active' THEN last_statement END)) AS opener, leaked,"
        " pg_catalog.count(*) AS sessions,"
        " pg_catalog.sum(blocked_sessions) AS blocked_sessions,"
        " pg_catalog.max(leaked_for) AS oldest,"
        " pg_catalog.count(*) FILTER (WHERE leaked_for <= '1 hour') AS last_hour,"
        " pg_catalog.mode() WITHIN GROUP (ORDER BY leash.mask_literals(last_statement))"
        " AS last_statement,"
        " pg_catalog.mode() WITHIN GROUP (ORDER BY tags OPERATOR(pg_catalog.->>) 'route') AS route,"
        " ({0})[pg_catalog.min(pg_catalog.array_position({0}, weight))] AS weight"
        " FROM leash.leaks{1}"
        " GROUP BY 1, 2, 3, 4, 5, 6) AS groups",
        weights(), where);
}

std::string source_of(Listing listing, const std::string& where) {
    switch (listing) {
        case Listing::kSessions:
            return "leash.sessions" + where;
        case Listing::kLeaks:
            return "leash.leaks" + where;
        case Listing::kLeakGroups:
            return groups_of(where);
        case Listing::kSlow:
            return "leash.slow_statements" + where;
        case Listing::kApplications:
            return "leash.applications" + where;
        case Listing::kSlowSummary:
            return "leash.slow_summary" + where;
        case Listing::kOrphans:
            return "leash.orphans" + where;
        case Listing::kHistory:
            return "leash.history" + where;
        case Listing::kConnections:
            return "leash.connections" + where;
        case Listing::kReapLog:
            return "leash.reap_log" + where;
        case Listing::kHealth:
            return "leash.health()" + where;
    }
    return {};
}

std::string default_order(Listing listing) {
    const std::string weight =
        fmt::format("pg_catalog.array_position({}, weight) NULLS LAST", weights());
    switch (listing) {
        case Listing::kSessions:
            return "leak IS NULL, idle_for DESC NULLS LAST, session_id";
        case Listing::kLeaks:
            return weight + ", leaked DESC, leaked_for DESC NULLS LAST, session_id";
        case Listing::kLeakGroups:
            return weight + ", leaked DESC, sessions DESC, oldest DESC NULLS LAST";
        case Listing::kSlow:
            return "finished_at DESC";
        case Listing::kApplications:
            return "sessions DESC, opened DESC, application_name";
        case Listing::kSlowSummary:
            return "total_time DESC";
        case Listing::kOrphans:
            return "since NULLS LAST, name";
        case Listing::kHistory:
            return "minute DESC";
        case Listing::kReapLog:
            return "decided_at DESC";
        case Listing::kConnections:
        case Listing::kHealth:
            return {};
    }
    return {};
}

}  // namespace

std::string like_pattern(const std::string& glob) {
    std::string pattern;
    for (std::size_t i = 0; i < glob.size(); ++i) {
        const char c = glob[i];
        if (c == '*') {
            pattern += '%';
        } else if (c == '?') {
            pattern += '_';
        } else {
            const bool escaped = c == '\\' && i + 1 < glob.size();
            const char literal = escaped ? glob[++i] : c;
            if (literal == '%' || literal == '_' || literal == '\\') {
                pattern += '\\';
            }
            pattern += literal;
        }
    }
    return pattern;
}

Query listing_query(const Selection& selection) {
    const Filters& filters = selection.filters;
    Conditions conditions;
    add_conditions(conditions, selection.listing, filters);
    if (selection.only_leaked) {
        conditions.add(std::string("leaked"));
    }
    std::string order = default_order(selection.listing);
    if (filters.sort) {
        // The name is one of ours, found by what the user typed.
        order =
            fmt::format("{}{} NULLS LAST{}{}", filters.sort->column->name,
                        filters.sort->descending ? " DESC" : "", order.empty() ? "" : ", ", order);
    }
    std::string sql = fmt::format("SELECT {} FROM {}{}{}", select_list(selection.wanted()),
                                  source_of(selection.listing, conditions.where()),
                                  order.empty() ? "" : " ORDER BY ", order);
    sql += conditions.limit(filters.limit);
    return conditions.finish(std::move(sql));
}

}  // namespace leash::tool
