-- leash.policies: what can be written, by whom, and what is said about the rest.
-- That policies reach the worker, and warnings about sessions, are in test/tap.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;

-- columns, defaults, constraints; the rows are dumped
SELECT attname AS column, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
       pg_get_expr(adbin, adrelid) AS default
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
 WHERE attrelid = 'leash.policies'::regclass AND attnum > 0
 ORDER BY attnum;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid = 'leash.policies'::regclass AND contype <> 'n' ORDER BY 1;
SELECT extconfig = ARRAY['leash.policies'::regclass::oid] AS dumped, extcondition = ARRAY[''] AS whole
  FROM pg_extension WHERE extname = 'pg_leash';
SELECT tgname, tgenabled, tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'leash.policies'::regclass ORDER BY 1;

-- a session of a database that pg_leash.database does not name is told, once for each statement
INSERT INTO leash.policies (name, kinds) VALUES ('one', '{abandoned}'), ('two', '{"ping only"}');
UPDATE leash.policies SET priority = priority + 1;
INSERT INTO leash.policies (name, kinds) VALUES ('one', '{unused}'), ('three', '{unused}') ON CONFLICT (name) DO UPDATE SET kinds = excluded.kinds;
DELETE FROM leash.policies WHERE name = 'two';
TRUNCATE leash.policies;
SET client_min_messages = error;

-- everything at once
INSERT INTO leash.policies VALUES
    ('full', -5, true, 'enforce', '{app,"The App"}', '{shop}', '{web-*,job?,[a-c]x,\\*}',
     '{10.0.0.0/8,192.168.1.7,::1,2001:db8::/32,local}',
     '{idle in transaction,aborted transaction,peer gone}',
     '{idle in transaction,idle in transaction (aborted)}',
     '10 min', '1 day', '36 hours', NULL, false, 0.8, 0.6, true, true, true, 'terminate', '30 s', 2, 10,
     true, true, true, 'every column');
SELECT * FROM leash.policies \gx
-- a policy that spares needs no age
UPDATE leash.policies SET action = 'spare', kinds = NULL, states = NULL, idle_for = NULL, unused_for = NULL,
       xact_for = NULL, peer_gone = false WHERE name = 'full';
DELETE FROM leash.policies;
-- the longest name and the longest lists
INSERT INTO leash.policies (name, kinds) VALUES (repeat('n', 63), '{unused}');
INSERT INTO leash.policies (name, action, roles, databases, applications, addresses)
SELECT 'lists', 'spare', array_agg('r' || i), array_agg('d' || i), array_agg('a' || i || '*'), array_agg('10.0.0.' || i)
  FROM generate_series(1, 32) i;
INSERT INTO leash.policies (name, unused_for) VALUES ('ages', '-1 day 48 hours'), ('least', '1 us'), ('most', '36500 days');
SELECT count(*) FROM leash.policies;
DELETE FROM leash.policies;

-- names
INSERT INTO leash.policies (name, kinds) VALUES ('', '{unused}');
INSERT INTO leash.policies (name, kinds) VALUES (repeat('n', 64), '{unused}');
INSERT INTO leash.policies (name, kinds) VALUES (repeat('n', 1000), '{unused}');
INSERT INTO leash.policies (name, kinds) VALUES (NULL, '{unused}');
INSERT INTO leash.policies (name, kinds) VALUES (E'two\tlines', '{unused}');

-- words
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{idle in transacton}');
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{unused,nonsense}');
INSERT INTO leash.policies (name, states, idle_for) VALUES ('x', '{Idle}', '1 min');
INSERT INTO leash.policies (name, states, idle_for) VALUES ('x', '{disabled}', '1 min');
INSERT INTO leash.policies (name, kinds, mode) VALUES ('x', '{unused}', 'off');
INSERT INTO leash.policies (name, kinds, mode) VALUES ('x', '{unused}', 'Enforce');
INSERT INTO leash.policies (name, kinds, mode) VALUES ('x', '{unused}', NULL);
INSERT INTO leash.policies (name, kinds, action) VALUES ('x', '{unused}', 'kill');
INSERT INTO leash.policies (name, kinds, action) VALUES ('x', '{unused}', 'termnate');
INSERT INTO leash.policies (name, kinds, action) VALUES ('x', '{unused}', NULL);
INSERT INTO leash.policies (name, kinds, action) VALUES ('x', '{unused}', repeat('k', 10000));
INSERT INTO leash.policies (name, kinds, priority) VALUES ('x', '{unused}', NULL);
\set VERBOSITY sqlstate
INSERT INTO leash.policies (name, kinds, enabled) VALUES ('x', '{unused}', NULL);
\set VERBOSITY default

