"""A report that takes its time, and has a large result."""
import psycopg
from story import say

connection = psycopg.connect(autocommit=True)
say("ready")
connection.execute("SELECT id, repeat(status, 30000) FROM sales").fetchall()
say("done")
