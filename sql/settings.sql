-- The settings: what each one is by default, what it takes, and who may set it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;

SELECT name, context, vartype, unit, boot_val, min_val, max_val
  FROM pg_settings WHERE name ~ '^pg_leash\.' ORDER BY name COLLATE "C";

-- units, and values that mean never
SET pg_leash.idle_threshold = '2h';
SHOW pg_leash.idle_threshold;
SET pg_leash.idle_threshold = 1500;
SHOW pg_leash.idle_threshold;
SET pg_leash.idle_threshold = 0;
SET pg_leash.idle_in_transaction_threshold = 0;
SET pg_leash.never_used_threshold = 0;
SET pg_leash.stalled_client_threshold = 0;
SET pg_leash.slow_statement_threshold = 0;
SET pg_leash.slow_statement_threshold = -1;
SHOW pg_leash.slow_statement_threshold;

-- bad values
SET pg_leash.idle_threshold = 'soon';
SET pg_leash.idle_threshold = '5 fortnights';
SET pg_leash.idle_threshold = '100d';
SET pg_leash.track = 'perhaps';
-- PostgreSQL words this in several ways
\set VERBOSITY sqlstate
SET pg_leash.idle_threshold = -1;
SET pg_leash.slow_statement_threshold = -2;
SET pg_leash.idle_in_transaction_threshold = -1;
SET pg_leash.never_used_threshold = -1;
SET pg_leash.stalled_client_threshold = '-1s';
-- only at server start
SET pg_leash.slow_statements_max = 100;
\set VERBOSITY default
-- what does not exist
SET pg_leash.no_such_setting = 1;
SHOW pg_leash.no_such_setting;
RESET ALL;
SELECT count(*) AS "changed" FROM pg_settings WHERE name ~ '^pg_leash\.' AND setting <> reset_val;

-- a session does not loosen its own leash
SET pg_leash.track = on;
CREATE ROLE regress_leash_plain;
SET ROLE regress_leash_plain;
SET pg_leash.slow_statement_threshold = -1;
\set VERBOSITY sqlstate
SET pg_leash.track = off;
SET pg_leash.idle_in_transaction_threshold = 0;
SET pg_leash.never_used_threshold = 0;
SET pg_leash.stalled_client_threshold = 0;
SET pg_leash.debug_stop_at = 'judged';
SELECT set_config('pg_leash.track', 'off', false);
ALTER ROLE regress_leash_plain SET pg_leash.track = off;
CREATE FUNCTION pg_temp.loosen() RETURNS void LANGUAGE sql SET pg_leash.track = off AS '';
BEGIN;
SET LOCAL pg_leash.idle_threshold = 0;
ROLLBACK;
\set VERBOSITY default
SHOW pg_leash.track;
RESET ROLE;
RESET pg_leash.track;
DROP ROLE regress_leash_plain;

-- a superuser may set it for a role or a database
CREATE ROLE regress_leash_plain;
ALTER ROLE regress_leash_plain SET pg_leash.slow_statement_threshold = '5s';
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'regress_leash_plain'::regrole;
DROP ROLE regress_leash_plain;
