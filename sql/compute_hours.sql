-- leash.compute_hours(): this session's statements keep the server awake.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET pg_leash.track = on;

-- waits until the minute has been noted
CREATE PROCEDURE pg_temp.await_activity() LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT EXISTS (SELECT FROM leash.compute_hours('0') WHERE application_name = current_setting('application_name')) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
SET application_name = 'regress compute';
SELECT 1;
CALL pg_temp.await_activity();

-- the whole server comes first, and is no less than any application
SELECT n, application_name IS NULL AND usename IS NULL AND datname IS NULL AS whole, active_minutes > 0 AS active,
       compute_hours = alone_hours AS alone
  FROM leash.compute_hours() WITH ORDINALITY AS c(application_name, usename, datname, active_minutes, compute_hours, alone_hours, n)
 WHERE n = 1;
SELECT count(*) AS wrong
  FROM leash.compute_hours() c, (SELECT * FROM leash.compute_hours() LIMIT 1) whole
 WHERE c.active_minutes > whole.active_minutes OR c.compute_hours > whole.compute_hours OR c.alone_hours > c.compute_hours
    OR c.active_minutes <= 0 OR c.compute_hours * 60 < c.active_minutes - 0.001 OR c.alone_hours < 0;
SELECT usename = current_user AS usename, datname = current_database() AS datname, active_minutes BETWEEN 1 AND 2 AS active_minutes
  FROM leash.compute_hours() WHERE application_name = 'regress compute';
-- sorted by what each alone is to blame for
SELECT bool_and(sorted) IS NOT FALSE AS sorted
  FROM (SELECT (lag(alone_hours) OVER w, lag(compute_hours) OVER w) >= (alone_hours, compute_hours) AS sorted
          FROM leash.compute_hours() WITH ORDINALITY AS c(a, u, d, m, compute_hours, alone_hours, n)
         WHERE n > 1 WINDOW w AS (ORDER BY n)) s;

-- delays: none, begun minutes, longer than a week, bad ones
SELECT round(compute_hours * 60) = active_minutes AS none FROM leash.compute_hours('0') LIMIT 1;
SELECT (SELECT compute_hours FROM leash.compute_hours('61 seconds') LIMIT 1) =
       (SELECT compute_hours FROM leash.compute_hours('2 minutes') LIMIT 1) AS begun;
SELECT compute_hours <= 7 * 24 AS longest FROM leash.compute_hours('100000 days') LIMIT 1;
SELECT count(*) FROM leash.compute_hours(NULL);
SELECT * FROM leash.compute_hours('-1 second');
SELECT * FROM leash.compute_hours('1 month');
SELECT count(*) > 0 AS longest FROM leash.compute_hours('2147483647 days 2562047788 hours');

CREATE ROLE regress_leash_monitor;
GRANT pg_monitor TO regress_leash_monitor;
CREATE ROLE regress_leash_signal;
GRANT pg_signal_backend TO regress_leash_signal;
SET ROLE regress_leash_monitor;
SELECT count(*) > 0 AS readable FROM leash.compute_hours();
SET ROLE regress_leash_signal;
SELECT count(*) FROM leash.compute_hours();
RESET ROLE;
RESET application_name;
DROP OWNED BY regress_leash_monitor, regress_leash_signal;
DROP ROLE regress_leash_monitor, regress_leash_signal;
