// A pool as large as somebody once thought it should be, warmed up, and used by two.
import pg from 'pg';
import { end, goesOn, say, think } from './story.mjs';

const size = Number(process.argv[2]);
const pool = new pg.Pool({ max: size, idleTimeoutMillis: 0 });
pool.on('error', (error) => say('lost', error.message));

const clients = await Promise.all(Array.from({ length: size }, () => pool.connect()));
for (const client of clients) client.release();

async function work(worker) {
    for (let turn = 1; goesOn(); turn++) {
        await pool.query('SELECT status FROM orders WHERE id = $1', [worker * 100 + (turn % 100)]);
        await think(10);
    }
}

say('ready');
await Promise.all([1, 2].map(work));
await end;
await pool.end();
say('done');
