// A transaction is never ended: one way out of the function forgets COMMIT and release.
import pg from 'pg';
import { end, say } from './story.mjs';

const pool = new pg.Pool({ idleTimeoutMillis: 0 });

async function pay(id) {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query("UPDATE orders SET status = 'paid' WHERE id = $1", [id]);
    const { rows } = await client.query('SELECT status FROM orders WHERE id = $1', [id]);
    if (rows[0].status === 'paid') {
        return;
    }
    await client.query('COMMIT');
    client.release();
}

await pay(901);
await pay(902);
say('ready');
await end;
process.exit();
