-- A role that wants more than it may: to read others' texts, to act on others, and to have
-- functions and operators of its own called by whoever uses pg_leash.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
SET pg_leash.track = on;
CREATE ROLE regress_hostile;
GRANT USAGE ON SCHEMA leash TO regress_hostile;
GRANT SELECT ON ALL TABLES IN SCHEMA leash TO regress_hostile;
GRANT SELECT, INSERT, UPDATE, DELETE ON leash.policies TO regress_hostile;
CREATE SCHEMA trap;
GRANT ALL ON SCHEMA trap TO regress_hostile;
SELECT session_id AS own FROM leash.sessions WHERE pid = pg_backend_pid() \gset

-- The secret is wherever a text of another role's session can be: slow statements and
-- their plans, tags, the summary, index candidates, the opener, the last statement.
CREATE TABLE plain (id integer, word text);
INSERT INTO plain SELECT i, 'w' || i FROM generate_series(1, 20000) i;
ANALYZE plain;
SET pg_leash.slow_statement_threshold = 0;
SET pg_leash.slow_plan_threshold = 0;
SELECT count(*) FROM plain WHERE word = 's3cret' /*route='s3cret'*/;
SET pg_leash.slow_statement_threshold = -1;
RESET pg_leash.slow_plan_threshold;

-- How many values of what leash shows have it in them, by view and function.
CREATE FUNCTION trap.secrets() RETURNS TABLE (object text, secrets bigint) LANGUAGE plpgsql AS $$
DECLARE
    source text;
BEGIN
    FOR source IN
        SELECT 'leash.' || relname::text FROM pg_class
         WHERE relnamespace = 'leash'::regnamespace AND relkind IN ('v', 'r')
        UNION ALL
        SELECT 'leash.' || proname::text || '()' FROM pg_proc
         WHERE pronamespace = 'leash'::regnamespace AND proname ~ '^get_' AND pronargs = 0
        ORDER BY 1 COLLATE "C"
    LOOP
        object := source;
        EXECUTE format('SELECT count(*) FROM (SELECT to_jsonb(t)::text AS value FROM %s t) r WHERE value ~ ''s3cret''', source)
           INTO secrets;
        RETURN NEXT;
    END LOOP;
END $$;
BEGIN;
SELECT 's3cret' AS opens;
SELECT object FROM trap.secrets() WHERE secrets > 0;
SET LOCAL ROLE regress_hostile;
SELECT object, secrets FROM trap.secrets() WHERE secrets > 0;

