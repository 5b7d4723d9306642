"""A pool of the right size, whose statements read a large table for a few of its rows."""
import threading

from psycopg_pool import ConnectionPool
from story import goes_on, say, think

pool = ConnectionPool(min_size=2, max_size=2)


def history_of(customer):
    with pool.connection() as connection:
        return connection.execute("SELECT * FROM events WHERE customer = %s", [customer]).fetchall()


def work(worker):
    turn = 0
    while goes_on():
        history_of(worker * 1000 + turn % 1000)
        think(0.02)
        turn += 1


workers = [threading.Thread(target=work, args=[worker]) for worker in range(2)]
for worker in workers:
    worker.start()
say("ready")
for worker in workers:
    worker.join()
pool.close()
say("done")
