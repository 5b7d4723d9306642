"""A result is streamed row by row, and the consumer of the rows hangs."""
import psycopg
from story import end, say

connection = psycopg.connect(autocommit=True)
rows = connection.cursor().stream("SELECT id, repeat('x', 1000) FROM generate_series(1, 100000) AS id")
next(rows)
say("ready")
end()
