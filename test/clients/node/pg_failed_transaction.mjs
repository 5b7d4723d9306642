// A statement fails, the error is handled, and nobody rolls the transaction back.
import pg from 'pg';
import { end, say } from './story.mjs';

const pool = new pg.Pool({ idleTimeoutMillis: 0 });

async function margin(id) {
    const client = await pool.connect();
    try {
        await client.query('BEGIN');
        await client.query('SELECT status FROM orders WHERE id = $1', [id]);
        await client.query('SELECT 1 / 0');
        await client.query('COMMIT');
    } catch (error) {
        say('failed', error.message);
    } finally {
        client.release(); // back into the pool, the transaction still open
    }
}

await margin(903);
say('ready');
await end;
process.exit();
