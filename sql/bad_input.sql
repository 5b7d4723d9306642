-- What is not a session id, or no session, is answered in one clear line, and
-- nothing changes.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SELECT session_id AS own FROM leash.sessions WHERE pid = pg_backend_pid() \gset

-- an id that no session has, or has any more
SELECT leash.terminate('1.1');
SELECT leash.terminate('1.1', 'a reason', true);
SELECT leash.terminate('1.1', NULL, NULL);
SELECT leash.cancel('1.1');
SELECT leash.cancel('7fffffffffffffff.7fffffff', 'a reason');
-- the id of a process that is no client's session: the right pid does not suffice
SELECT leash.terminate('1.' || to_hex(pg_backend_pid()));
SELECT DISTINCT leash.terminate(to_hex(trunc(extract(epoch FROM backend_start))::bigint) || '.' || to_hex(pid))
  FROM pg_stat_activity WHERE backend_type = 'checkpointer';

-- what is no id
SELECT leash.terminate('nonsense');
SELECT leash.cancel('nonsense');
\set VERBOSITY sqlstate
SELECT leash.terminate('');
SELECT leash.terminate(' ');
SELECT leash.terminate('.');
SELECT leash.terminate('1.');
SELECT leash.terminate('.1');
SELECT leash.terminate('1.1 ');
SELECT leash.terminate(' 1.1');
SELECT leash.terminate('1.1.1');
SELECT leash.terminate('-1.1');
SELECT leash.terminate('1.-1');
SELECT leash.terminate('+1.1');
SELECT leash.terminate('0x1.1');
SELECT leash.terminate('1.0');
SELECT leash.terminate('0.1');
SELECT leash.terminate('1.g');
SELECT leash.terminate('1.ffffffffff');
SELECT leash.terminate('ffffffffffffffffff.1');
SELECT leash.terminate(repeat('1', 100000));
SELECT leash.terminate(pg_backend_pid()::text);
SELECT leash.cancel('1.g');
\set VERBOSITY default

-- NULL
SELECT leash.terminate(NULL);
SELECT leash.cancel(NULL);
\set VERBOSITY sqlstate
SELECT leash.terminate(NULL, 'a reason', true);
\set VERBOSITY default

-- oneself, also by capital letters
SELECT leash.terminate(:'own');
SELECT leash.terminate(upper(:'own'));
SELECT leash.terminate(:'own', 'a reason', true);
SELECT leash.cancel(:'own');

-- reset
SELECT leash.reset('nonsense');
\set VERBOSITY sqlstate
SELECT leash.reset('');
SELECT leash.reset('All');
\set VERBOSITY default
SELECT leash.reset(NULL) IS NULL AS "nothing to do";
SELECT leash.reset('slow_statements');
SELECT leash.reset('connections');
SELECT leash.reset('all');
SELECT leash.reset();
\set VERBOSITY sqlstate
SELECT leash.terminate();
