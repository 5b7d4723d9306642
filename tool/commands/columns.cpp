#include "commands/columns.h"

#include <fmt/format.h>

namespace leash::tool {
namespace {

// Widths are chosen so that the tables fit 80 columns; a higher drop_rank goes
// first when there is still too little room.
constexpr Column kSessions[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "pid", .kind = Kind::kCount},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "usename", .header = "USER", .min_width = 8},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 1},
    {.name = "client_addr",
     .kind = Kind::kAddress,
     .header = "ADDRESS",
     .min_width = 11,
     .drop_rank = 2},
    {.name = "client_port", .kind = Kind::kCount},
    {.name = "backend_start", .kind = Kind::kInstant},
    {.name = "state", .kind = Kind::kState, .header = "STATE"},
    {.name = "state_for",
     .kind = Kind::kDuration,
     .header = "FOR",
     .expression = "COALESCE(statement_for, idle_for)",
     .table_only = true},
    {.name = "verdict",
     .kind = Kind::kState,
     .header = "VERDICT",
     .min_width = 11,
     .expression = "COALESCE(leak, 'exempt: ' || exempt)",
     .table_only = true},
    {.name = "state_change", .kind = Kind::kInstant},
    {.name = "wait_event_type"},
    {.name = "wait_event"},
    {.name = "idle_for", .kind = Kind::kDuration},
    {.name = "unused_for", .kind = Kind::kDuration},
    {.name = "xact_for", .kind = Kind::kDuration},
    {.name = "statement_for", .kind = Kind::kDuration},
    {.name = "statements", .kind = Kind::kCount, .header = "STATEMENTS", .drop_rank = 4},
    {.name = "transactions", .kind = Kind::kCount},
    {.name = "slow_statements", .kind = Kind::kCount},
    {.name = "active_time", .kind = Kind::kDuration},
    {.name = "idle_time", .kind = Kind::kDuration},
    {.name = "idle_in_transaction_time", .kind = Kind::kDuration},
    {.name = "longest_idle", .kind = Kind::kDuration},
    {.name = "utilization", .kind = Kind::kReal},
    {.name = "opener", .kind = Kind::kQuery},
    {.name = "last_statement",
     .kind = Kind::kQuery,
     .header = "LAST STATEMENT",
     .min_width = 24,
     .drop_rank = 3},
    {.name = "tags", .kind = Kind::kJson},
    {.name = "leak", .kind = Kind::kState},
    {.name = "exempt"},
    {.name = "client_wait", .kind = Kind::kDuration},
    {.name = "in_use", .kind = Kind::kBoolean},
    {.name = "peer"},
    {.name = "loses"},
    {.name = "blocked_by"},
};

constexpr Column kLeaks[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "kind", .kind = Kind::kState, .header = "KIND"},
    {.name = "since", .kind = Kind::kInstant},
    {.name = "leaked_for", .kind = Kind::kDuration, .header = "FOR"},
    {.name = "weight", .header = "WEIGHT"},
    {.name = "leaked", .kind = Kind::kBoolean},
    {.name = "blocked_sessions", .kind = Kind::kCount, .header = "BLOCKS", .drop_rank = 1},
    {.name = "pid", .kind = Kind::kCount},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "usename", .header = "USER", .min_width = 8, .drop_rank = 2},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 4},
    {.name = "client_addr",
     .kind = Kind::kAddress,
     .header = "ADDRESS",
     .min_width = 11,
     .drop_rank = 3},
    {.name = "client_port", .kind = Kind::kCount},
    {.name = "state", .kind = Kind::kState},
    {.name = "reason", .kind = Kind::kQuery, .header = "REASON", .min_width = 30, .drop_rank = 5},
    {.name = "opener", .kind = Kind::kQuery},
    {.name = "last_statement", .kind = Kind::kQuery},
    {.name = "tags", .kind = Kind::kJson},
    {.name = "peer"},
    {.name = "loses"},
};

