-- A statement that can carry a password is counted, and its text is not kept: not
-- as a slow statement, not as the opener of a transaction.  "geheim" is the secret.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_leash;
SET track_activities = on;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
CREATE ROLE regress_leash_secret;
CREATE FOREIGN DATA WRAPPER regress_leash_fdw;
CREATE SERVER regress_leash_server FOREIGN DATA WRAPPER regress_leash_fdw;
CREATE FUNCTION pg_temp.give_password(password text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER ROLE regress_leash_secret %s %L', 'PASS' || 'WORD', password);
    RETURN 'given';
END $$;
CREATE TEMP VIEW mine AS
SELECT query, sqlstate, tags, row_number() OVER (ORDER BY finished_at) AS n
  FROM leash.slow_statements WHERE pid = pg_backend_pid();
CREATE TEMP TABLE written (a integer);
\set VERBOSITY sqlstate

-- roles
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
ALTER ROLE regress_leash_secret PASSWORD 'geheim';
alter user regress_leash_secret with encrypted password 'geheim' /*route='geheim'*/;
CREATE ROLE regress_leash_secret2 LOGIN PASSWORD 'geheim';
DROP ROLE regress_leash_secret2;
ALTER ROLE regress_leash_nobody_there PASSWORD 'geheim';
ALTER ROLE regress_leash_secret PASSWORD 'geheim' nonsense;
ALTER ROLE regress_leash_secret NOLOGIN;
SET pg_leash.slow_statement_threshold = -1;
SELECT query, sqlstate, tags FROM mine ORDER BY n;

-- foreign servers, user mappings, subscriptions, connection strings
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_leash_server OPTIONS (user 'me', password 'geheim');
ALTER USER MAPPING FOR CURRENT_USER SERVER regress_leash_server OPTIONS (SET password 'geheim');
CREATE USER MAPPING FOR regress_leash_secret SERVER regress_leash_nowhere OPTIONS (password 'geheim');
ALTER SERVER regress_leash_server OPTIONS (ADD token 'geheim');
CREATE SUBSCRIPTION regress_leash_subscription CONNECTION 'host=nowhere password=geheim' PUBLICATION nothing
    WITH (connect = false, slot_name = NONE);
ALTER SUBSCRIPTION regress_leash_subscription CONNECTION 'postgresql://me:geheim@nowhere/db';
DROP SUBSCRIPTION regress_leash_subscription;
DROP USER MAPPING FOR CURRENT_USER SERVER regress_leash_server;
SET pg_leash.slow_statement_threshold = -1;
SELECT query, sqlstate FROM mine ORDER BY n;

-- inside something else, where the text shows no sign of it
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT pg_temp.give_password('geheim');
DO $$ BEGIN PERFORM pg_temp.give_password('geheim'); END $$;
DO $$ BEGIN EXECUTE 'ALTER ROLE regress_leash_secret PASS' || 'WORD ''geheim'''; END $$;
DO $$ BEGIN PERFORM pg_temp.give_password('geheim'); PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
PREPARE give (text) AS SELECT pg_temp.give_password($1);
EXECUTE give('geheim');
SELECT 'harmless';
SET pg_leash.slow_statement_threshold = -1;
SELECT query, sqlstate FROM mine ORDER BY n;

-- in one message with others; neither is its whole text the text of another
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 1 AS before\; ALTER ROLE regress_leash_secret PASSWORD 'geheim'\; SELECT 1 AS after;
SELECT 1 AS before\; SELECT pg_temp.give_password('geheim')\; SELECT 1 / 0;
SELECT 1 AS before\; ALTER ROLE regress_leash_secret PASSWORD 'geheim'\; SELEC 'parser';
INSERT INTO written VALUES (1)\; SELECT pg_temp.give_password('geheim')\; INSERT INTO written VALUES (2);
SET pg_leash.slow_statement_threshold = -1;
SELECT count(*) FILTER (WHERE query ~ 'geheim') AS leaked,
       count(*) FILTER (WHERE query ~ '^<not stored') AS hidden,
       count(*) FILTER (WHERE query ~ 'before|after|INSERT') AS shown FROM mine;

-- the opener, also when another statement failed or followed
BEGIN;
ALTER ROLE regress_leash_secret PASSWORD 'geheim';
SELECT opener FROM leash.sessions WHERE pid = pg_backend_pid();
ROLLBACK;
BEGIN;
SELECT pg_temp.give_password('geheim');
SELECT 'another';
SELECT opener FROM leash.sessions WHERE pid = pg_backend_pid();
COMMIT;
BEGIN\; SELECT pg_temp.give_password('geheim');
SELECT opener FROM leash.sessions WHERE pid = pg_backend_pid();
COMMIT;
BEGIN\; SELECT 'opener' AS a\; ALTER ROLE regress_leash_secret PASSWORD 'geheim';
SELECT opener FROM leash.sessions WHERE pid = pg_backend_pid();
COMMIT;
BEGIN;
ALTER SYSTEM SET primary_conninfo = 'password=geheim';
ROLLBACK;
-- what has been hidden once hides nothing for good
BEGIN;
SELECT 'an ordinary one';
SELECT opener FROM leash.sessions WHERE pid = pg_backend_pid();
COMMIT;

DROP VIEW mine;
DROP SERVER regress_leash_server;
DROP FOREIGN DATA WRAPPER regress_leash_fdw;
DROP ROLE regress_leash_secret;
