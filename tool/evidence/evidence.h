// What is known of a server at one moment: all that advice, plan and report are made
// from.  It comes from the extension's views (read.h), from PostgreSQL's own where there
// is no extension, or from a file that was saved earlier (file.h); whoever decides does
// not ask which.  What could not be known is nullopt, never 0.
#pragma once

#include <string>
#include <vector>

#include "evidence/fields.h"

namespace leash::tool {

struct ServerFacts {
    std::string host;
    std::string port;
    std::string database;
    std::string version;  ///< "15.20"
    std::int64_t version_number = 0;
    std::optional<std::string> extension_version;  ///< nullopt: PostgreSQL's own views alone
    Instant now;                                   ///< the server's clock
    Instant started_at;
    bool in_recovery = false;
    // Where sums of statements are not the extension's: whose, since when, and how long all
    // statements took.
    std::optional<std::string> statements_from;
    std::optional<Instant> statements_since;
    std::optional<Seconds> statement_time;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("host", self.host);
        visit("port", self.port);
        visit("database", self.database);
        visit("version", self.version);
        visit("version_number", self.version_number);
        visit("extension_version", self.extension_version);
        visit("now", self.now);
        visit("started_at", self.started_at);
        visit("in_recovery", self.in_recovery);
        visit("statements_from", self.statements_from);
        visit("statements_since", self.statements_since);
        visit("statement_time", self.statement_time);
    }
};

/// leash.connections.  Peaks and totals since stats_reset.
struct ConnectionFacts {
    std::int64_t max_connections = 0;
    std::int64_t reserved = 0;  ///< for superusers, and since PostgreSQL 16 for a role
    std::int64_t used = 0;
    std::optional<std::int64_t> authenticating;
    std::int64_t free = 0;
    // nullopt: states of some sessions may not be seen
    std::optional<std::int64_t> active;
    std::optional<std::int64_t> idle;
    std::optional<std::int64_t> idle_in_transaction;
    std::optional<std::int64_t> peak_used;
    std::optional<Instant> peak_at;
    std::optional<std::int64_t> opened_total;
    std::optional<std::int64_t> refused_total;
    std::optional<Instant> refused_last_at;
    std::optional<std::int64_t> refused_too_many_clients;
    std::optional<std::int64_t> refused_reserved_slots;
    std::optional<std::int64_t> refused_role_limit;
    std::optional<std::int64_t> refused_database_limit;
    std::optional<std::int64_t> refused_authentication;
    std::optional<std::int64_t> slow_statements_total;
    std::optional<Instant> stats_reset;
    std::optional<std::int64_t> in_use_peak;
    std::optional<std::int64_t> busy_peak;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("max_connections", self.max_connections);
        visit("reserved", self.reserved);
        visit("used", self.used);
        visit("authenticating", self.authenticating);
        visit("free", self.free);
        visit("active", self.active);
        visit("idle", self.idle);
        visit("idle_in_transaction", self.idle_in_transaction);
        visit("peak_used", self.peak_used);
        visit("peak_at", self.peak_at);
        visit("opened_total", self.opened_total);
        visit("refused_total", self.refused_total);
        visit("refused_last_at", self.refused_last_at);
        visit("refused_too_many_clients", self.refused_too_many_clients);
        visit("refused_reserved_slots", self.refused_reserved_slots);
        visit("refused_role_limit", self.refused_role_limit);
        visit("refused_database_limit", self.refused_database_limit);
        visit("refused_authentication", self.refused_authentication);
        visit("slow_statements_total", self.slow_statements_total);
        visit("stats_reset", self.stats_reset);
        visit("in_use_peak", self.in_use_peak);
        visit("busy_peak", self.busy_peak);
    }
};

/// leash.leak_groups: sessions of one cause.
struct CauseFacts {
    std::string kind;
    std::string application_name;
    std::string usename;
    std::string datname;
    std::string opener;                         ///< literals masked; empty: not known, or none
    std::optional<std::string> last_statement;  ///< the most frequent, likewise
    std::int64_t sessions = 0;
    std::int64_t blocked_sessions = 0;
    Seconds oldest;
    std::string weight;
    bool leaked = true;
    std::optional<double> growth_per_hour;
    std::optional<Seconds> exhausted_in;
    std::optional<std::string> route;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("kind", self.kind);
        visit("application_name", self.application_name);
        visit("usename", self.usename);
        visit("datname", self.datname);
        visit("opener", self.opener);
        visit("last_statement", self.last_statement);
        visit("sessions", self.sessions);
        visit("blocked_sessions", self.blocked_sessions);
        visit("oldest", self.oldest);
        visit("weight", self.weight);
        visit("leaked", self.leaked);
        visit("growth_per_hour", self.growth_per_hour);
        visit("exhausted_in", self.exhausted_in);
        visit("route", self.route);
    }
};

