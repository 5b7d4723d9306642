// A service with two routes; on one of them the way out through an early return forgets to
// release its client, so that the pool opens another one for the next request.
import pg from 'pg';
import { end, goesOn, say, think } from './story.mjs';

const pool = new pg.Pool({ max: 1000, idleTimeoutMillis: 0 });
pool.on('error', () => {});

const show = (id) => pool.query('SELECT status FROM orders WHERE id = $1', [id]);

async function cancel(id) {
    const client = await pool.connect();
    const { rows } = await client.query(
        "/*route='%2Forders%2Fcancel'*/ SELECT status FROM orders WHERE id = $1 AND status <> 'sent'", [id]);
    if (rows[0].status === 'new') {
        return; // no client.release()
    }
    client.release();
}

let refused = 0;
for (let id = 1; goesOn(); id++) {
    try {
        await (id % 2 === 0 ? cancel(id % 1000 || 1000) : show(id % 1000));
        await think(20);
    } catch (error) {
        if (error.code !== '53300') throw error; // too many clients
        if (++refused === 20) say('refused');
        await think(50);
    }
}
await end;
process.exit();
