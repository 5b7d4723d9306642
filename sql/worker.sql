-- leash.worker and leash.health(): that the worker runs, and what a monitor is told.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;

-- waits until the worker has sampled and judged once more
CREATE PROCEDURE pg_temp.await_round() LANGUAGE plpgsql AS $$
DECLARE
    before record;
    now record;
BEGIN
    SELECT rounds, samples INTO before FROM leash.worker;
    LOOP
        SELECT rounds, samples INTO now FROM leash.worker;
        EXIT WHEN now.rounds > before.rounds AND now.samples > before.samples;
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
CALL pg_temp.await_round();

SELECT running, w.pid = a.pid AS pid, a.datname, a.usename = (SELECT rolname FROM pg_roles WHERE oid = 10) AS usename,
       started_at <= last_round_at AS started_at, last_round_at <= clock_timestamp() AS last_round_at,
       last_round_time <= max_round_time AS max_round_time, max_round_time <= total_round_time AS total_round_time,
       total_sample_time > '0' AS total_sample_time,
       errors, last_error, last_error_at, policies >= 0 AS policies, notices_lost >= 0 AS notices_lost
  FROM leash.worker w JOIN pg_stat_activity a ON a.backend_type = 'pg_leash';

-- this session is in use, as a sample in the middle of a statement sees it
CREATE FUNCTION pg_temp.is_seen_at_work() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 3000 LOOP
        IF (SELECT in_use >= 1 AND busy >= 1 AND in_use_peak >= in_use AND busy_peak >= busy FROM leash.worker) THEN
            RETURN true;
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN false;
END $$;
SELECT pg_temp.is_seen_at_work();
SELECT w.in_use_peak >= 1 AS worker, c.in_use_peak >= w.in_use_peak AS connections
  FROM leash.worker w, leash.connections c;
-- peaks begin anew; the samples after the reset see this session alone
SELECT leash.reset('connections');
CALL pg_temp.await_round();
SELECT in_use_peak, busy_peak FROM leash.connections;

SET pg_leash.idle_in_transaction_threshold = 0;
SET pg_leash.idle_threshold = 0;
SET pg_leash.never_used_threshold = 0;
SET pg_leash.stalled_client_threshold = 0;
SELECT "check", warning, critical, status IN ('ok', 'warning', 'critical') AS status, message ~ '^[^\n]+$' AS message FROM leash.health();
SELECT "check", status FROM leash.health() WHERE "check" IN ('worker', 'connections', 'refused');
-- what is not known is ok, and what is known is held against the limits
SELECT count(*) AS wrong FROM leash.health()
 WHERE "check" NOT IN ('worker', 'policies')
   AND status <> CASE WHEN value IS NULL THEN 'ok'
                      WHEN critical < warning THEN CASE WHEN value <= critical THEN 'critical' WHEN value <= warning THEN 'warning' ELSE 'ok' END
                      WHEN value >= critical THEN 'critical' WHEN value >= warning THEN 'warning' ELSE 'ok' END;
SELECT "check", value FROM leash.health() WHERE "check" IN ('blocked', 'lock_wait');
SELECT value >= 0 AS value FROM leash.health() WHERE "check" = 'xmin_age';
SELECT value, status, message FROM leash.health() WHERE "check" = 'leaked';
SELECT value <= critical AS value, message FROM leash.health() WHERE "check" = 'worker';
SELECT value BETWEEN 0 AND 1 AS value FROM leash.health() WHERE "check" = 'connections';
SELECT value, message FROM leash.health() WHERE "check" = 'refused';
-- what was sampled of this session's waits
SELECT client_wait >= '0' AS client_wait FROM leash.sessions WHERE pid = pg_backend_pid();