/// leash.applications: role x database x application_name.
struct ApplicationFacts {
    std::string application_name;
    std::string usename;
    std::string datname;
    std::int64_t sessions = 0;
    std::optional<std::int64_t> sessions_peak;
    std::optional<std::int64_t> in_use;  ///< nullopt: states of some may not be seen
    std::optional<std::int64_t> in_use_peak;
    std::optional<std::int64_t> in_use_p999;
    std::optional<double> in_use_mean;
    std::optional<std::int64_t> busy_p999;
    std::optional<double> busy_mean;
    std::optional<double> utilization;
    std::optional<std::int64_t> active_minutes;
    std::optional<std::int64_t> opened;
    std::optional<std::int64_t> ended;
    std::optional<std::int64_t> ended_abandoned;
    std::optional<std::int64_t> reaped;
    std::optional<Seconds> mean_lifetime;
    std::optional<std::int64_t> statements;
    std::optional<std::int64_t> transactions;
    std::optional<std::int64_t> slow_statements;
    std::optional<std::int64_t> leaked;  ///< sessions that were judged leaked, ever
    std::optional<Seconds> active_time;
    std::optional<Seconds> idle_in_transaction_time;
    std::optional<Seconds> statement_p95;
    std::optional<Seconds> learned_idle;
    std::optional<Instant> known_since;
    std::optional<Seconds> measured_for;  ///< what levels and peaks are of: two weeks at most
    std::int64_t addresses = 0;           ///< distinct ones of its sessions of now
    /// Its sessions of now from addresses that opened most of theirs within a tenth of the
    /// time since: as a pool is filled, and not as one leak comes after the other.
    std::optional<std::int64_t> opened_together;
    // What in_use holds in vain, as far as known: leaked sessions of now that are in use,
    // for how long together, and those that policies ended.
    std::int64_t leaked_in_use = 0;
    Seconds leaked_in_use_time;
    Seconds reaped_in_use_time;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("application_name", self.application_name);
        visit("usename", self.usename);
        visit("datname", self.datname);
        visit("sessions", self.sessions);
        visit("sessions_peak", self.sessions_peak);
        visit("in_use", self.in_use);
        visit("in_use_peak", self.in_use_peak);
        visit("in_use_p999", self.in_use_p999);
        visit("in_use_mean", self.in_use_mean);
        visit("busy_p999", self.busy_p999);
        visit("busy_mean", self.busy_mean);
        visit("utilization", self.utilization);
        visit("active_minutes", self.active_minutes);
        visit("opened", self.opened);
        visit("ended", self.ended);
        visit("ended_abandoned", self.ended_abandoned);
        visit("reaped", self.reaped);
        visit("mean_lifetime", self.mean_lifetime);
        visit("statements", self.statements);
        visit("transactions", self.transactions);
        visit("slow_statements", self.slow_statements);
        visit("leaked", self.leaked);
        visit("active_time", self.active_time);
        visit("idle_in_transaction_time", self.idle_in_transaction_time);
        visit("statement_p95", self.statement_p95);
        visit("learned_idle", self.learned_idle);
        visit("known_since", self.known_since);
        visit("measured_for", self.measured_for);
        visit("addresses", self.addresses);
        visit("opened_together", self.opened_together);
        visit("leaked_in_use", self.leaked_in_use);
        visit("leaked_in_use_time", self.leaked_in_use_time);
        visit("reaped_in_use_time", self.reaped_in_use_time);
    }
};

