"""asyncpg's pool as it comes: ten connections, made at the start, of which one is used."""
import asyncio
import os

import asyncpg
from story import goes_on, say


async def main():
    pool = await asyncpg.create_pool(server_settings={"application_name": os.environ["PGAPPNAME"]})
    say("ready")
    while goes_on():
        async with pool.acquire() as connection:
            await connection.fetchval("SELECT status FROM orders WHERE id = $1", 1)
        await asyncio.sleep(0.1)
    await pool.close()
    say("done")


asyncio.run(main())
