-- Everything else rests on this.  When it fails: put pg_leash into
-- shared_preload_libraries of the server that is tested, and restart it.
SELECT CASE
         WHEN current_setting('shared_preload_libraries') ~ '\mpg_leash\M' THEN 'pg_leash is preloaded'
         ELSE 'pg_leash is NOT preloaded: add it to shared_preload_libraries and restart the server'
       END AS preload;
SELECT rolsuper AS "run by a superuser" FROM pg_roles WHERE rolname = current_user;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
-- the library that the server runs is the one that the SQL was made for
SELECT leash.library_version() = extversion AS "versions agree" FROM pg_extension WHERE extname = 'pg_leash';
SELECT count(*) AS "rows of leash.connections" FROM leash.connections;
SELECT count(*) AS "own session" FROM leash.sessions WHERE pid = pg_backend_pid();