/// leash.slow_summary: slow statements of one query, role and database.
struct SlowFacts {
    QueryId query_id;
    std::string query;  ///< literals masked
    std::string datname;
    std::string usename;
    std::optional<std::string> application_name;  ///< of the last one
    std::int64_t calls = 0;
    std::optional<std::int64_t> failed;
    Seconds total_time;
    Seconds mean_time;
    Seconds max_time;
    std::optional<Seconds> client_wait;
    std::int64_t rows = 0;
    std::int64_t shared_blks_read = 0;
    std::int64_t temp_blks_written = 0;
    std::optional<Instant> last_seen;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("query_id", self.query_id);
        visit("query", self.query);
        visit("datname", self.datname);
        visit("usename", self.usename);
        visit("application_name", self.application_name);
        visit("calls", self.calls);
        visit("failed", self.failed);
        visit("total_time", self.total_time);
        visit("mean_time", self.mean_time);
        visit("max_time", self.max_time);
        visit("client_wait", self.client_wait);
        visit("rows", self.rows);
        visit("shared_blks_read", self.shared_blks_read);
        visit("temp_blks_written", self.temp_blks_written);
        visit("last_seen", self.last_seen);
    }
};

/// leash.index_candidates.
struct IndexFacts {
    std::string datname;
    std::string table;    ///< quoted and qualified, as to be pasted
    std::string columns;  ///< likewise, with commas
    std::int64_t slow_statements = 0;
    std::int64_t rows_scanned = 0;
    std::int64_t rows_kept = 0;
    Seconds total_time;
    std::optional<QueryId> query_id;
    Instant last_seen;
    std::string evidence;
    std::optional<std::string> existing;  ///< an index that begins with the columns; of the
                                          ///< connection's own database alone

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("datname", self.datname);
        visit("table", self.table);
        visit("columns", self.columns);
        visit("slow_statements", self.slow_statements);
        visit("rows_scanned", self.rows_scanned);
        visit("rows_kept", self.rows_kept);
        visit("total_time", self.total_time);
        visit("query_id", self.query_id);
        visit("last_seen", self.last_seen);
        visit("evidence", self.evidence);
        visit("existing", self.existing);
    }
};

/// leash.orphans.
struct OrphanFacts {
    std::string kind;
    std::string name;
    std::optional<Instant> since;
    std::string holds;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("kind", self.kind);
        visit("name", self.name);
        visit("since", self.since);
        visit("holds", self.holds);
    }
};

/// leash.refusals: connections refused in one minute, for one reason.
struct RefusalFacts {
    Instant minute;
    std::string reason;
    std::int64_t refused = 0;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("minute", self.minute);
        visit("reason", self.reason);
        visit("refused", self.refused);
    }
};

/// leash.history: one minute, oldest first.
struct MinuteFacts {
    Instant minute;
    std::int64_t used_peak = 0;
    double used_mean = 0;
    std::int64_t active_peak = 0;
    std::int64_t idle_in_transaction_peak = 0;
    std::int64_t in_use_peak = 0;
    std::int64_t opened = 0;
    std::int64_t refused = 0;  ///< for lack of a slot
    std::int64_t leaked = 0;   ///< the most at one time
    std::int64_t reaped = 0;
    std::int64_t statements = 0;
    std::int64_t slow = 0;
    std::optional<double> cache_hit_ratio;  ///< 0 to 1; nullopt: no block was asked for
    std::optional<std::int64_t> blks_hit;
    std::optional<std::int64_t> blks_read;
    std::optional<std::int64_t> rows_read;
    std::optional<std::int64_t> rows_written;
    double busy_seconds = 0;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("minute", self.minute);
        visit("used_peak", self.used_peak);
        visit("used_mean", self.used_mean);
        visit("active_peak", self.active_peak);
        visit("idle_in_transaction_peak", self.idle_in_transaction_peak);
        visit("in_use_peak", self.in_use_peak);
        visit("opened", self.opened);
        visit("refused", self.refused);
        visit("leaked", self.leaked);
        visit("reaped", self.reaped);
        visit("statements", self.statements);
        visit("slow", self.slow);
        visit("cache_hit_ratio", self.cache_hit_ratio);
        visit("blks_hit", self.blks_hit);
        visit("blks_read", self.blks_read);
        visit("rows_read", self.rows_read);
        visit("rows_written", self.rows_written);
        visit("busy_seconds", self.busy_seconds);
    }
};

/// leash.compute_hours(): for how long in the last week an application kept a server awake
/// that would suspend itself when idle.
struct ComputeFacts {
    std::optional<std::string> application_name;  ///< nullopt: the whole server
    std::optional<std::string> usename;
    std::optional<std::string> datname;
    std::int64_t active_minutes = 0;
    double compute_hours = 0;
    double alone_hours = 0;  ///< of them, those in which nobody else did

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("application_name", self.application_name);
        visit("usename", self.usename);
        visit("datname", self.datname);
        visit("active_minutes", self.active_minutes);
        visit("compute_hours", self.compute_hours);
        visit("alone_hours", self.alone_hours);
    }
};

