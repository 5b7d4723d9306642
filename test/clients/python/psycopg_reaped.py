"""A transaction is left open; later its program wants to go on with it."""
import psycopg
from story import end, say


def status_of(connection, order):
    return connection.execute("SELECT status FROM orders WHERE id = %s", [order]).fetchone()[0]


connection = psycopg.connect()
connection.execute("UPDATE orders SET status = 'paid' WHERE id = %s", [912])
say("ready")
end()
try:
    status_of(connection, 912)
except psycopg.OperationalError as error:
    say("lost", error.sqlstate, error)
    connection.close()
with psycopg.connect() as connection:
    say("goes on", status_of(connection, 912))
