-- Who may see what, and do what: a member of pg_monitor, of pg_signal_backend, a
-- role with a granted view, nobody.  The session itself is a superuser's; SET ROLE
-- decides who asks.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;
SET pg_leash.track = on;
SELECT session_id AS own FROM leash.sessions WHERE pid = pg_backend_pid() \gset

CREATE ROLE regress_leash_monitor;
GRANT pg_monitor TO regress_leash_monitor;
CREATE ROLE regress_leash_signal;
GRANT pg_signal_backend TO regress_leash_signal;
CREATE ROLE regress_leash_granted;
GRANT USAGE ON SCHEMA leash TO regress_leash_granted;
GRANT SELECT ON ALL TABLES IN SCHEMA leash TO regress_leash_granted;
GRANT EXECUTE ON FUNCTION leash.terminate(text, text, boolean) TO regress_leash_granted;
CREATE ROLE regress_leash_nobody;

-- something to be seen: a slow statement and an open transaction
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 'seen' AS slow /*route='seen'*/;
SET pg_leash.slow_statement_threshold = -1;

-- a member of pg_monitor reads all
SET ROLE regress_leash_monitor;
BEGIN;
SELECT 'the opener';
SELECT state, last_statement ~ '^SELECT state' AS last, opener, backend_start IS NOT NULL AS backend_start,
       idle_for, xact_for IS NOT NULL AS xact_for, in_use
  FROM leash.sessions WHERE pid = pg_backend_pid();
COMMIT;
SELECT query, query_id IS NOT NULL AS query_id, tags FROM leash.slow_statements
 WHERE pid = pg_backend_pid() AND tags IS NOT NULL;
SELECT count(*) >= 0 AS readable FROM leash.leaks;
SELECT count(*) >= 0 AS readable FROM leash.leak_groups;
SELECT count(*) AS rows FROM leash.connections;
SELECT count(*) AS rows FROM leash.worker;
SELECT count(*) > 0 AS readable FROM leash.health();
SELECT leash.library_version();
-- ... and acts on nobody
\set VERBOSITY sqlstate
SELECT leash.terminate(:'own');
SELECT leash.cancel(:'own');
SELECT leash.reset();
CREATE TABLE leash.mine (a integer);
\set VERBOSITY default
RESET ROLE;

-- a member of pg_signal_backend acts, but not on a superuser's session, and reads nothing
SET ROLE regress_leash_signal;
SELECT leash.terminate('1.1');
SELECT leash.cancel('1.1');
SELECT leash.terminate(:'own');
SELECT leash.terminate(:'own', 'with force', true);
SELECT leash.cancel(:'own');
SELECT leash.library_version();
\set VERBOSITY sqlstate
SELECT leash.reset();
SELECT * FROM leash.sessions;
SELECT * FROM leash.leaks;
SELECT * FROM leash.leak_groups;
SELECT * FROM leash.slow_statements;
SELECT * FROM leash.connections;
SELECT * FROM leash.worker;
SELECT * FROM leash.health();
\set VERBOSITY default
RESET ROLE;

-- to be granted a view is enough to read it
SET ROLE regress_leash_granted;
DO $$
DECLARE
    view regclass;
BEGIN
    FOR view IN SELECT oid FROM pg_class WHERE relnamespace = 'leash'::regnamespace AND relkind IN ('v', 'r') LOOP
        EXECUTE format('SELECT count(*) FROM %s', view);
    END LOOP;
END $$;
RESET ROLE;

-- a role that was granted the views sees of other roles' sessions no text, no
-- address and no state
SET ROLE regress_leash_granted;
BEGIN;
SELECT 'the opener';
\x on
SELECT s.session_id = :'own' AS session_id, s.usename = session_user AS usename, s.datname = current_database() AS datname,
       s.application_name <> '' AS application_name, s.client_addr, s.client_port, s.backend_start, s.state, s.state_change,
       s.wait_event_type, s.wait_event, s.idle_for, s.unused_for, s.xact_for, s.statement_for,
       s.statements > 0 AS statements, s.opener, s.last_statement, s.tags, s.leak, s.exempt, s.in_use
  FROM leash.sessions s WHERE s.pid = pg_backend_pid();
SELECT leak, leaked, leak_since, leaked_for, weight, blocked_sessions, reason, exempt, in_use, peer, loses, blocked_by
  FROM leash.get_sessions() WHERE pid = pg_backend_pid();
\x off
COMMIT;
SELECT DISTINCT query, query_id, client_addr, tags FROM leash.slow_statements WHERE pid = pg_backend_pid();
SELECT count(*) AS rows FROM leash.connections;
SELECT leash.terminate(:'own');
\set VERBOSITY sqlstate
SELECT * FROM leash.health();
SELECT leash.cancel(:'own');
\set VERBOSITY default
RESET ROLE;
-- ... unless it has the privileges of the role whose session it is
GRANT :"USER" TO regress_leash_granted;
SET ROLE regress_leash_granted;
SELECT state, last_statement ~ '^SELECT state' AS last, backend_start IS NOT NULL AS backend_start, in_use
  FROM leash.sessions WHERE pid = pg_backend_pid();
SELECT query, tags FROM leash.slow_statements WHERE pid = pg_backend_pid() AND tags IS NOT NULL;
RESET ROLE;
REVOKE :"USER" FROM regress_leash_granted;

-- nobody else gets as far as the schema
SET ROLE regress_leash_nobody;
SELECT * FROM leash.sessions;
\set VERBOSITY sqlstate
SELECT * FROM leash.leaks;
SELECT * FROM leash.slow_statements;
SELECT * FROM leash.connections;
SELECT leash.terminate(:'own');
SELECT leash.cancel(:'own');
SELECT leash.reset();
SELECT leash.library_version();
RESET ROLE;
-- ... and, with the schema, to no view and to no function but those behind the views,
-- which show no more than to whom a view was granted
GRANT USAGE ON SCHEMA leash TO regress_leash_nobody;
SET ROLE regress_leash_nobody;
SELECT * FROM leash.sessions;
SELECT * FROM leash.leaks;
SELECT * FROM leash.slow_statements;
SELECT * FROM leash.connections;
SELECT * FROM leash.worker;
SELECT * FROM leash.policies;
SELECT * FROM leash.health();
SELECT leash.terminate(:'own');
SELECT leash.cancel(:'own');
SELECT leash.reset();
SELECT leash.library_version();
SELECT leash.lease('1 hour', 'mine');
SELECT leash.release();
SELECT leash.reap();
\set VERBOSITY default
SELECT state, last_statement, client_port, backend_start FROM leash.get_sessions() WHERE pid = pg_backend_pid();
SELECT DISTINCT query, query_id FROM leash.get_slow_statements() WHERE pid = pg_backend_pid();
RESET ROLE;

RESET pg_leash.slow_statement_threshold;
DROP OWNED BY regress_leash_monitor, regress_leash_signal, regress_leash_granted, regress_leash_nobody;
DROP ROLE regress_leash_monitor, regress_leash_signal, regress_leash_granted, regress_leash_nobody;
