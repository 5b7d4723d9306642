"""A pool that keeps ten connections ready, of which nobody has needed most so far."""
from psycopg_pool import ConnectionPool
from story import end, say

pool = ConnectionPool(min_size=10, max_size=20)
pool.wait()
with pool.connection() as connection:
    connection.execute("SELECT status FROM orders WHERE id = 1")
say("ready")
end()
pool.close()
say("done")
