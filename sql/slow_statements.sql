-- What is recorded of a slow statement.  Threshold 0 records every one, -1 none.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
CREATE TEMP TABLE things (id integer PRIMARY KEY, name text);
CREATE TEMP VIEW mine AS
SELECT query, rows, sqlstate, shared_blks_hit, wal_bytes, duration, query_id, tags, row_number() OVER (ORDER BY finished_at) AS n
  FROM leash.slow_statements WHERE pid = pg_backend_pid();

-- rows, and texts without what is around them
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
  INSERT INTO things SELECT i, 'thing ' || i FROM generate_series(1, 3) i  ;
UPDATE things SET name = upper(name) WHERE id > 1;
SELECT name FROM things WHERE id <= 2 ORDER BY id;
DELETE FROM things WHERE id = 99;
COPY (SELECT 'copied' FROM things) TO STDOUT;
SET pg_leash.slow_statement_threshold = -1;
SELECT query, rows, sqlstate FROM mine ORDER BY n;

-- each statement of one message is recorded by itself, with its own text
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 'first' AS a\; SELECT 'second' AS b FROM things\; INSERT INTO things VALUES (4);
SET pg_leash.slow_statement_threshold = -1;
SELECT query, rows FROM mine ORDER BY n;

-- failed ones, by where they fail: parser, analysis, planner, executor, utility,
-- commit, within a message
SELECT leash.reset('slow_statements');
CREATE TEMP TABLE deferred (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);
SET pg_leash.slow_statement_threshold = 0;
\set VERBOSITY sqlstate
SELEC 'parser';
SELECT 'analysis' FROM pg_temp.nowhere;
SELECT 'planner', 1 / 0;
SELECT 'executor', 1 / (id - 1) FROM things;
DROP TABLE pg_temp.nowhere;
INSERT INTO deferred VALUES (1), (1);
SELECT 'before' AS a\; SELECT 1 / (id - 1) FROM things\; SELECT 'after' AS c;
\set VERBOSITY default
SET pg_leash.slow_statement_threshold = -1;
SELECT query, sqlstate FROM mine ORDER BY n;

-- in a failed transaction: what is refused there, and the ROLLBACK
SELECT leash.reset('slow_statements');
\set VERBOSITY sqlstate
SET pg_leash.slow_statement_threshold = 0;
BEGIN;
INSERT INTO things VALUES (4);
SELECT 'refused';
ROLLBACK;
SET pg_leash.slow_statement_threshold = -1;
\set VERBOSITY default
SELECT query, sqlstate FROM mine ORDER BY n;

