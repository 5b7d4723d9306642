// A busy pool whose clients never rest for long; for each line it forgets to release one.
import { createInterface } from 'node:readline';
import pg from 'pg';
import { say, think } from './story.mjs';

const pool = new pg.Pool({ max: 15 });
let goesOn = true;

async function work() {
    while (goesOn) {
        await pool.query('SELECT status FROM orders WHERE id = 1');
        await think(1);
    }
}

createInterface({ input: process.stdin })
    .on('line', async () => {
        const client = await pool.connect();
        await client.query('SELECT status FROM orders WHERE id = 2');
        say('forgotten'); // no client.release()
    })
    .on('close', () => (goesOn = false));
say('ready');
await Promise.all([work(), work(), work()]);
process.exit();