-- lists
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{}');
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{unused,NULL}');
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{{unused},{abandoned}}');
INSERT INTO leash.policies (name, kinds, roles) SELECT 'x', '{unused}', array_agg('r' || i) FROM generate_series(1, 33) i;
INSERT INTO leash.policies (name, kinds, roles) VALUES ('x', '{unused}', '{app,""}');
INSERT INTO leash.policies (name, kinds, roles) VALUES ('x', '{unused}', ARRAY[repeat('r', 64)]);
INSERT INTO leash.policies (name, kinds, databases) VALUES ('x', '{unused}', ARRAY[repeat('d', 64)]);
INSERT INTO leash.policies (name, kinds, databases) VALUES ('x', '{unused}', '{}');

-- globs
INSERT INTO leash.policies (name, kinds, applications) VALUES ('x', '{unused}', '{web,[a-}');
INSERT INTO leash.policies (name, kinds, applications) VALUES ('x', '{unused}', '{"web\\"}');
INSERT INTO leash.policies (name, kinds, applications) VALUES ('x', '{unused}', '{[]}');
INSERT INTO leash.policies (name, kinds, applications) VALUES ('x', '{unused}', '{[z-a]}');
INSERT INTO leash.policies (name, kinds, applications) VALUES ('x', '{unused}', ARRAY[repeat('a', 64)]);
INSERT INTO leash.policies (name, kinds, applications) VALUES ('x', '{unused}', ARRAY[repeat('*', 64)]);

-- networks
INSERT INTO leash.policies (name, kinds, addresses) VALUES ('x', '{unused}', '{10.0.0.1/8}');
INSERT INTO leash.policies (name, kinds, addresses) VALUES ('x', '{unused}', '{10.0.0.0/33}');
INSERT INTO leash.policies (name, kinds, addresses) VALUES ('x', '{unused}', '{10.0.0.256}');
INSERT INTO leash.policies (name, kinds, addresses) VALUES ('x', '{unused}', '{localhost}');
INSERT INTO leash.policies (name, kinds, addresses) VALUES ('x', '{unused}', '{""}');

-- ages
INSERT INTO leash.policies (name, idle_for) VALUES ('x', '0');
INSERT INTO leash.policies (name, unused_for) VALUES ('x', '-1 min');
INSERT INTO leash.policies (name, xact_for) VALUES ('x', '1 month');
INSERT INTO leash.policies (name, statement_for) VALUES ('x', '1 year -360 days');
INSERT INTO leash.policies (name, idle_for) VALUES ('x', '36500 days 1 us');
INSERT INTO leash.policies (name, idle_for) VALUES ('x', '2147483647 days');
INSERT INTO leash.policies (name, idle_for) VALUES ('x', '-2147483648 days');
INSERT INTO leash.policies (name, idle_for) VALUES ('x', '1 day -24 hours');
INSERT INTO leash.policies (name, kinds, grace) VALUES ('x', '{unused}', '0');
INSERT INTO leash.policies (name, kinds, grace) VALUES ('x', '{unused}', '-1 s');

