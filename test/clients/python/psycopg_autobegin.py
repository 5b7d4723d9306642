"""psycopg begins a transaction by itself, for a SELECT too; nobody ends this one."""
import psycopg
from story import end, say

connection = psycopg.connect()


def status_of(order):
    return connection.execute("SELECT status FROM orders WHERE id = %s", [order]).fetchone()[0]


status_of(1)
say("ready")
end()
