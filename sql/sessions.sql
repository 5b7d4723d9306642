-- What a session is told of itself: identity, counters, opener, times.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;
SET pg_leash.track = on;
CREATE TEMP TABLE things (id integer PRIMARY KEY);
CREATE TEMP VIEW me AS SELECT * FROM leash.sessions WHERE pid = pg_backend_pid();

-- identity: as in pg_stat_activity, and the session id as in the server's log (%c)
SELECT me.session_id = to_hex(trunc(extract(epoch FROM a.backend_start))::bigint) || '.' || to_hex(a.pid) AS session_id,
       me.usename = a.usename AS usename, me.datname = a.datname AS datname,
       me.application_name = a.application_name AS application_name,
       me.client_addr IS NOT DISTINCT FROM a.client_addr AS client_addr,
       me.client_port IS NOT DISTINCT FROM a.client_port AS client_port,
       me.backend_start = a.backend_start AS backend_start, me.state, me.state = a.state AS state,
       me.state_change = a.state_change AS state_change, me.in_use, me.leak, me.exempt
  FROM me JOIN pg_stat_activity a USING (pid);
-- application_name is the one of now
SET application_name = 'renamed';
SELECT application_name FROM me;
RESET application_name;

-- statements: one for each that the client sent; a reader counts itself
SELECT statements AS before, transactions AS xacts FROM me \gset
SELECT 1;
SELECT id FROM things;
INSERT INTO things VALUES (1), (2);
SELECT statements - :before AS statements, transactions - :xacts AS transactions FROM me;

SELECT statements AS before, transactions AS xacts FROM me \gset
BEGIN;
SELECT 1\; SELECT 2;
SAVEPOINT s;
ROLLBACK TO s;
COMMIT;
SELECT statements - :before AS statements, transactions - :xacts AS transactions FROM me;

-- what a statement runs inside is none: functions, triggers, cascades, DO, procedures
CREATE TEMP TABLE parent (id integer PRIMARY KEY);
CREATE TEMP TABLE child (id integer REFERENCES parent ON DELETE CASCADE);
CREATE FUNCTION pg_temp.after_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO child VALUES (new.id);
    RETURN NULL;
END $$;
CREATE TRIGGER after_insert AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION pg_temp.after_insert();
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON parent DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION pg_temp.after_insert();
SELECT statements AS before, transactions AS xacts FROM me \gset
INSERT INTO parent SELECT generate_series(1, 20);
DELETE FROM parent;
DO $$ BEGIN FOR i IN 1..10 LOOP INSERT INTO things VALUES (10 + i); END LOOP; END $$;
DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO things VALUES (20 + i); COMMIT; END LOOP; END $$;
-- ... though each COMMIT inside ends a transaction
SELECT statements - :before AS statements, transactions - :xacts AS transactions FROM me;

-- a statement that fails counts once
SELECT statements AS before FROM me \gset
\set VERBOSITY sqlstate
INSERT INTO things VALUES (1);
SELECT 1 / (id - 1) FROM things;
DROP TABLE pg_temp.nowhere;
\set VERBOSITY default
SELECT statements - :before AS statements FROM me;

-- the opener: what came first and is more than BEGIN or SET; gone with the transaction
SELECT opener, xact_for IS NOT NULL AS xact_for FROM me;
BEGIN;
SELECT opener FROM me WHERE false;
SELECT opener FROM me;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL work_mem = '1MB';
INSERT INTO things VALUES (100) /*route='order'*/;
SELECT 1;
SELECT opener, tags, xact_for > '0' AS xact_for FROM me;
SAVEPOINT s;
ROLLBACK TO s;
SELECT opener FROM me;
COMMIT AND CHAIN;
SELECT 'of the chained one';
SELECT opener FROM me;
ROLLBACK;
BEGIN\; SELECT 'in one message' AS a;
SELECT opener FROM me;
ROLLBACK;
SELECT opener FROM me;

-- times: the sums are the life of the session, idle ones do not exceed it
SELECT active_time > '0' AS active, idle_time > '0' AS idle, idle_in_transaction_time > '0' AS in_transaction,
       utilization BETWEEN 0 AND 1 AS utilization,
       longest_idle <= greatest(idle_time, idle_in_transaction_time) AS longest_idle,
       active_time + idle_time + idle_in_transaction_time
           BETWEEN '0' AND clock_timestamp() - backend_start + '1 s' AS whole,
       idle_for IS NULL AS "idle_for unknown", statement_for < '1 day' AS statement_for
  FROM me;

-- not tracked: no statistics, and sane values still
SELECT statements AS before FROM me \gset
SET pg_leash.track = off;
SELECT 1;
SELECT statements - :before AS statements, state FROM me;
SET pg_leash.track = on;
SELECT 1;
SELECT statements - :before AS statements, state FROM me;

-- activities off: the state is unknown, the session is not
SET track_activities = off;
SELECT state, state_change, idle_for, last_statement, session_id IS NOT NULL AS session_id, leak, in_use FROM me;
SET track_activities = on;
DROP VIEW me;
