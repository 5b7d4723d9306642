"""COPY FROM STDIN whose source dries up in the middle."""
import psycopg
from story import end, say

connection = psycopg.connect()
cursor = connection.cursor()
with cursor.copy("COPY orders (id, status) FROM STDIN") as copy:
    copy.write_row((2001, "new"))
    say("ready")
    end()  # a queue, another server, a user: it waits for the next row
