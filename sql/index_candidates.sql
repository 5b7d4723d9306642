-- Index candidates: what slow statements read from start to end to filter by plain columns.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_leash;
SET pg_leash.track = on;
SET pg_leash.slow_statement_threshold = -1;
SET max_parallel_workers_per_gather = 0;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id integer PRIMARY KEY, customer integer, status text, "placed On" date, total numeric);
INSERT INTO shop.orders SELECT i, i % 5000, 'paid', '2026-01-01'::date + i % 365, i FROM generate_series(1, 20000) i;
CREATE TABLE shop.small AS SELECT i AS id FROM generate_series(1, 100) i;
CREATE TEMP TABLE passing AS SELECT i AS id FROM generate_series(1, 20000) i;
ANALYZE shop.orders, shop.small, passing;
CREATE TEMP VIEW mine AS
SELECT "table", columns, slow_statements, rows_scanned FROM leash.index_candidates
 WHERE datname = current_database() AND "table" ~ 'orders|small|passing' ORDER BY columns COLLATE "C";
SELECT leash.reset('slow_statements');

-- what counts: equality, a range, both, ANY, an expression on the other side
SET pg_leash.slow_statement_threshold = 0;
\o /dev/null
SELECT * FROM shop.orders WHERE customer = 17;
SELECT * FROM shop.orders o WHERE 18 = o.customer;
SELECT * FROM shop.orders WHERE "placed On" > '2026-12-30';
SELECT * FROM shop.orders WHERE customer = 17 AND "placed On" >= '2026-01-01' AND "placed On" < '2026-02-01';
SELECT * FROM shop.orders WHERE customer = ANY ('{1, 2}');
SELECT * FROM shop.orders WHERE total = (SELECT 5 + 0);
SELECT count(*) FROM shop.small s JOIN shop.orders o ON o.id = s.id WHERE o.customer = 3;
\o
SET pg_leash.slow_statement_threshold = -1;
SELECT * FROM mine;
SELECT evidence FROM leash.index_candidates WHERE columns = 'customer' AND datname = current_database();
SELECT query_id IS NOT NULL AS query_id, total_time > '0' AS total_time, last_seen <= clock_timestamp() AS last_seen, rows_kept
  FROM leash.index_candidates WHERE columns = 'customer' AND datname = current_database();

-- what does not: small and temporary tables, most of the rows, a function around the column,
-- OR, LIKE, an index that is there, no filter, a statement that is not slow
SELECT leash.reset('slow_statements');
SET pg_leash.slow_statement_threshold = 0;
\o /dev/null
SELECT * FROM shop.small WHERE id = 5;
SELECT * FROM passing WHERE id = 5;
SELECT * FROM shop.orders WHERE status = 'paid';
SELECT * FROM shop.orders WHERE abs(customer) = 5;
SELECT * FROM shop.orders WHERE customer = 5 OR total = 5;
SELECT * FROM shop.orders WHERE status LIKE 'x%y';
SELECT * FROM shop.orders WHERE id = 5;
SELECT count(*) FROM shop.orders;
SELECT * FROM pg_attribute WHERE attnum = -77;
\o
SET pg_leash.slow_statement_threshold = '1h';
SELECT count(*) FROM shop.orders WHERE customer = 18;
SET pg_leash.slow_statement_threshold = -1;
SELECT * FROM mine;

-- a table that is gone has no candidates
SET pg_leash.slow_statement_threshold = 0;
SELECT count(*) FROM shop.orders WHERE customer = 19;
SET pg_leash.slow_statement_threshold = -1;
SELECT count(*) FROM mine;
DROP VIEW mine;
DROP SCHEMA shop CASCADE;
SELECT count(*) FROM leash.index_candidates WHERE "table" ~ 'orders';
