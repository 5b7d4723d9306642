-- leash.connections: one row that agrees with the server.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SET track_activities = on;
SELECT count(*) AS rows FROM leash.connections;
SELECT max_connections = current_setting('max_connections')::integer AS max_connections,
       reserved >= current_setting('superuser_reserved_connections')::integer AS reserved,
       free = max_connections - used AS free,
       used >= active + idle + idle_in_transaction AS used,
       active >= 1 AS active, authenticating >= 0 AS authenticating,
       opened_total >= 0 AS opened_total
  FROM leash.connections;
SELECT refused_total = refused_too_many_clients + refused_reserved_slots + refused_role_limit
                     + refused_database_limit + refused_authentication + refused_unavailable AS refused_total,
       (refused_total = 0) = (refused_last_at IS NULL) AS refused_last_at,
       slow_statements_total >= 0 AS slow_statements_total, slow_statements_lost >= 0 AS slow_statements_lost,
       stats_reset < clock_timestamp() AS stats_reset
  FROM leash.connections;

-- reset of the one leaves the other
SELECT stats_reset AS before FROM leash.connections \gset
SELECT leash.reset('connections');
SELECT peak_used >= 1 AS peak_used, peak_at > :'before' AS peak_at, stats_reset > :'before' AS stats_reset
  FROM leash.connections;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
SELECT 'slow';
SET pg_leash.slow_statement_threshold = -1;
SELECT slow_statements_total >= 2 AS slow_statements_total FROM leash.connections;
SELECT leash.reset('connections');
SELECT slow_statements_total >= 2 AS slow_statements_total FROM leash.connections;
