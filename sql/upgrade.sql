-- From version to version: the library serves the objects of 1.0, and after the update
-- nothing tells them from those that were made in one go.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pg_leash;
RESET client_min_messages;
CREATE EXTENSION pg_leash VERSION '1.0';
SELECT extversion FROM pg_extension WHERE extname = 'pg_leash';

-- all of 1.0 works
DO $$
DECLARE
    view regclass;
BEGIN
    FOR view IN SELECT oid FROM pg_class WHERE relnamespace = 'leash'::regnamespace AND relkind IN ('v', 'r') LOOP
        EXECUTE format('SELECT count(*) FROM %s', view);
    END LOOP;
END $$;
SELECT count(*) AS views FROM pg_class WHERE relnamespace = 'leash'::regnamespace AND relkind = 'v';
SELECT count(*) AS "own session" FROM leash.sessions WHERE pid = pg_backend_pid();
SELECT count(*) > 0 AS health FROM leash.health();
SELECT count(*) > 0 AS compute_hours FROM leash.compute_hours();
SELECT leash.mask_literals('SELECT 1'), leash.without_pooler_host('app - 10.0.0.7:51034');
SELECT leash.terminate('1.1'), leash.cancel('1.1');
SELECT leash.lease('1 minute', 'a lease of 1.0') IS NOT NULL AS lease, leash.release();
SELECT leash.reset('worker');
SET client_min_messages = error;  -- where they are not in force
INSERT INTO leash.policies (name, kinds) VALUES ('kept over the update', '{idle in transaction}');
RESET client_min_messages;
SELECT count(*) AS decisions FROM leash.reap();
SELECT leash.library_version();

-- and knows nothing of what came later
SELECT to_regclass('leash.duration_histograms') AS duration_histograms, to_regclass('leash.reap_totals') AS reap_totals;

ALTER EXTENSION pg_leash UPDATE;
SELECT extversion FROM pg_extension WHERE extname = 'pg_leash';
SELECT name, kinds FROM leash.policies;
DELETE FROM leash.policies;

-- all that the extension consists of
CREATE TEMPORARY VIEW members AS
SELECT object.type, object.identity,
       CASE d.classid WHEN 'pg_proc'::regclass THEN pg_get_functiondef(d.objid)
                      WHEN 'pg_class'::regclass THEN
                          (SELECT CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END FROM pg_class c WHERE c.oid = d.objid)
       END AS definition,
       (SELECT array_agg(format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl) ORDER BY a.attnum)
          FROM pg_attribute a WHERE d.classid = 'pg_class'::regclass AND a.attrelid = d.objid AND a.attnum > 0) AS columns,
       (SELECT array_agg(format('%s %s', pg_get_triggerdef(t.oid), t.tgenabled) ORDER BY t.tgname)
          FROM pg_trigger t WHERE d.classid = 'pg_class'::regclass AND t.tgrelid = d.objid) AS triggers,
       obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) AS comment,
       coalesce((SELECT proacl FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid),
                (SELECT relacl FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid),
                (SELECT nspacl FROM pg_namespace WHERE d.classid = 'pg_namespace'::regclass AND oid = d.objid))::text AS privileges
  FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) object
 WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_leash');
CREATE TEMPORARY TABLE updated AS SELECT * FROM members;
DROP EXTENSION pg_leash;
CREATE EXTENSION pg_leash;
SELECT count(*) > 45 AS all, count(definition) > 43 AS definitions, count(columns) > 17 AS columns,
       count(comment) > 30 AS comments, count(privileges) > 43 AS privileges
  FROM updated;
(TABLE updated EXCEPT TABLE members) UNION ALL (TABLE members EXCEPT TABLE updated);
DROP VIEW members;