constexpr Column kLeakGroups[] = {
    {.name = "sessions", .kind = Kind::kCount, .header = "COUNT"},
    {.name = "kind", .kind = Kind::kState, .header = "KIND"},
    {.name = "oldest", .kind = Kind::kDuration, .header = "OLDEST"},
    {.name = "weight", .header = "WEIGHT"},
    {.name = "blocked_sessions", .kind = Kind::kCount, .header = "BLOCKS", .drop_rank = 2},
    {.name = "leaked", .kind = Kind::kBoolean},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "usename", .header = "USER", .min_width = 8, .drop_rank = 3},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 4},
    {.name = "last_hour", .kind = Kind::kCount},
    {.name = "route"},
    {.name = "opener", .kind = Kind::kQuery},
    {.name = "last_statement", .kind = Kind::kQuery},
    {.name = "cause",
     .kind = Kind::kQuery,
     .header = "OPENER",
     .min_width = 12,
     .drop_rank = 1,
     .expression = kCauseExpression,
     .table_only = true},
};

constexpr Column kSlow[] = {
    {.name = "finished_at", .kind = Kind::kInstant, .header = "AGO"},
    {.name = "duration", .kind = Kind::kDuration, .header = "TOOK"},
    {.name = "client_wait", .kind = Kind::kDuration},
    {.name = "session_id"},
    {.name = "pid", .kind = Kind::kCount},
    {.name = "usename", .header = "USER", .min_width = 8, .drop_rank = 2},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 3},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "client_addr", .kind = Kind::kAddress},
    {.name = "query_id"},
    {.name = "rows", .kind = Kind::kCount, .header = "ROWS", .drop_rank = 1},
    {.name = "sqlstate", .header = "ERROR", .drop_rank = 4},
    {.name = "query", .kind = Kind::kQuery, .header = "QUERY", .min_width = 30},
    {.name = "shared_blks_hit", .kind = Kind::kCount},
    {.name = "shared_blks_read", .kind = Kind::kCount},
    {.name = "temp_blks_written", .kind = Kind::kCount},
    {.name = "wal_bytes", .kind = Kind::kCount},
    {.name = "tags", .kind = Kind::kJson},
    {.name = "plan", .kind = Kind::kQuery},
};

constexpr Column kApplications[] = {
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "usename", .header = "USER", .min_width = 6, .drop_rank = 3},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 4},
    {.name = "sessions", .kind = Kind::kCount, .header = "NOW"},
    {.name = "sessions_peak", .kind = Kind::kCount, .header = "PEAK"},
    {.name = "in_use", .kind = Kind::kCount},
    {.name = "in_use_peak", .kind = Kind::kCount},
    {.name = "in_use_p999", .kind = Kind::kCount, .header = "IN USE 99.9%"},
    {.name = "in_use_mean", .kind = Kind::kReal},
    {.name = "busy", .kind = Kind::kCount},
    {.name = "busy_peak", .kind = Kind::kCount},
    {.name = "busy_p999", .kind = Kind::kCount, .header = "BUSY 99.9%", .drop_rank = 2},
    {.name = "busy_mean", .kind = Kind::kReal},
    {.name = "utilization", .kind = Kind::kReal},
    {.name = "active_minutes", .kind = Kind::kCount},
    {.name = "opened", .kind = Kind::kCount, .header = "OPENED", .drop_rank = 1},
    {.name = "ended", .kind = Kind::kCount},
    {.name = "ended_exit", .kind = Kind::kCount},
    {.name = "ended_abandoned", .kind = Kind::kCount},
    {.name = "ended_fatal", .kind = Kind::kCount},
    {.name = "ended_killed", .kind = Kind::kCount},
    {.name = "reaped", .kind = Kind::kCount, .header = "REAPED", .drop_rank = 5},
    {.name = "leaked", .kind = Kind::kCount, .header = "LEAKED"},
    {.name = "mean_lifetime", .kind = Kind::kDuration},
    {.name = "statements", .kind = Kind::kCount},
    {.name = "transactions", .kind = Kind::kCount},
    {.name = "slow_statements", .kind = Kind::kCount},
    {.name = "statements_per_session", .kind = Kind::kReal},
    {.name = "active_time", .kind = Kind::kDuration},
    {.name = "idle_time", .kind = Kind::kDuration},
    {.name = "idle_in_transaction_time", .kind = Kind::kDuration},
    {.name = "client_wait", .kind = Kind::kDuration},
    {.name = "statement_p50", .kind = Kind::kDuration},
    {.name = "statement_p95", .kind = Kind::kDuration, .header = "STMT 95%", .drop_rank = 6},
    {.name = "statement_p99", .kind = Kind::kDuration},
    {.name = "idle_gap_p50", .kind = Kind::kDuration},
    {.name = "idle_gap_p99", .kind = Kind::kDuration},
    {.name = "learned_idle", .kind = Kind::kDuration, .header = "LEARNED", .drop_rank = 7},
    {.name = "known_since", .kind = Kind::kInstant},
    {.name = "measured_for", .kind = Kind::kDuration},
};

