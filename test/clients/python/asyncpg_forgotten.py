"""Connections are acquired from asyncpg's pool, and never released."""
import asyncio
import os

import asyncpg
from story import end, say


async def status_of(pool, order):
    connection = await pool.acquire()  # no pool.release()
    return await connection.fetchval("SELECT status FROM orders WHERE id = $1", order)


async def main():
    settings = {"application_name": os.environ["PGAPPNAME"]}
    pool = await asyncpg.create_pool(max_size=15, server_settings=settings)
    for order in range(15):
        await status_of(pool, order)
    say("ready")
    await asyncio.get_running_loop().run_in_executor(None, end)
    os._exit(0)


asyncio.run(main())
