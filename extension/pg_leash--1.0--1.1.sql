/* extension/pg_leash--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION pg_leash UPDATE TO '1.1'" to load this file. \quit

-- Else the first function that it does not have would be missed, with no remedy named.
DO $$
BEGIN
    IF leash.library_version() = '1.0' THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = 'the server still runs version 1.0 of the library pg_leash',
            HINT = 'Restart the server so that it loads the one that is installed, then try again.';
    END IF;
END
$$;

CREATE FUNCTION leash.get_duration_histograms(
    OUT application_name text,
    OUT usename name,
    OUT datname name,
    OUT measure text,
    OUT at_most_seconds double precision,
    OUT samples bigint,
    OUT total_seconds double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_duration_histograms'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.duration_histograms AS
SELECT * FROM leash.get_duration_histograms();

COMMENT ON VIEW leash.duration_histograms IS
'how many statements and idle periods of each application lasted how long at most, as cumulative histograms';

CREATE FUNCTION leash.get_reap_totals(
    OUT policy text,
    OUT kind text,
    OUT mode text,
    OUT outcome text,
    OUT decisions bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'leash_get_reap_totals'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp;

CREATE VIEW leash.reap_totals AS
SELECT * FROM leash.get_reap_totals() ORDER BY decisions DESC;

COMMENT ON VIEW leash.reap_totals IS
'decisions about sessions since the server started, by policy, kind of leak, mode and outcome';

-- As for the other views: the get_* functions keep EXECUTE for PUBLIC, since a view's
-- functions are checked against who reads the view.
GRANT EXECUTE ON FUNCTION leash.get_duration_histograms() TO pg_monitor;
GRANT EXECUTE ON FUNCTION leash.get_reap_totals() TO pg_monitor;
GRANT SELECT ON leash.duration_histograms, leash.reap_totals TO pg_monitor;
