-- Tags: what an application wrote about a statement in an sqlcommenter comment.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
CREATE TEMP VIEW tagged AS
SELECT substring(query from '"(.*?)"') AS test, tags,
       row_number() OVER (ORDER BY finished_at) AS n
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ 'SELECT . AS "';

-- well formed ones
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 1 AS "none";
SELECT 1 AS "at the end" /*route='cart',controller='pay'*/;
SELECT 1 AS "decoded" /*route='%2Fcart%2F%3Fa%3D1%26b%3D%2A',my%20key='x%27y'*/ ;
/*route='first'*/ SELECT 1 AS "at the start";
SELECT 1 AS "the last comment counts" /*a='1'*/ /*b='2'*/;
SELECT 1 AS "blanks" /* a='1' , b='2' */;
SELECT 1 AS "empty value" /*a='',b='2'*/;
SELECT 1 AS "quote" /*a='it\'s',b='2'*/;
SELECT 1 AS "json" /*a='%22}%5C',b='</script>'*/;
SET pg_leash.slow_statement_threshold = -1;
SELECT test, tags FROM tagged ORDER BY n;

-- hostile ones
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 1 AS "empty" /**/;
SELECT 1 AS "one slash" /*/*/ */*/;
SELECT 1 AS "nested" /* /*a='1'*/ */;
SELECT 1 AS "no quote" /*a=1,b='2'*/;
SELECT 1 AS "open quote" /*a='1,b=2*/;
SELECT 1 AS "no key" /*='1'*/;
SELECT 1 AS "prose" /* this is no tag, it's prose='x' */;
SELECT 1 AS "backslash" /*a='\'*/;
SELECT 1 AS "in a string", '/*a=''1''*/';
SET pg_leash.slow_statement_threshold = -1;
SELECT test, tags FROM tagged ORDER BY n;

SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 1 AS "broken escapes" /*a='%',b='%2',c='%zz',d='100%'*/;
SELECT 1 AS "zero" /*a='%00',b='x%00y'*/;
SELECT 1 AS "control characters" /*a='%01%0A%1B[2J'*/;
SELECT 1 AS "twice" /*a='1',a='2'*/;
SELECT 1 AS "sql" /*a='%27); DROP TABLE x; --'*/;
SET pg_leash.slow_statement_threshold = -1;
SELECT test, tags FROM tagged ORDER BY n;

-- many, long ones
SELECT leash.reset('slow_statements');
SELECT format('SELECT 1 AS "many" /*%s*/', string_agg(format('k%s=''%s''', lpad(i::text, 2, '0'), i), ',' ORDER BY i)) AS many,
       format('SELECT 1 AS "long" /*%s=''%s''*/', repeat('k', 300), repeat('v', 300)) AS long,
       format('SELECT 1 AS "long text", %s /*route=''kept''*/', string_agg('1 AS column' || i, ', ' ORDER BY i)) AS text
  FROM generate_series(1, 40) i \gset
SET pg_leash.slow_statement_threshold = 0;
\o /dev/null
:many;
:long;
:text;
\o
SET pg_leash.slow_statement_threshold = -1;
SELECT test, (SELECT count(*) FROM jsonb_object_keys(tags)) AS tags,
       (SELECT string_agg(format('%s=%s', length(key), length(value)), ' ') FROM jsonb_each_text(tags)) AS lengths
  FROM tagged WHERE test IN ('many', 'long') ORDER BY n;
-- the text is cut, its tags are not lost
SELECT test, tags FROM tagged WHERE test = 'long text';
SELECT length(query) AS length, query ~ '^SELECT . AS "long text' AS cut
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ '"long text';

-- of the session: those of the opener, else of the last statement
BEGIN;
SELECT 'opener' /*route='opens'*/;
SELECT opener, tags FROM leash.sessions WHERE pid = pg_backend_pid() /*route='reads'*/;
COMMIT;
SELECT opener, tags FROM leash.sessions WHERE pid = pg_backend_pid() /*route='reads'*/;
DROP VIEW tagged;