constexpr Column kSlowSummary[] = {
    {.name = "query_id"},
    {.name = "calls", .kind = Kind::kCount, .header = "CALLS"},
    {.name = "failed", .kind = Kind::kCount, .header = "FAILED", .drop_rank = 2},
    {.name = "total_time", .kind = Kind::kDuration, .header = "TOTAL"},
    {.name = "mean_time", .kind = Kind::kDuration, .header = "MEAN"},
    {.name = "p95_time", .kind = Kind::kDuration, .header = "95%", .drop_rank = 3},
    {.name = "max_time", .kind = Kind::kDuration, .header = "MAX", .drop_rank = 4},
    {.name = "client_wait", .kind = Kind::kDuration, .header = "CLIENT", .drop_rank = 5},
    {.name = "usename", .header = "USER", .min_width = 6, .drop_rank = 6},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 7},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11, .drop_rank = 1},
    {.name = "rows", .kind = Kind::kCount},
    {.name = "shared_blks_read", .kind = Kind::kCount},
    {.name = "temp_blks_written", .kind = Kind::kCount},
    {.name = "last_seen", .kind = Kind::kInstant},
    {.name = "query", .kind = Kind::kQuery, .header = "QUERY", .min_width = 30},
};

constexpr Column kOrphans[] = {
    {.name = "kind", .header = "KIND"},
    {.name = "name", .header = "NAME", .min_width = 12},
    {.name = "since", .kind = Kind::kInstant, .header = "AGE"},
    {.name = "holds", .header = "HOLDS", .min_width = 30},
};

// Peaks: what a minute's worst moment was.
constexpr Column kHistory[] = {
    {.name = "minute", .kind = Kind::kInstant, .header = "AGO"},
    {.name = "used_peak", .kind = Kind::kCount, .header = "USED"},
    {.name = "used_mean", .kind = Kind::kReal},
    {.name = "active_peak", .kind = Kind::kCount, .header = "ACTIVE"},
    {.name = "idle_in_transaction_peak", .kind = Kind::kCount, .header = "IDLE IN TXN"},
    {.name = "in_use_peak", .kind = Kind::kCount},
    {.name = "opened", .kind = Kind::kCount, .header = "OPENED", .drop_rank = 3},
    {.name = "refused", .kind = Kind::kCount, .header = "REFUSED"},
    {.name = "leaked", .kind = Kind::kCount, .header = "LEAKED"},
    {.name = "reaped", .kind = Kind::kCount, .header = "REAPED", .drop_rank = 1},
    {.name = "statements", .kind = Kind::kCount, .header = "STATEMENTS", .drop_rank = 4},
    {.name = "slow", .kind = Kind::kCount, .header = "SLOW"},
    {.name = "cache_hit_ratio", .kind = Kind::kReal},
    {.name = "hit",
     .kind = Kind::kReal,
     .header = "HIT %",
     .drop_rank = 2,
     .expression = "pg_catalog.round((100 * cache_hit_ratio)::pg_catalog.numeric, 1)",
     .table_only = true},
    {.name = "blks_hit", .kind = Kind::kCount},
    {.name = "blks_read", .kind = Kind::kCount},
    {.name = "rows_read", .kind = Kind::kCount},
    {.name = "rows_written", .kind = Kind::kCount},
    {.name = "busy_seconds", .kind = Kind::kReal},
    {.name = "covered", .kind = Kind::kDuration},
};

