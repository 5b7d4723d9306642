"""A result is streamed row by row, and each row takes its time: 200 kB a second."""
import psycopg
from story import goes_on, say, think

with psycopg.connect() as connection:
    rows = connection.cursor().stream("SELECT id, repeat('x', 1000) FROM generate_series(1, 100000) AS id")
    for number, row in enumerate(rows):
        if number == 0:
            say("ready")
        if number % 10 == 0:
            think(0.05)  # what is done with them
        if not goes_on():
            rows.close()  # cancels it
say("done")
