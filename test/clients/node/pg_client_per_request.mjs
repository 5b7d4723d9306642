// A client is made, connected and ended for each request: there is no pool.
import pg from 'pg';
import { end, goesOn, say, think } from './story.mjs';

async function handleRequest(id) {
    const client = new pg.Client();
    await client.connect();
    const { rows } = await client.query('SELECT status FROM orders WHERE id = $1', [id]);
    await client.end();
    return rows[0].status;
}

async function work(worker) {
    for (let turn = 1; goesOn(); turn++) {
        await handleRequest(worker * 100 + (turn % 100));
        await think(5);
    }
}

say('ready');
await Promise.all([1, 2, 3].map(work));
await end;
say('done');
