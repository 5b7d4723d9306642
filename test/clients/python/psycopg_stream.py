"""A result is streamed with a server-side cursor: one long transaction, read all the time."""
import psycopg
from story import goes_on, say, think

with psycopg.connect() as connection:
    with connection.cursor(name="report") as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT a.id FROM orders a, orders b")
        say("ready")
        for number, row in enumerate(cursor):
            if number % 10 == 0:
                think(0.05)  # what is done with them
            if not goes_on():
                break
say("done")
