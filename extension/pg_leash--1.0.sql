/* extension/pg_leash--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pg_leash" to load this file. \quit

CREATE SCHEMA leash;

-- The get_* functions read shared memory and mask, in C, what the caller may
-- not see of other roles' sessions.  The views over them are the interface.

CREATE FUNCTION leash.library_version()
RETURNS text
AS 'MODULE_PATHNAME', 'leash_library_version'
LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.library_version() IS
'version of the shared library, whether or not it was preloaded';

CREATE FUNCTION leash.get_sessions(
    OUT session_id text,
    OUT pid integer,
    OUT usename name,
    OUT datname name,
    OUT application_name text,
    OUT client_addr inet,
    OUT client_port integer,
    OUT backend_start timestamptz,
    OUT state text,
    OUT state_change timestamptz,
    OUT wait_event_type text,
    OUT wait_event text,
    OUT idle_for interval,
    OUT unused_for interval,
    OUT xact_for interval,
    OUT statement_for interval,
    OUT statements bigint,
    OUT transactions bigint,
    OUT slow_statements bigint,
    OUT active_time interval,
    OUT idle_time interval,
    OUT idle_in_transaction_time interval,
    OUT longest_idle interval,
    OUT utilization double precision,
    OUT opener text,
    OUT last_statement text,
    OUT tags jsonb,
    OUT leak text,
    OUT leaked boolean,
    OUT leak_since timestamptz,
    OUT leaked_for interval,
    OUT weight text,
    OUT blocked_sessions integer,
    OUT reason text,
    OUT exempt text,
    OUT client_wait interval,
    OUT in_use boolean,
    OUT peer text,
    OUT loses text,
    OUT blocked_by integer[],
    OUT apparent text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_sessions'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.sessions AS
SELECT session_id, pid, usename, datname, application_name, client_addr,
       client_port, backend_start, state, state_change, wait_event_type,
       wait_event, idle_for, unused_for, xact_for, statement_for, statements,
       transactions, slow_statements, active_time, idle_time,
       idle_in_transaction_time, longest_idle, utilization, opener,
       last_statement, tags, leak, exempt, client_wait, in_use,
       peer, loses, blocked_by
  FROM leash.get_sessions();

COMMENT ON VIEW leash.sessions IS 'client sessions: identity, state, time spent, verdict';

CREATE VIEW leash.leaks AS
SELECT leak AS kind, leak_since AS since, leaked_for, weight, leaked,
       blocked_sessions, reason, session_id, pid, usename, datname,
       application_name, client_addr, client_port, state, opener,
       last_statement, tags, peer, loses
  FROM leash.get_sessions()
 WHERE leak IS NOT NULL
 ORDER BY CASE weight WHEN 'blocks others' THEN 1
                      WHEN 'holds back xmin' THEN 2
                      WHEN 'holds locks' THEN 3
                      ELSE 4 END,
          leaked DESC, leaked_for DESC;

COMMENT ON VIEW leash.leaks IS 'sessions judged leaked (and, with leaked = false, unused ones), worst first';

CREATE FUNCTION leash.mask_literals(statement text)
RETURNS text
AS 'MODULE_PATHNAME', 'leash_mask_literals'
LANGUAGE C STRICT STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.mask_literals(text) IS
'the statement with its literals masked and its comments left out: what is the same but for its data becomes the same';

CREATE FUNCTION leash.without_pooler_host(application_name text)
RETURNS text
AS 'MODULE_PATHNAME', 'leash_without_pooler_host'
LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.without_pooler_host(text) IS
'the application name without the " - host:port" that a pooler appended';

CREATE VIEW leash.orphans AS
SELECT 'prepared transaction' AS kind, p.gid AS name, p.prepared AS since,
       format('%s locks, xmin %s transactions old, in database %s, of role %s',
              -- those of the same owner as the lock on its own transaction id
              (SELECT count(*) FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_locks own USING (virtualtransaction)
                WHERE l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
                  AND own.transactionid = p.transaction),
              age(p.transaction), p.database, p.owner) AS holds
  FROM pg_catalog.pg_prepared_xacts p
UNION ALL
SELECT 'inactive slot', s.slot_name,
       -- a column since PostgreSQL 17
       (to_jsonb(s) ->> 'inactive_since')::timestamptz,
       concat_ws(', ',
                 pg_size_pretty(pg_wal_lsn_diff(
                     CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                     s.restart_lsn)) || ' of WAL',
                 'xmin ' || age(s.xmin) || ' transactions old',
                 'catalog xmin ' || age(s.catalog_xmin) || ' transactions old',
                 'slot type ' || s.slot_type)
  FROM pg_catalog.pg_replication_slots s
 WHERE NOT s.active
 ORDER BY 3 NULLS LAST;

COMMENT ON VIEW leash.orphans IS
'what holds back the server without a session: prepared transactions and inactive replication slots';

CREATE FUNCTION leash.get_refusals(
    OUT minute timestamptz,
    OUT reason text,
    OUT refused bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_refusals'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.refusals AS
SELECT * FROM leash.get_refusals() ORDER BY minute DESC, refused DESC;

COMMENT ON VIEW leash.refusals IS 'connections refused in the last day, by minute and reason';

CREATE FUNCTION leash.get_last_refusals(
    OUT refused_at timestamptz,
    OUT reason text,
    OUT usename text,
    OUT datname text,
    OUT client_addr inet)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_last_refusals'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.last_refusals AS
SELECT * FROM leash.get_last_refusals() ORDER BY refused_at DESC;

COMMENT ON VIEW leash.last_refusals IS
'the last hundred connections refused: why, and for which role and database, as the client gave them';

CREATE FUNCTION leash.get_slow_statements(
    OUT finished_at timestamptz,
    OUT duration interval,
    OUT client_wait interval,
    OUT session_id text,
    OUT pid integer,
    OUT usename name,
    OUT datname name,
    OUT application_name text,
    OUT client_addr inet,
    OUT query_id bigint,
    OUT query text,
    OUT rows bigint,
    OUT shared_blks_hit bigint,
    OUT shared_blks_read bigint,
    OUT temp_blks_written bigint,
    OUT wal_bytes bigint,
    OUT sqlstate text,
    OUT tags jsonb,
    OUT plan text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_slow_statements'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.slow_statements AS
SELECT * FROM leash.get_slow_statements() ORDER BY finished_at DESC;

COMMENT ON VIEW leash.slow_statements IS
'statements that took at least pg_leash.slow_statement_threshold, newest first';

CREATE FUNCTION leash.get_slow_summary(
    OUT query_id bigint,
    OUT query text,
    OUT datname name,
    OUT usename name,
    OUT application_name text,
    OUT calls bigint,
    OUT failed bigint,
    OUT total_time interval,
    OUT mean_time interval,
    OUT max_time interval,
    OUT p95_time interval,
    OUT client_wait interval,
    OUT rows bigint,
    OUT shared_blks_read bigint,
    OUT temp_blks_written bigint,
    OUT last_seen timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_slow_summary'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.slow_summary AS
SELECT * FROM leash.get_slow_summary() ORDER BY total_time DESC;

COMMENT ON VIEW leash.slow_summary IS
'slow statements by query, database and role, the most costly first';

CREATE FUNCTION leash.get_index_candidates(
    OUT datname name,
    OUT "table" text,
    OUT columns text,
    OUT slow_statements bigint,
    OUT rows_scanned bigint,
    OUT rows_kept bigint,
    OUT total_time interval,
    OUT query_id bigint,
    OUT last_seen timestamptz,
    OUT evidence text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_index_candidates'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.index_candidates AS
SELECT * FROM leash.get_index_candidates() ORDER BY total_time DESC;

COMMENT ON VIEW leash.index_candidates IS
'columns that slow statements filter a large table by, reading all of it';

CREATE FUNCTION leash.get_applications(
    OUT application_name text,
    OUT usename name,
    OUT datname name,
    OUT sessions bigint,
    OUT sessions_peak bigint,
    OUT in_use bigint,
    OUT in_use_peak bigint,
    OUT in_use_p999 bigint,
    OUT in_use_mean double precision,
    OUT busy bigint,
    OUT busy_peak bigint,
    OUT busy_p999 bigint,
    OUT busy_mean double precision,
    OUT utilization double precision,
    OUT active_minutes bigint,
    OUT opened bigint,
    OUT ended bigint,
    OUT ended_exit bigint,
    OUT ended_abandoned bigint,
    OUT ended_fatal bigint,
    OUT ended_killed bigint,
    OUT reaped bigint,
    OUT mean_lifetime interval,
    OUT statements bigint,
    OUT transactions bigint,
    OUT slow_statements bigint,
    OUT statements_per_session double precision,
    OUT leaked bigint,
    OUT active_time interval,
    OUT idle_time interval,
    OUT idle_in_transaction_time interval,
    OUT client_wait interval,
    OUT statement_p50 interval,
    OUT statement_p95 interval,
    OUT statement_p99 interval,
    OUT idle_gap_p50 interval,
    OUT idle_gap_p99 interval,
    OUT learned_idle interval,
    OUT known_since timestamptz,
    OUT measured_for interval)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_applications'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.applications AS
SELECT * FROM leash.get_applications() ORDER BY sessions DESC, opened DESC;

COMMENT ON VIEW leash.applications IS
'what each application (role x database x application_name) did, and how many sessions it needs';

CREATE FUNCTION leash.get_connections(
    OUT max_connections integer,
    OUT reserved integer,
    OUT used integer,
    OUT authenticating integer,
    OUT free integer,
    OUT active integer,
    OUT idle integer,
    OUT idle_in_transaction integer,
    OUT peak_used integer,
    OUT peak_at timestamptz,
    OUT opened_total bigint,
    OUT refused_total bigint,
    OUT refused_last_at timestamptz,
    OUT refused_too_many_clients bigint,
    OUT refused_reserved_slots bigint,
    OUT refused_role_limit bigint,
    OUT refused_database_limit bigint,
    OUT refused_authentication bigint,
    OUT refused_unavailable bigint,
    OUT slow_statements_total bigint,
    OUT slow_statements_lost bigint,
    OUT stats_reset timestamptz,
    OUT in_use integer,
    OUT in_use_peak integer,
    OUT busy integer,
    OUT busy_peak integer)
RETURNS record
AS 'MODULE_PATHNAME', 'leash_get_connections'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.connections AS
SELECT * FROM leash.get_connections();

COMMENT ON VIEW leash.connections IS 'the server''s connection slots and refusals, one row';

CREATE FUNCTION leash.get_history(
    OUT minute timestamptz,
    OUT used_peak integer,
    OUT used_mean double precision,
    OUT active_peak integer,
    OUT idle_in_transaction_peak integer,
    OUT in_use_peak integer,
    OUT opened bigint,
    OUT refused bigint,
    OUT leaked integer,
    OUT reaped bigint,
    OUT statements bigint,
    OUT slow bigint,
    OUT cache_hit_ratio double precision,
    OUT blks_hit bigint,
    OUT blks_read bigint,
    OUT rows_read bigint,
    OUT rows_written bigint,
    OUT busy_seconds double precision,
    OUT covered interval)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_history'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 10000
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.history AS
SELECT * FROM leash.get_history();

COMMENT ON VIEW leash.history IS 'the server minute by minute, oldest first';

CREATE FUNCTION leash.compute_hours(
    suspend_delay interval DEFAULT '5 minutes',
    OUT application_name text,
    OUT usename name,
    OUT datname name,
    OUT active_minutes bigint,
    OUT compute_hours double precision,
    OUT alone_hours double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_compute_hours'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.compute_hours(interval) IS
'how long a server that suspends itself when idle would have run in the last week, and for which application';

CREATE VIEW leash.leak_groups AS
SELECT kind, application_name, usename, datname, opener, sessions, blocked_sessions, oldest,
       (ARRAY['blocks others', 'holds back xmin', 'holds locks', 'holds a slot'])[weight_rank] AS weight,
       leaked, last_statement, last_hour, growth_per_hour,
       CASE WHEN growth_per_hour > 0
            THEN make_interval(secs => 3600 * (SELECT free FROM leash.get_connections()) / growth_per_hour)
       END AS exhausted_in,
       route
  FROM (SELECT kind, leash.without_pooler_host(application_name) AS application_name, usename, datname,
               leash.mask_literals(coalesce(opener, CASE state WHEN 'active' THEN last_statement END)) AS opener,
               count(*) AS sessions,
               sum(blocked_sessions) AS blocked_sessions,
               max(leaked_for) AS oldest,
               min(array_position(ARRAY['blocks others', 'holds back xmin',
                                        'holds locks', 'holds a slot'], weight)) AS weight_rank,
               leaked,
               -- the clue where nothing opened a transaction
               mode() WITHIN GROUP (ORDER BY leash.mask_literals(last_statement)) AS last_statement,
               count(*) FILTER (WHERE leaked_for <= '1 hour') AS last_hour,
               -- from three on there is a trend; an hour is the longest look back, a minute the shortest
               CASE WHEN leaked AND count(*) FILTER (WHERE leaked_for <= '1 hour') >= 3
                    THEN count(*) FILTER (WHERE leaked_for <= '1 hour') * 3600
                         / extract(epoch FROM greatest('1 minute', least('1 hour', max(leaked_for))))::float8
               END AS growth_per_hour,
               mode() WITHIN GROUP (ORDER BY tags ->> 'route') AS route
          FROM leash.leaks
         GROUP BY 1, 2, 3, 4, 5, leaked) AS causes
 ORDER BY weight_rank, leaked DESC, sessions DESC, oldest DESC;

COMMENT ON VIEW leash.leak_groups IS
'leaks by cause: one row per kind, application, role, database and opener, and how fast it grows';

CREATE FUNCTION leash.get_worker(
    OUT running boolean,
    OUT pid integer,
    OUT started_at timestamptz,
    OUT last_round_at timestamptz,
    OUT rounds bigint,
    OUT last_round_time interval,
    OUT max_round_time interval,
    OUT total_round_time interval,
    OUT samples bigint,
    OUT total_sample_time interval,
    OUT history_rows bigint,
    OUT max_history_time interval,
    OUT total_history_time interval,
    OUT errors bigint,
    OUT last_error text,
    OUT last_error_at timestamptz,
    OUT policies integer,
    OUT policies_loaded_at timestamptz,
    OUT policies_error text,
    OUT in_use integer,
    OUT in_use_peak integer,
    OUT busy integer,
    OUT busy_peak integer,
    OUT notices_lost bigint)
RETURNS record
AS 'MODULE_PATHNAME', 'leash_get_worker'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.worker AS
SELECT * FROM leash.get_worker();

COMMENT ON VIEW leash.worker IS 'the background worker: whether it runs, what it did, what failed, one row';

CREATE FUNCTION leash.health(
    OUT "check" text,
    OUT status text,
    OUT value numeric,
    OUT warning numeric,
    OUT critical numeric,
    OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_health'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 12
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.health() IS
'what a monitor should know: one row per check, status ''ok'', ''warning'' or ''critical''';

CREATE FUNCTION leash.terminate(session_id text, reason text DEFAULT NULL, force boolean DEFAULT false)
RETURNS text
AS 'MODULE_PATHNAME', 'leash_terminate'
LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.terminate(text, text, boolean) IS
'claims and ends an idle session (with force also an active one); returns the outcome';

CREATE FUNCTION leash.cancel(session_id text, reason text DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'leash_cancel'
LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.cancel(text, text) IS
'cancels exactly the statement that is running now; returns the outcome';

-- The policies.  Each row is checked by a trigger in C, which needs no preload, so that
-- dumps restore anywhere.  The library reads the table in the database that the setting
-- pg_leash.database names.
CREATE TABLE leash.policies (
    name text NOT NULL,
    priority integer NOT NULL DEFAULT 100,
    enabled boolean NOT NULL DEFAULT true,
    mode text NOT NULL DEFAULT 'observe',
    roles text[],
    databases text[],
    applications text[],
    addresses text[],
    kinds text[],
    states text[],
    idle_for interval,
    unused_for interval,
    xact_for interval,
    statement_for interval,
    learned boolean NOT NULL DEFAULT false,
    pressure_above double precision,
    pressure_below double precision,
    blocks_others boolean NOT NULL DEFAULT false,
    holds_xmin boolean NOT NULL DEFAULT false,
    peer_gone boolean NOT NULL DEFAULT false,
    action text NOT NULL DEFAULT 'log',
    grace interval,
    keep integer,
    max_per_minute integer,
    include_superusers boolean NOT NULL DEFAULT false,
    include_listeners boolean NOT NULL DEFAULT false,
    include_lock_holders boolean NOT NULL DEFAULT false,
    comment text,
    CONSTRAINT policies_pkey PRIMARY KEY (name)
);

COMMENT ON TABLE leash.policies IS 'what happens to which sessions, and after how long';

SELECT pg_catalog.pg_extension_config_dump('leash.policies', '');

CREATE FUNCTION leash.check_policy()
RETURNS trigger
AS 'MODULE_PATHNAME', 'leash_check_policy'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.check_policy() IS 'trigger: refuses policies that make no sense';

CREATE FUNCTION leash.policies_written()
RETURNS trigger
AS 'MODULE_PATHNAME', 'leash_policies_written'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.policies_written() IS 'trigger: warns of what policies would do now';

CREATE TRIGGER check_policy
BEFORE INSERT OR UPDATE OR DELETE ON leash.policies
FOR EACH ROW EXECUTE FUNCTION leash.check_policy();

CREATE TRIGGER policies_inserted
AFTER INSERT ON leash.policies REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION leash.policies_written();

CREATE TRIGGER policies_updated
AFTER UPDATE ON leash.policies REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION leash.policies_written();

CREATE TRIGGER policies_truncated
AFTER TRUNCATE ON leash.policies
FOR EACH STATEMENT EXECUTE FUNCTION leash.policies_written();

-- Logical replication writes policies too.
ALTER TABLE leash.policies ENABLE ALWAYS TRIGGER check_policy;
ALTER TABLE leash.policies ENABLE ALWAYS TRIGGER policies_inserted;
ALTER TABLE leash.policies ENABLE ALWAYS TRIGGER policies_updated;
ALTER TABLE leash.policies ENABLE ALWAYS TRIGGER policies_truncated;

CREATE FUNCTION leash.get_policies_in_force(
    OUT rank integer,
    OUT name text,
    OUT priority integer,
    OUT mode text,
    OUT action text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_policies_in_force'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.policies_in_force AS
SELECT * FROM leash.get_policies_in_force() ORDER BY rank;

COMMENT ON VIEW leash.policies_in_force IS
'the policies that the worker goes by, in the order in which they decide';

CREATE FUNCTION leash.get_reap_log(
    OUT id bigint,
    OUT decided_at timestamptz,
    OUT policy text,
    OUT by name,
    OUT mode text,
    OUT action text,
    OUT session_id text,
    OUT pid integer,
    OUT usename name,
    OUT datname name,
    OUT application_name text,
    OUT client_addr inet,
    OUT kind text,
    OUT leaked_for interval,
    OUT weight text,
    OUT blocked_sessions integer,
    OUT opener text,
    OUT reason text,
    OUT outcome text,
    OUT took interval)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_reap_log'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.reap_log AS
SELECT * FROM leash.get_reap_log() ORDER BY id DESC;

COMMENT ON VIEW leash.reap_log IS 'what policies and users decided about sessions, and what became of it; newest first';

CREATE FUNCTION leash.reap(dry_run boolean DEFAULT true)
RETURNS SETOF leash.reap_log
AS 'MODULE_PATHNAME', 'leash_reap'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.reap(boolean) IS
'evaluates the policies once, now: shows what they would do or, with false, does it and waits for the outcomes';

REVOKE ALL ON FUNCTION leash.reap(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION leash.reap(boolean) TO pg_signal_backend;
GRANT SELECT ON leash.reap_log TO pg_monitor;

CREATE FUNCTION leash.reset(what text DEFAULT 'all')
RETURNS void
AS 'MODULE_PATHNAME', 'leash_reset'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.reset(text) IS
'forgets statistics: ''slow_statements'', ''connections'', ''applications'', ''worker'' or ''all''';

CREATE FUNCTION leash.lease(duration interval, reason text)
RETURNS timestamptz
AS 'MODULE_PATHNAME', 'leash_lease'
LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.lease(interval, text) IS
'lets the calling session idle for that long without being taken for a leak; returns until when';

CREATE FUNCTION leash.release()
RETURNS boolean
AS 'MODULE_PATHNAME', 'leash_release'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION leash.release() IS
'gives the calling session''s lease back; returns whether it had one';

REVOKE ALL ON FUNCTION leash.lease(interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.release() FROM PUBLIC;

-- PUBLIC does not get into the schema; pg_monitor reads, pg_signal_backend acts.
-- Superusers alone reset and take leases, unless they grant it.  The get_* functions
-- keep EXECUTE for PUBLIC: a view's functions are checked against who reads the view,
-- so that GRANT SELECT on it would not be enough otherwise.  They mask in C.
REVOKE ALL ON FUNCTION leash.library_version() FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.health() FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.compute_hours(interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.terminate(text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.cancel(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.reset(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.check_policy() FROM PUBLIC;
REVOKE ALL ON FUNCTION leash.policies_written() FROM PUBLIC;

GRANT USAGE ON SCHEMA leash TO pg_monitor, pg_signal_backend;
GRANT EXECUTE ON FUNCTION leash.library_version() TO pg_monitor, pg_signal_backend;
GRANT EXECUTE ON FUNCTION leash.get_sessions() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_slow_statements() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.mask_literals(text) TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.without_pooler_host(text) TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_refusals() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_last_refusals() TO pg_monitor;
GRANT SELECT ON leash.refusals, leash.last_refusals, leash.orphans TO pg_monitor;
GRANT SELECT ON leash.index_candidates TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_slow_summary() TO pg_monitor;
GRANT SELECT ON leash.slow_summary TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_applications() TO pg_monitor;
GRANT SELECT ON leash.applications TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_connections() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_history() TO pg_monitor;
GRANT SELECT ON leash.history TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_worker() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.health() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.compute_hours(interval) TO pg_monitor;
GRANT SELECT ON leash.worker TO pg_monitor;
GRANT SELECT ON leash.sessions, leash.leaks, leash.leak_groups,
                leash.slow_statements, leash.connections TO pg_monitor;
GRANT SELECT ON leash.policies, leash.policies_in_force TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_policies_in_force() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.terminate(text, text, boolean) TO pg_signal_backend;
GRANT EXECUTE ON FUNCTION leash.cancel(text, text) TO pg_signal_backend;
