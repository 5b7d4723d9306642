-- What the extension consists of: names, types, privileges, and that it goes and
-- comes back as a whole.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;

-- everything is in schema leash, and belongs to the extension
SELECT c.relname, c.relkind
  FROM pg_class c
 WHERE c.relnamespace = 'leash'::regnamespace
 ORDER BY 1;
SELECT count(*) AS "not of the extension"
  FROM (SELECT 'pg_class'::regclass AS classid, oid FROM pg_class WHERE relnamespace = 'leash'::regnamespace AND relkind <> 'i'
        UNION ALL
        SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'leash'::regnamespace) object
 WHERE NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
                    WHERE d.classid = object.classid AND d.objid = object.oid AND d.deptype = 'e'
                      AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'pg_leash');

-- columns of the views
SELECT a.attrelid::regclass AS view, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'leash'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
 ORDER BY c.relname, a.attnum;

-- functions: none runs with its owner's rights, each has a search_path of its own
SELECT p.proname AS function, pg_get_function_identity_arguments(p.oid) AS arguments,
       p.prosecdef AS definer, p.provolatile AS volatile, p.proparallel AS parallel, p.proconfig
  FROM pg_proc p
 WHERE p.pronamespace = 'leash'::regnamespace AND p.proname !~ '^get_'
 ORDER BY 1;
SELECT p.proname AS function, p.prosecdef AS definer, p.provolatile AS volatile,
       p.proparallel AS parallel, p.proconfig
  FROM pg_proc p
 WHERE p.pronamespace = 'leash'::regnamespace AND p.proname ~ '^get_'
 ORDER BY 1;

-- privileges, without the owner's own: PUBLIC (-) has none but EXECUTE of what is behind the views
SELECT p.proname AS function, a.grantee::regrole AS grantee, a.privilege_type AS privilege, a.is_grantable
  FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
 WHERE p.pronamespace = 'leash'::regnamespace AND a.grantee <> p.proowner
 ORDER BY 1, a.grantee::regrole::text;
SELECT c.relname AS view, a.grantee::regrole AS grantee, a.privilege_type AS privilege, a.is_grantable
  FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
 WHERE c.relnamespace = 'leash'::regnamespace AND a.grantee <> c.relowner
 ORDER BY 1, a.grantee::regrole::text, 3;
SELECT a.grantee::regrole AS grantee, a.privilege_type AS privilege
  FROM pg_namespace n, aclexplode(n.nspacl) a
 WHERE n.nspname = 'leash' AND a.grantee <> n.nspowner
 ORDER BY a.grantee::regrole::text, 2;

-- the extension cannot be moved, goes with its schema, and comes back
ALTER EXTENSION pg_leash SET SCHEMA public;
DROP EXTENSION pg_leash;
SELECT to_regnamespace('leash') AS schema;
CREATE EXTENSION pg_leash;
SELECT count(*) AS "own session" FROM leash.sessions WHERE pid = pg_backend_pid();
-- a view of the user's on top of it stands in the way, as it should
CREATE VIEW public.regress_leash_view AS SELECT session_id FROM leash.sessions;
\set VERBOSITY terse
DROP EXTENSION pg_leash;
\set VERBOSITY default
DROP VIEW public.regress_leash_view;
-- a search_path with traps in it changes nothing
CREATE SCHEMA regress_leash_trap;
CREATE FUNCTION regress_leash_trap.array_position(anyarray, anyelement) RETURNS integer
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION regress_leash_trap.get_sessions() RETURNS integer
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
SET search_path = regress_leash_trap, pg_catalog;
SELECT count(*) >= 0 AS fine FROM leash.leak_groups;
SELECT count(*) > 0 AS fine FROM leash.sessions;
RESET search_path;
\set VERBOSITY terse
DROP SCHEMA regress_leash_trap CASCADE;
\set VERBOSITY default
