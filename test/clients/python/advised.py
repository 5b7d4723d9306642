"""The pool that pgleash advises, by the text that it prints, asked for all at once."""
import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from story import end, say

ADVICE = os.environ["ADVICE"]
CROWD = "SELECT crowd(4)"


def all_at_once(ask):
    with ThreadPoolExecutor(30) as threads:
        for answer in [threads.submit(ask) for _ in range(30)]:
            answer.result()
    say("ready")
    end()


def psycopg_pool():
    from psycopg_pool import ConnectionPool

    names = {"ConnectionPool": ConnectionPool, "conninfo": ""}
    exec(ADVICE, names)
    pool = names["pool"]

    def ask():
        with pool.connection(timeout=600) as connection:
            connection.execute(CROWD)

    all_at_once(ask)
    pool.close()


def sqlalchemy():
    from sqlalchemy import create_engine, text

    names = {"create_engine": create_engine, "url": "postgresql+psycopg2://"}
    exec(ADVICE, names)
    engine = names["engine"]

    def ask():
        with engine.connect() as connection:
            connection.execute(text(CROWD))

    all_at_once(ask)
    engine.dispose()


async def ask_asyncpg():
    import asyncpg

    names = {"asyncpg": asyncpg, "dsn": None}
    # the text awaits its pool
    exec("async def make():\n    " + ADVICE.replace("\n", "\n    ") + "return pool\n", names)
    pool = await names["make"]()
    await asyncio.gather(*[pool.execute(CROWD) for _ in range(30)])
    say("ready")
    await asyncio.get_running_loop().run_in_executor(None, end)
    await pool.close()


{
    "psycopg_pool": psycopg_pool,
    "sqlalchemy": sqlalchemy,
    "asyncpg": lambda: asyncio.run(ask_asyncpg()),
}[sys.argv[1]]()
say("done")