-- shares and counts
INSERT INTO leash.policies (name, kinds, pressure_above) VALUES ('x', '{unused}', 0);
INSERT INTO leash.policies (name, kinds, pressure_above) VALUES ('x', '{unused}', 80);
INSERT INTO leash.policies (name, kinds, pressure_above) VALUES ('x', '{unused}', 'nan');
INSERT INTO leash.policies (name, kinds, pressure_below) VALUES ('x', '{unused}', 0.5);
INSERT INTO leash.policies (name, kinds, pressure_above, pressure_below) VALUES ('x', '{unused}', 0.5, 0.75);
INSERT INTO leash.policies (name, kinds, pressure_above, pressure_below) VALUES ('x', '{unused}', 0.5, -1);
INSERT INTO leash.policies (name, kinds, keep) VALUES ('x', '{unused}', -1);
INSERT INTO leash.policies (name, kinds, max_per_minute) VALUES ('x', '{unused}', 0);

-- a policy that asks for nothing would act at once
INSERT INTO leash.policies (name) VALUES ('x');
INSERT INTO leash.policies (name, roles, blocks_others, holds_xmin, pressure_above, action) VALUES ('x', '{app}', true, true, 0.5, 'terminate');
INSERT INTO leash.policies (name, states) VALUES ('x', '{idle}');
INSERT INTO leash.policies (name, action) VALUES ('spares everyone', 'spare');
DELETE FROM leash.policies;

-- columns that contradict each other
INSERT INTO leash.policies (name, learned, idle_for) VALUES ('x', true, '1 min');
INSERT INTO leash.policies (name, states, statement_for) VALUES ('x', '{idle}', '1 min');
INSERT INTO leash.policies (name, kinds, statement_for) VALUES ('x', '{abandoned,unused}', '1 min');
INSERT INTO leash.policies (name, states, idle_for) VALUES ('x', '{active}', '1 min');
INSERT INTO leash.policies (name, states, learned) VALUES ('x', '{active,fastpath function call}', true);
INSERT INTO leash.policies (name, idle_for, statement_for) VALUES ('x', '1 min', '1 min');
INSERT INTO leash.policies (name, states, xact_for) VALUES ('x', '{idle}', '1 min');
INSERT INTO leash.policies (name, kinds, xact_for) VALUES ('x', '{never used}', '1 min');
INSERT INTO leash.policies (name, kinds, states) VALUES ('x', '{idle in transaction}', '{idle}');
INSERT INTO leash.policies (name, kinds, action) VALUES ('x', '{idle in transaction}', 'cancel');
INSERT INTO leash.policies (name, idle_for, states, action) VALUES ('x', '1 min', '{idle,active}', 'cancel');
INSERT INTO leash.policies (name, xact_for, action) VALUES ('x', '1 min', 'cancel');
-- ... and such that do not
INSERT INTO leash.policies (name, states, kinds, xact_for, statement_for, action) VALUES
    ('a', '{active,idle}', NULL, NULL, '1 min', 'cancel'),
    ('b', NULL, '{stalled client}', NULL, '1 min', 'cancel'),
    ('c', '{active,idle}', NULL, '1 h', NULL, 'cancel'),
    ('d', '{idle in transaction}', '{peer gone,unused,idle in transaction}', '1 h', NULL, 'terminate'),
    ('e', NULL, '{unused}', NULL, NULL, 'log');
INSERT INTO leash.policies (name, learned) VALUES ('f', true);
INSERT INTO leash.policies (name, peer_gone) VALUES ('g', true);
SELECT count(*) FROM leash.policies;
DELETE FROM leash.policies;

-- columns that change nothing
SET client_min_messages = warning;
\set VERBOSITY terse
INSERT INTO leash.policies (name, kinds, action, keep, max_per_minute, pressure_above, grace)
VALUES ('x', '{unused}', 'notify', 1, 1, 1, '1 s');
UPDATE leash.policies SET enabled = false;
UPDATE leash.policies SET enabled = true, action = 'terminate';
\set VERBOSITY default
SET client_min_messages = error;
DELETE FROM leash.policies;

-- where the error is
\set VERBOSITY terse
DO $$
DECLARE
    state text; schema text; tab text; col text;