-- one record for what the client sent, whatever runs inside
SELECT leash.reset('slow_statements');
CREATE FUNCTION pg_temp.nested(n integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM 1 / 0;
    EXCEPTION WHEN division_by_zero THEN
        INSERT INTO things VALUES (n);
    END;
    RETURN n;
END $$;
CREATE PROCEDURE pg_temp.commits() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO things VALUES (10);
    COMMIT;
    INSERT INTO things VALUES (11);
END $$;
SET pg_leash.slow_statement_threshold = 0;
SELECT pg_temp.nested(5);
DO $$ BEGIN PERFORM pg_temp.nested(6); END $$;
CALL pg_temp.commits();
PREPARE find (integer) AS SELECT id FROM things WHERE id = $1;
EXECUTE find(10);
BEGIN;
DECLARE some CURSOR FOR SELECT id FROM things ORDER BY id;
FETCH 2 FROM some;
COMMIT;
SET pg_leash.slow_statement_threshold = -1;
SELECT query, rows, sqlstate FROM mine ORDER BY n;

-- durations, buffers, WAL, query ids, and who it was
SELECT leash.reset('slow_statements');
CREATE TABLE regress_leash_wal (a integer);
SET pg_leash.slow_statement_threshold = 0;
INSERT INTO regress_leash_wal SELECT generate_series(1, 1000);
SELECT count(*) FROM regress_leash_wal;
SELECT 1;
SELECT 2;
SET pg_leash.slow_statement_threshold = -1;
SELECT n, query, duration > '0' AS duration, shared_blks_hit > 0 AS hit, wal_bytes > 50000 AS wal FROM mine ORDER BY n;
SELECT count(DISTINCT query_id) AS "ids of SELECT 1, SELECT 2" FROM mine WHERE query = 'SELECT ?';
SELECT DISTINCT s.session_id = l.session_id AS session_id, l.usename = current_user AS usename,
       l.datname = current_database() AS datname, l.application_name = current_setting('application_name') AS application_name,
       l.client_addr IS NOT DISTINCT FROM inet_client_addr() AS client_addr,
       l.finished_at BETWEEN s.backend_start AND clock_timestamp() AS finished_at
  FROM leash.slow_statements l JOIN leash.sessions s USING (pid) WHERE l.pid = pg_backend_pid();
DROP TABLE regress_leash_wal;

-- below the threshold nothing is recorded; off with pg_leash.track
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = '1h';
SELECT 1 AS quick;
SET pg_leash.slow_statement_threshold = 0;
SET pg_leash.track = off;
SELECT 1 AS not_tracked;
SET pg_leash.slow_statement_threshold = -1;
SET pg_leash.track = on;
SELECT query FROM mine WHERE query ~ 'quick|not_tracked';

-- the session counts its own; reset forgets the records
SELECT slow_statements AS before FROM leash.sessions WHERE pid = pg_backend_pid() \gset
SET pg_leash.slow_statement_threshold = 0;
SELECT 1 AS counted;
SET pg_leash.slow_statement_threshold = -1;
SELECT slow_statements - :before AS more FROM leash.sessions WHERE pid = pg_backend_pid();
SELECT count(*) FROM mine WHERE query ~ 'counted';
SELECT leash.reset('connections');
SELECT count(*) FROM mine WHERE query ~ 'counted';
SELECT leash.reset('slow_statements');
SELECT count(*) FROM mine;
SET pg_leash.slow_statement_threshold = 0;
SELECT 'forgotten too';
SET pg_leash.slow_statement_threshold = -1;
SELECT leash.reset();
SELECT count(*) FROM mine;
-- by query: literals make no difference
SET pg_leash.slow_statement_threshold = 0;
SELECT 11 AS summed;
SELECT 12 AS summed;
SELECT 1 / 0 AS summed_error;
SET pg_leash.slow_statement_threshold = -1;
SELECT query, calls, failed, rows, total_time >= max_time AS total, mean_time <= max_time AS mean, p95_time <= max_time AS p95,
       application_name = current_setting('application_name') AS application, last_seen > now() - interval '1 hour' AS seen,
       datname = current_database() AND usename = current_user AS whose
  FROM leash.slow_summary WHERE query ~ 'summed' ORDER BY query;
SELECT leash.reset('slow_statements');
SELECT count(*) FROM leash.slow_summary WHERE query ~ 'summed';
-- plans, above a threshold of their own, as EXPLAIN shows them
SET pg_leash.slow_statement_threshold = 0;
SELECT name AS without_plan FROM things WHERE id < 0;
SET pg_leash.slow_plan_threshold = 0;
SELECT name AS with_plan FROM things WHERE id < 0;
SET pg_leash.slow_plan_threshold = '1h';
SELECT name AS too_quick FROM things WHERE id < 0;
SET pg_leash.slow_plan_threshold = -1;
SET pg_leash.slow_statement_threshold = -1;
SELECT s.query, s.plan ~ '^[A-Z][A-Za-z ]+ on things  \(cost=[0-9.]+ rows=[0-9]+ width=[0-9]+\)\n' AND s.plan ~ '\(id < 0\)' AS plan
  FROM leash.slow_statements s WHERE s.pid = pg_backend_pid() AND s.query ~ 'things' ORDER BY finished_at;
DROP VIEW mine;