/// The journal: decisions of one policy with the same outcome.
struct ReapFacts {
    std::string policy;  ///< empty: by hand
    std::string mode;
    std::string action;
    std::string application_name;
    std::string outcome;
    std::int64_t decisions = 0;
    Instant last_at;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("policy", self.policy);
        visit("mode", self.mode);
        visit("action", self.action);
        visit("application_name", self.application_name);
        visit("outcome", self.outcome);
        visit("decisions", self.decisions);
        visit("last_at", self.last_at);
    }
};

/// pg_settings, those that matter here.
struct SettingFacts {
    std::string name;
    std::string setting;  ///< in `unit`
    std::optional<std::string> unit;
    std::string source;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("name", self.name);
        visit("setting", self.setting);
        visit("unit", self.unit);
        visit("source", self.source);
    }
};

/// pg_db_role_setting, the timeouts among them: what differs from pg_settings.
struct RoleSettingFacts {
    std::string usename;  ///< empty: every role
    std::string datname;  ///< empty: every database
    std::string name;
    std::string setting;  ///< as it was written, with its unit

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("usename", self.usename);
        visit("datname", self.datname);
        visit("name", self.name);
        visit("setting", self.setting);
    }
};

/// pg_stat_database, with the age of its oldest transaction id.
struct DatabaseFacts {
    std::string datname;
    std::int64_t blks_hit = 0;
    std::int64_t blks_read = 0;
    std::int64_t temp_bytes = 0;
    std::int64_t deadlocks = 0;
    std::int64_t xid_age = 0;
    std::optional<Instant> stats_reset;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("datname", self.datname);
        visit("blks_hit", self.blks_hit);
        visit("blks_read", self.blks_read);
        visit("temp_bytes", self.temp_bytes);
        visit("deadlocks", self.deadlocks);
        visit("xid_age", self.xid_age);
        visit("stats_reset", self.stats_reset);
    }
};

/// leash.sessions: the transactions open for longest, and whoever waits for a lock.
struct TransactionFacts {
    std::string session_id;
    std::string application_name;
    std::string usename;
    std::string datname;
    std::string state;
    std::optional<Seconds> xact_for;
    std::optional<Seconds> statement_for;
    std::optional<Seconds> idle_for;
    std::optional<std::string> opener;  ///< literals masked
    std::int64_t blocked_by = 0;        ///< how many sessions

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("session_id", self.session_id);
        visit("application_name", self.application_name);
        visit("usename", self.usename);
        visit("datname", self.datname);
        visit("state", self.state);
        visit("xact_for", self.xact_for);
        visit("statement_for", self.statement_for);
        visit("idle_for", self.idle_for);
        visit("opener", self.opener);
        visit("blocked_by", self.blocked_by);
    }
};

/// leash.health().
struct CheckFacts {
    std::string check;
    std::string status;
    std::optional<double> value;
    std::optional<double> warning;
    std::optional<double> critical;
    std::string message;

    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
        visit("check", self.check);
        visit("status", self.status);
        visit("value", self.value);
        visit("warning", self.warning);
        visit("critical", self.critical);
        visit("message", self.message);
    }
};

struct Evidence {
    ServerFacts server;
    ConnectionFacts connections;
    std::vector<CheckFacts> checks;
    std::vector<CauseFacts> causes;  ///< worst first; unused sessions too
    std::vector<ApplicationFacts> applications;
    std::vector<TransactionFacts> transactions;  ///< longest first
    std::vector<SlowFacts> slow;                 ///< most costly first
    std::vector<IndexFacts> indexes;             ///< most costly first
    std::vector<OrphanFacts> orphans;
    std::vector<RefusalFacts> refusals;  ///< of the last day, newest first
    std::vector<MinuteFacts> history;    ///< oldest first; empty: none is kept
    std::vector<ComputeFacts> compute;
    std::vector<ReapFacts> reaps;
    std::vector<SettingFacts> settings;
    std::vector<RoleSettingFacts> role_settings;
    std::vector<DatabaseFacts> databases;

    std::vector<std::string> missing;  ///< lists that a snapshot did not have: not known
};

}  // namespace leash::tool