BEGIN
    INSERT INTO leash.policies (name, kinds, keep) VALUES ('x', '{unused}', -1);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, schema = SCHEMA_NAME, tab = TABLE_NAME, col = COLUMN_NAME;
    SET LOCAL client_min_messages = notice;
    RAISE INFO '% in %.%.%', state, schema, tab, col;
END $$;
\set VERBOSITY default
-- what was wrong is wrong in an UPDATE too, and in COPY, and nothing of it is written
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{unused}');
UPDATE leash.policies SET kinds = NULL;
\set VERBOSITY sqlstate
COPY leash.policies (name, kinds) FROM stdin;
y	{unused}
z	{nonsense}
\.
\set VERBOSITY default
SELECT name, kinds FROM leash.policies;
DELETE FROM leash.policies;

-- a hundred at most are enabled; as many as one likes are not
INSERT INTO leash.policies (name, kinds) SELECT 'p' || i, '{unused}' FROM generate_series(1, 100) i;
INSERT INTO leash.policies (name, kinds, enabled) VALUES ('off', '{unused}', false);
INSERT INTO leash.policies (name, kinds) VALUES ('one more', '{unused}');
UPDATE leash.policies SET enabled = true;
SELECT count(*), count(*) FILTER (WHERE enabled) AS enabled FROM leash.policies;
DELETE FROM leash.policies;

-- who may
CREATE ROLE regress_leash_monitor;
GRANT pg_monitor TO regress_leash_monitor;
CREATE ROLE regress_leash_writer;
GRANT USAGE ON SCHEMA leash TO regress_leash_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON leash.policies TO regress_leash_writer;
CREATE ROLE regress_leash_nobody;
GRANT USAGE ON SCHEMA leash TO regress_leash_nobody;
INSERT INTO leash.policies (name, kinds, include_superusers) VALUES ('reaches superusers', '{unused}', true);
SET ROLE regress_leash_monitor;
SELECT name FROM leash.policies;
SELECT count(*) >= 0 AS readable FROM leash.policies_in_force;
\set VERBOSITY sqlstate
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{unused}');
UPDATE leash.policies SET enabled = false;
DELETE FROM leash.policies;
TRUNCATE leash.policies;
\set VERBOSITY default
SET ROLE regress_leash_nobody;
\set VERBOSITY sqlstate
SELECT name FROM leash.policies;
SELECT * FROM leash.policies_in_force;
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{unused}');
SELECT leash.check_policy();
\set VERBOSITY default
SET ROLE regress_leash_writer;
INSERT INTO leash.policies (name, kinds) VALUES ('x', '{unused}');
INSERT INTO leash.policies (name, kinds, include_superusers) VALUES ('y', '{unused}', true);
UPDATE leash.policies SET include_superusers = true WHERE name = 'x';
UPDATE leash.policies SET include_superusers = false WHERE name = 'reaches superusers';
UPDATE leash.policies SET enabled = false WHERE name = 'reaches superusers';
DELETE FROM leash.policies WHERE name = 'reaches superusers';
SELECT name FROM leash.policies;
RESET ROLE;
-- the trigger's functions are triggers
SELECT leash.check_policy();
CREATE TABLE public.regress_leash_other (name text);
CREATE TRIGGER other BEFORE INSERT ON public.regress_leash_other FOR EACH ROW EXECUTE FUNCTION leash.check_policy();
INSERT INTO public.regress_leash_other VALUES ('x');
DROP TABLE public.regress_leash_other;

-- session_replication_role and a search_path with traps change nothing
SET session_replication_role = replica;
\set VERBOSITY sqlstate
INSERT INTO leash.policies (name, kinds) VALUES ('z', '{nonsense}');
\set VERBOSITY default
RESET session_replication_role;

-- a prepared transaction would hide the change
BEGIN;
DELETE FROM leash.policies;
PREPARE TRANSACTION 'regress_leash';
SELECT name FROM leash.policies;

DELETE FROM leash.policies;
DROP OWNED BY regress_leash_monitor, regress_leash_writer, regress_leash_nobody;
DROP ROLE regress_leash_monitor, regress_leash_writer, regress_leash_nobody;
RESET client_min_messages;
