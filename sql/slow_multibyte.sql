-- Texts are cut at a character's boundary.  The characters of this file are UTF-8;
-- in a database of another encoding there is nothing to see, and all is fine.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
SET track_activities = on;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
SELECT getdatabaseencoding() = 'UTF8' AS utf8 \gset
\set recorded 12
\set cut t
\set opener t
\set tags t
\set long_tag t
-- what is skipped must not differ from what is not
\set ECHO none
\if :utf8
SET client_encoding = 'UTF8';
SELECT leash.reset('slow_statements') \gset ignored_
CREATE FUNCTION pg_temp.long_statement(shift integer, letter text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT 1 AS %I', repeat('x', shift) || repeat(letter, 600))
$$;
-- a character of 2, 3 and 4 bytes across the limit of 1024 bytes, at each offset
\o /dev/null
SET pg_leash.slow_statement_threshold = 0;
SELECT pg_temp.long_statement(shift, letter)
  FROM generate_series(0, 3) shift, unnest(ARRAY['ä', '€', '😀']) letter \gexec
SELECT 1 AS tagged /*weg='%2Fb%C3%A4r',b='bär',c='%FF%C3'*/;
SELECT format('SELECT 1 AS "long tag" /*a=''x%s''*/', repeat('ä', 200)) \gexec
SET pg_leash.slow_statement_threshold = -1;
SELECT count(*) AS recorded,
       -- nothing but whole characters, and as many of them as fit
       bool_and(octet_length(query) BETWEEN 1021 AND 1024 AND query ~ '^SELECT \? AS "?x{0,3}(ä+|€+|😀+)$') AS cut
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ '(ää|€€|😀😀)' AND query !~ 'long' \gset
SELECT tags = '{"weg": "/bär", "b": "bär", "c": "??"}' AS tags
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ 'tagged' \gset
SELECT tags ->> 'a' ~ '^xä{127}$' AS long_tag
  FROM leash.slow_statements WHERE pid = pg_backend_pid() AND query ~ '"long tag' \gset
SELECT pg_temp.long_statement(0, '€') AS opens \gset
BEGIN;
:opens;
\o
SELECT octet_length(opener) BETWEEN 1021 AND 1024 AND opener ~ '^SELECT 1 AS "?€+$' AS opener
  FROM leash.sessions WHERE pid = pg_backend_pid() \gset
COMMIT;
\endif
\set ECHO all
SELECT :'recorded' AS recorded, :'cut' AS cut, :'opener' AS opener, :'tags' AS tags, :'long_tag' AS long_tag;