constexpr Column kConnections[] = {
    {.name = "max_connections", .kind = Kind::kCount},
    {.name = "reserved", .kind = Kind::kCount},
    {.name = "used", .kind = Kind::kCount},
    {.name = "authenticating", .kind = Kind::kCount},
    {.name = "free", .kind = Kind::kCount},
    {.name = "active", .kind = Kind::kCount},
    {.name = "idle", .kind = Kind::kCount},
    {.name = "idle_in_transaction", .kind = Kind::kCount},
    {.name = "peak_used", .kind = Kind::kCount},
    {.name = "peak_at", .kind = Kind::kInstant},
    {.name = "opened_total", .kind = Kind::kCount},
    {.name = "refused_total", .kind = Kind::kCount},
    {.name = "refused_last_at", .kind = Kind::kInstant},
    {.name = "refused_too_many_clients", .kind = Kind::kCount},
    {.name = "refused_reserved_slots", .kind = Kind::kCount},
    {.name = "refused_role_limit", .kind = Kind::kCount},
    {.name = "refused_database_limit", .kind = Kind::kCount},
    {.name = "refused_authentication", .kind = Kind::kCount},
    {.name = "refused_unavailable", .kind = Kind::kCount},
    {.name = "slow_statements_total", .kind = Kind::kCount},
    {.name = "slow_statements_lost", .kind = Kind::kCount},
    {.name = "stats_reset", .kind = Kind::kInstant},
};

// Of leash.reap_log, and of what leash.reap() returns.
constexpr Column kReapLog[] = {
    {.name = "id", .kind = Kind::kCount},
    {.name = "decided_at", .kind = Kind::kInstant, .header = "AGO"},
    {.name = "policy"},
    {.name = "by"},
    {.name = "decider",
     .header = "POLICY",
     .min_width = 8,
     .expression = "COALESCE(policy, 'by ' || by)",
     .table_only = true},
    {.name = "mode"},
    {.name = "action", .header = "ACTION"},
    {.name = "session_id", .header = "SESSION"},
    {.name = "pid", .kind = Kind::kCount},
    {.name = "usename", .header = "USER", .min_width = 8, .drop_rank = 3},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 4},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "client_addr", .kind = Kind::kAddress},
    {.name = "kind", .kind = Kind::kState, .header = "KIND", .drop_rank = 1},
    {.name = "leaked_for", .kind = Kind::kDuration, .header = "FOR"},
    {.name = "weight"},
    {.name = "blocked_sessions", .kind = Kind::kCount},
    {.name = "opener", .kind = Kind::kQuery},
    {.name = "reason", .kind = Kind::kQuery},
    {.name = "outcome", .kind = Kind::kStatus, .header = "OUTCOME"},
    {.name = "took", .kind = Kind::kDuration, .header = "TOOK", .drop_rank = 2},
};

constexpr Column kHealth[] = {
    {.name = "check", .header = "CHECK", .expression = "\"check\""},
    {.name = "status", .kind = Kind::kStatus, .header = "STATUS"},
    {.name = "value", .kind = Kind::kReal, .header = "VALUE"},
    {.name = "warning", .kind = Kind::kReal, .header = "WARNING", .drop_rank = 1},
    {.name = "critical", .kind = Kind::kReal, .header = "CRITICAL", .drop_rank = 2},
    {.name = "message", .header = "MESSAGE", .min_width = 30},
};

}  // namespace

std::span<const Column> columns_of(Listing listing) {
    switch (listing) {
        case Listing::kSessions:
            return kSessions;
        case Listing::kLeaks:
            return kLeaks;
        case Listing::kLeakGroups:
            return kLeakGroups;
        case Listing::kSlow:
            return kSlow;
        case Listing::kApplications:
            return kApplications;
        case Listing::kSlowSummary:
            return kSlowSummary;
        case Listing::kOrphans:
            return kOrphans;
        case Listing::kHistory:
            return kHistory;
        case Listing::kConnections:
            return kConnections;
        case Listing::kReapLog:
            return kReapLog;
        case Listing::kHealth:
            return kHealth;
    }
    return {};
}

const Column* sort_column(Listing listing, std::string_view name) {
    for (const Column& column : columns_of(listing)) {
        const bool sortable = !column.table_only && column.kind != Kind::kJson;
        if (sortable && (name == column.name || name == output_key(column))) {
            return &column;
        }
    }
    return nullptr;
}

std::string select_expression(const Column& column) {
    std::string value = column.expression == nullptr ? column.name : column.expression;
    switch (column.kind) {
        case Kind::kDuration:
            return fmt::format("pg_catalog.round(EXTRACT(EPOCH FROM {}), 6)", value);
        case Kind::kInstant:
            return fmt::format(
                "pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
                value);
        case Kind::kAddress:
            return fmt::format("pg_catalog.host({})", value);
        default:
            return value;
    }
}

}  // namespace leash::tool
