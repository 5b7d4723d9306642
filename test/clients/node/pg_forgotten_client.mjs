// A client is taken from the pool for each request, and never given back.
import pg from 'pg';
import { end, say } from './story.mjs';

const pool = new pg.Pool({ max: 15, idleTimeoutMillis: 0 });

async function handleRequest(id) {
    const client = await pool.connect();
    const { rows } = await client.query('SELECT status FROM orders WHERE id = $1', [id]);
    return rows[0].status; // no client.release()
}

for (let id = 1; id <= 15; id++) {
    await handleRequest(id);
}
say('ready');
await end;
process.exit();
