"""COPY FROM STDIN whose rows come slowly, but come."""
import itertools

import psycopg
from story import goes_on, say, think

with psycopg.connect() as connection:
    with connection.cursor().copy("COPY orders (id, status) FROM STDIN") as copy:
        say("ready")
        for order in itertools.count(3001):
            copy.write_row((order, "new" * 1000))
            think(0.02)
            if not goes_on():
                break
say("done")
