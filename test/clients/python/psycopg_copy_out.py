"""COPY TO STDOUT whose rows are not read to the end: the consumer hangs."""
import psycopg
from story import end, say

connection = psycopg.connect()
cursor = connection.cursor()
with cursor.copy("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT") as copy:
    copy.read()
    say("ready")
    end()  # say, the disk that it writes to is full
