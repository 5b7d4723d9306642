// A small pool for requests, and for each line a job that does all of its work at once, each
// piece on a connection of its own.
import { createInterface } from 'node:readline';
import pg from 'pg';
import { say, think } from './story.mjs';

const pool = new pg.Pool({ max: 2 });
let goesOn = true;

async function serve() {
    while (goesOn) {
        await pool.query('SELECT status FROM orders WHERE id = 1');
        await think(20);
    }
}

async function job(pieces) {
    const clients = await Promise.all(
        Array.from({ length: pieces }, async () => {
            const client = new pg.Client();
            await client.connect();
            return client;
        }),
    );
    await Promise.all(clients.map((client) => client.query('SELECT pg_sleep(0.3)')));
    await Promise.all(clients.map((client) => client.end()));
    say('fanned out');
}

createInterface({ input: process.stdin })
    .on('line', (pieces) => job(Number(pieces)))
    .on('close', () => (goesOn = false));
say('ready');
await serve();
await pool.end();
