"""A healthy pool: the blocks give connections back, and end the transactions."""
import threading

from psycopg_pool import ConnectionPool
from story import goes_on, say, think

pool = ConnectionPool(min_size=4, max_size=4)


def pay(order):
    with pool.connection() as connection:  # commits, or rolls back after an error
        connection.execute("SELECT status FROM orders WHERE id = %s FOR UPDATE", [order])
        think(0.02)
        connection.execute("UPDATE orders SET status = 'paid' WHERE id = %s", [order])


def fail():
    with pool.connection() as connection:
        connection.execute("SELECT 1 / 0")


def work(worker):
    turn = 0
    while goes_on():
        pay(100 + worker * 10 + turn % 10)
        try:
            fail()
        except Exception:
            pass
        think(0.03)
        turn += 1


workers = [threading.Thread(target=work, args=[worker]) for worker in range(6)]
for worker in workers:
    worker.start()
say("ready")
for worker in workers:
    worker.join()
pool.close()
say("done")
