"""A long statement; its program is killed while it runs."""
import psycopg
from story import say

connection = psycopg.connect()
say("ready")
connection.execute("SELECT pg_advisory_xact_lock(42)")
say("done")
