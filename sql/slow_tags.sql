-- Tags: what an application wrote about a statement in an sqlcommenter comment.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
CREATE TEMP VIEW tagged AS
SELECT substring(query from '''(.*?)''') AS test, tags,
       row_number() OVER (ORDER BY finished_at) AS n
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ 'AS tag';

-- well formed ones
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 'none' AS tag;
SELECT 'at the end' AS tag /*route='cart',controller='pay'*/;
SELECT 'decoded' AS tag /*route='%2Fcart%2F%3Fa%3D1%26b%3D%2A',my%20key='x%27y'*/ ;
/*route='first'*/ SELECT 'at the start' AS tag;
SELECT 'the last comment counts' AS tag /*a='1'*/ /*b='2'*/;
SELECT 'blanks' AS tag /* a='1' , b='2' */;
SELECT 'empty value' AS tag /*a='',b='2'*/;
SELECT 'quote' AS tag /*a='it\'s',b='2'*/;
SELECT 'json' AS tag /*a='%22}%5C',b='</script>'*/;
SET pg_leash.slow_statement_threshold = -1;
SELECT test, tags FROM tagged ORDER BY n;

-- hostile ones
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 'empty' AS tag /**/;
SELECT 'one slash' AS tag /*/*/ */*/;
SELECT 'nested' AS tag /* /*a='1'*/ */;
SELECT 'no quote' AS tag /*a=1,b='2'*/;
SELECT 'open quote' AS tag /*a='1,b=2*/;
SELECT 'no key' AS tag /*='1'*/;
SELECT 'prose' AS tag /* this is no tag, it's prose='x' */;
SELECT 'backslash' AS tag /*a='\'*/;
SELECT 'in a string' AS tag, '/*a=''1''*/';
SET pg_leash.slow_statement_threshold = -1;
SELECT test, tags FROM tagged ORDER BY n;

SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 'broken escapes' AS tag /*a='%',b='%2',c='%zz',d='100%'*/;
SELECT 'zero' AS tag /*a='%00',b='x%00y'*/;
SELECT 'control characters' AS tag /*a='%01%0A%1B[2J'*/;
SELECT 'twice' AS tag /*a='1',a='2'*/;
SELECT 'sql' AS tag /*a='%27); DROP TABLE x; --'*/;
SET pg_leash.slow_statement_threshold = -1;
SELECT test, tags FROM tagged ORDER BY n;

-- many, long ones
SELECT leash.reset('slow_statements');
SELECT format('SELECT ''many'' AS tag /*%s*/', string_agg(format('k%s=''%s''', lpad(i::text, 2, '0'), i), ',' ORDER BY i)) AS many,
       format('SELECT ''long'' AS tag /*%s=''%s''*/', repeat('k', 300), repeat('v', 300)) AS long,
       format('SELECT ''long text'' AS tag, ''%s'' AS filler /*route=''kept''*/', repeat('x', 5000)) AS text
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
SELECT length(query) AS length, query ~ '^SELECT .long text.*x$' AS cut
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ 'long text. AS tag';

-- of the session: those of the opener, else of the last statement
BEGIN;
SELECT 'opener' /*route='opens'*/;
SELECT opener, tags FROM leash.sessions WHERE pid = pg_backend_pid() /*route='reads'*/;
COMMIT;
SELECT opener, tags FROM leash.sessions WHERE pid = pg_backend_pid() /*route='reads'*/;
DROP VIEW tagged;
