-- A session's permission to idle: who may take it, for how long, and what ends it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET timezone = 'UTC';
CREATE TEMP VIEW me AS SELECT exempt FROM leash.sessions WHERE pid = pg_backend_pid();

-- one lease replaces the other
SELECT exempt FROM me;
SELECT leash.lease('2 hours', 'nightly export') - now() BETWEEN '2 hours' AND '2 hours 1 minute' AS until;
SELECT regexp_replace(exempt, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00', 'THEN') AS exempt FROM me;
SELECT leash.lease('24 hours', 'a longer one') > now() + '23 hours' AS until;
SELECT exempt ~ ': a longer one$' AS exempt FROM me;
SELECT leash.lease('1 day', '  as long as can be ') > now() + '23 hours' AS until;
SELECT leash.release(), leash.release() AS again;
SELECT exempt FROM me;

-- it does not wait for the transaction to end, and outlives it
BEGIN;
SELECT leash.lease('1 min', 'kept') IS NOT NULL AS until;
ROLLBACK;
SELECT exempt ~ ': kept$' AS exempt FROM me;

-- until when is said in the reader's time zone, in whole seconds
SET timezone = 'Asia/Tokyo';
SELECT exempt ~ '^lease until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+09: kept$' AS exempt FROM me;
SET timezone = 'UTC';

-- a pool discards all when it hands a session on, and the lease goes with it
DISCARD TEMP;
CREATE TEMP VIEW me AS SELECT exempt FROM leash.sessions WHERE pid = pg_backend_pid();
SELECT exempt ~ ': kept$' AS exempt FROM me;
BEGIN;
DISCARD ALL;
ROLLBACK;
SELECT exempt ~ ': kept$' AS exempt FROM me;
DISCARD ALL;
SELECT exempt FROM leash.sessions WHERE pid = pg_backend_pid();
SET timezone = 'UTC';
CREATE TEMP VIEW me AS SELECT exempt FROM leash.sessions WHERE pid = pg_backend_pid();

-- one that has run out counts for nothing
SELECT leash.lease('1 microsecond', 'over') IS NOT NULL AS until;
SELECT exempt FROM me;
SELECT leash.release();

-- what is refused; the lease that is held stays
SELECT leash.lease('1 hour', 'held') IS NOT NULL AS until;
SELECT leash.lease('0', 'nothing');
SELECT leash.lease('-1 hour', 'negative');
SELECT leash.lease('1 hour -1 day', 'negative');
SELECT leash.lease('1 month', 'of which length?');
SELECT leash.lease('1 year -365 days', 'months too');
SELECT leash.lease('25 hours', 'too long');
SELECT leash.lease('24:00:00.000001', 'too long');
SELECT leash.lease('2000000000 days', 'too long');
SELECT leash.lease('-2000000000 days', 'negative');
SELECT leash.lease(NULL, 'null');
SELECT leash.lease('1 hour', NULL);
SELECT leash.lease('1 hour', E' \n');
SELECT exempt ~ ': held$' AS exempt FROM me;

-- a reason of any length is cut at a character
SELECT leash.lease('1 hour', repeat('é', 500)) IS NOT NULL AS until;
SELECT length(regexp_replace(exempt, '^.*: ', '')) BETWEEN 90 AND 100 AS short, exempt ~ ': é+$' AS whole FROM me;
SELECT leash.release();

-- an administrator says who may
CREATE ROLE regress_leash_app;
CREATE ROLE regress_leash_granted;
GRANT USAGE ON SCHEMA leash TO regress_leash_app, regress_leash_granted;
GRANT EXECUTE ON FUNCTION leash.lease(interval, text), leash.release() TO regress_leash_granted;
SET ROLE regress_leash_app;
SELECT leash.lease('1 hour', 'not granted');
SELECT leash.release();
SET ROLE regress_leash_granted;
SELECT leash.lease('1 hour', 'granted') > now() AS until;
SELECT leash.release();
RESET ROLE;
-- no session lengthens its own
SET pg_leash.lease_max = '30 days';
DROP OWNED BY regress_leash_app, regress_leash_granted;
DROP ROLE regress_leash_app, regress_leash_granted;
DROP VIEW me;