-- A function that sees each value before any condition does, and costs nothing.
CREATE FUNCTION trap.looks(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF value ~ 's3cret' THEN
        RAISE EXCEPTION 'seen: %', value;
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION trap.looks(a text, b text) RETURNS boolean LANGUAGE sql COST 0.0000001 AS 'SELECT trap.looks(a)';
CREATE OPERATOR trap.### (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.looks);
SELECT count(*) > 0 AS rows FROM leash.sessions WHERE trap.looks(opener) AND last_statement OPERATOR(trap.###) 'x' AND trap.looks(tags::text);
SELECT count(*) > 0 AS rows FROM leash.slow_statements WHERE trap.looks(query) AND trap.looks(plan) AND query OPERATOR(trap.###) 'x' AND trap.looks(tags::text);
SELECT count(*) > 0 AS rows FROM leash.slow_summary WHERE trap.looks(query);
SELECT count(*) >= 0 AS rows FROM leash.leak_groups WHERE trap.looks(opener);
SELECT count(*) >= 0 AS rows FROM leash.reap_log WHERE trap.looks(reason) AND trap.looks(opener);
ROLLBACK;

-- To act on others: not without EXECUTE, and with it not without rights on the role.
SET ROLE regress_hostile;
SELECT leash.terminate(:'own');
SELECT leash.reap(false);
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA leash TO regress_hostile;
SET ROLE regress_hostile;
SELECT leash.terminate(:'own');
SELECT leash.terminate(:'own', 'please', true);
SELECT leash.cancel(:'own');
SELECT count(*) FROM leash.reap(false) WHERE outcome = 'ended';
\set VERBOSITY terse
SELECT leash.check_policy();
SELECT leash.policies_written();
\set VERBOSITY default
-- triggers of its own with our functions
CREATE TEMP TABLE mine (a integer);
CREATE TRIGGER t BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION leash.check_policy();
CREATE TRIGGER s AFTER INSERT ON mine FOR EACH STATEMENT EXECUTE FUNCTION leash.policies_written();
\set VERBOSITY sqlstate
INSERT INTO mine VALUES (1);
\set VERBOSITY default
DROP TABLE mine;
CREATE TEMP TABLE mine (LIKE leash.policies INCLUDING DEFAULTS);
CREATE TRIGGER t BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION leash.check_policy();
CREATE TRIGGER s AFTER INSERT ON mine REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION leash.policies_written();
ALTER TABLE mine ALTER name TYPE bigint USING 1;
INSERT INTO mine (name, kinds) VALUES (-1, '{unused}');
ALTER TABLE mine ALTER name TYPE text, ALTER idle_for TYPE boolean USING NULL;
INSERT INTO mine (name, kinds, idle_for) VALUES ('m', '{unused}', true);
ALTER TABLE mine ALTER idle_for TYPE interval USING NULL, ALTER roles TYPE integer USING NULL;
INSERT INTO mine (name, kinds, roles) VALUES ('m', '{unused}', 1);
ALTER TABLE mine ALTER roles TYPE text[] USING NULL, ALTER enabled DROP DEFAULT, ALTER enabled TYPE text;
INSERT INTO mine (name, kinds, enabled) VALUES ('m', '{unused}', 'x');
DROP TABLE mine;

-- To write a policy that reaches superusers, in each way that there is.
SET client_min_messages = error;
RESET ROLE;
INSERT INTO leash.policies (name, kinds, include_superusers) VALUES ('reaches', '{unused}', true);
SET ROLE regress_hostile;
INSERT INTO leash.policies (name, kinds, include_superusers) VALUES ('h', '{unused}', true);
INSERT INTO leash.policies (name, kinds) VALUES ('h', '{unused}');
UPDATE leash.policies SET include_superusers = true WHERE name = 'h';
UPDATE leash.policies SET mode = 'enforce', action = 'terminate' WHERE name = 'reaches';
INSERT INTO leash.policies (name, kinds) VALUES ('reaches', '{unused}') ON CONFLICT (name) DO UPDATE SET mode = 'enforce';
MERGE INTO leash.policies p USING (VALUES ('h')) v(n) ON p.name = v.n WHEN MATCHED THEN UPDATE SET include_superusers = true;
UPDATE leash.policies SET name = 'reaches too' WHERE include_superusers;
\copy leash.policies (name, kinds, include_superusers) FROM stdin
c	{unused}	t
\.
\set VERBOSITY sqlstate
SET session_replication_role = replica;
ALTER TABLE leash.policies DISABLE TRIGGER ALL;
CREATE TRIGGER t BEFORE INSERT ON leash.policies FOR EACH ROW EXECUTE FUNCTION leash.check_policy();
CREATE RULE r AS ON INSERT TO leash.policies DO ALSO NOTHING;
ALTER TABLE leash.policies OWNER TO regress_hostile;
SET pg_leash.reaping = 'enforce';
SET pg_leash.database = 'template1';
SET pg_leash.debug_stop_at = 'claimed';
SET pg_leash.idle_threshold = '1ms';
CREATE FUNCTION trap.terminate(text, text, boolean) RETURNS text LANGUAGE c AS 'pg_leash', 'leash_terminate';
CREATE FUNCTION leash.sessions() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW leash.sessions AS SELECT 1 AS pid;
\set VERBOSITY default
RESET ROLE;
SELECT name, mode, action, include_superusers FROM leash.policies WHERE name IN ('h', 'reaches', 'reaches too', 'c') ORDER BY name;
DELETE FROM leash.policies WHERE name IN ('h', 'reaches');

-- Names of its own for what the views and functions call: nobody calls them.
SET ROLE regress_hostile;
CREATE FUNCTION trap.trapped() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a function of the role was called'; END $$;
CREATE FUNCTION trap.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT trap.trapped()';
CREATE FUNCTION trap.equal(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT trap.trapped()';
CREATE FUNCTION trap.equal(bigint, integer) RETURNS boolean LANGUAGE sql AS 'SELECT trap.trapped()';
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.equal);
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = text, FUNCTION = trap.equal);
CREATE OPERATOR trap.> (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = trap.equal);
CREATE FUNCTION trap.age(xid) RETURNS integer LANGUAGE sql AS 'SELECT 1 FROM trap.trapped()';
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$SELECT 'x' FROM trap.trapped()$$;
CREATE FUNCTION trap.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT trap.trapped()';
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now() FROM trap.trapped()';
CREATE FUNCTION trap.get_sessions() RETURNS integer LANGUAGE sql AS 'SELECT 1 FROM trap.trapped()';
CREATE FUNCTION trap.check_policy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.trapped(); RETURN NULL; END $$;
CREATE TABLE trap.pg_prepared_xacts (gid text);
CREATE TABLE trap.policies (name text);
RESET ROLE;
CREATE FUNCTION pg_temp.age(xid) RETURNS integer LANGUAGE sql AS 'SELECT 1 FROM trap.trapped()';
CREATE TEMP TABLE pg_prepared_xacts (gid text);
CREATE TEMP TABLE policies (name text);
SET search_path = trap, pg_temp, pg_catalog;
DO $$
DECLARE
    view regclass;
BEGIN
    FOR view IN SELECT oid FROM pg_class WHERE relnamespace OPERATOR(pg_catalog.=) 'leash'::regnamespace AND relkind OPERATOR(pg_catalog.=) 'v' LOOP
        EXECUTE 'SELECT count(*) FROM ' || view::text;
    END LOOP;
END $$;
SELECT count(*) OPERATOR(pg_catalog.>) 0 AS health FROM leash.health();
SELECT count(*) AS reap FROM leash.reap(true);
SELECT count(*) OPERATOR(pg_catalog.>) 0 AS compute_hours FROM leash.compute_hours();
SELECT leash.terminate('1.1'), leash.cancel('1.1'), leash.mask_literals('SELECT 1'), leash.without_pooler_host('a - 10.0.0.1:5'), leash.library_version();
SELECT leash.reset('worker');
INSERT INTO leash.policies (name, kinds, enabled) VALUES ('shadowed', '{unused}', false);
UPDATE leash.policies SET priority = 7 WHERE name OPERATOR(pg_catalog.=) 'shadowed';
DELETE FROM leash.policies WHERE name OPERATOR(pg_catalog.=) 'shadowed' RETURNING name, priority;
RESET search_path;

DROP TABLE plain, pg_temp.pg_prepared_xacts, pg_temp.policies;
DROP SCHEMA trap CASCADE;
DROP OWNED BY regress_hostile;
DROP ROLE regress_hostile;
SELECT leash.reset('slow_statements');
RESET pg_leash.slow_statement_threshold;
RESET client_min_messages;
