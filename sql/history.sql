-- leash.history: whoever may read it, and what must hold in any row.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
RESET client_min_messages;
SELECT count(*) AS wrong FROM leash.history
 WHERE used_peak < used_mean OR used_peak < in_use_peak OR in_use_peak < active_peak
    OR in_use_peak < idle_in_transaction_peak OR busy_seconds < 0 OR opened < 0 OR statements < 0
    OR (blks_hit + blks_read > 0) <> (cache_hit_ratio IS NOT NULL) OR cache_hit_ratio NOT BETWEEN 0 AND 1
    OR covered > '2min' OR minute <> date_trunc('minute', minute) OR minute > clock_timestamp();
SELECT count(*) - count(DISTINCT minute) AS twice FROM leash.history;

CREATE ROLE regress_leash_monitor;
GRANT pg_monitor TO regress_leash_monitor;
CREATE ROLE regress_leash_signal;
GRANT pg_signal_backend TO regress_leash_signal;
CREATE ROLE regress_leash_granted;
GRANT USAGE ON SCHEMA leash TO regress_leash_granted;
GRANT SELECT ON leash.history TO regress_leash_granted;
CREATE ROLE regress_leash_nobody;
SET ROLE regress_leash_monitor;
SELECT count(*) >= 0 AS readable FROM leash.history;
SET ROLE regress_leash_granted;
SELECT count(*) >= 0 AS readable FROM leash.history;
\set VERBOSITY sqlstate
SET ROLE regress_leash_signal;
SELECT count(*) FROM leash.history;
SET ROLE regress_leash_nobody;
SELECT count(*) FROM leash.history;
\set VERBOSITY default
RESET ROLE;
-- what it is kept for can be changed at server start only
SET pg_leash.history_retention = '1d';
DROP OWNED BY regress_leash_monitor, regress_leash_signal, regress_leash_granted, regress_leash_nobody;
DROP ROLE regress_leash_monitor, regress_leash_signal, regress_leash_granted, regress_leash_nobody;
