// A result is streamed with a cursor: one long transaction that is read all the time.
import pg from 'pg';
import Cursor from 'pg-cursor';
import { end, goesOn, say, think } from './story.mjs';

const client = new pg.Client();
await client.connect();
await client.query('BEGIN READ ONLY');
const cursor = client.query(new Cursor('SELECT a.id FROM orders a, orders b'));
say('ready');
while (goesOn()) {
    const rows = await cursor.read(10);
    await think(50); // what is done with them
    if (rows.length === 0) break;
}
await cursor.close();
await client.query('COMMIT');
await end;
await client.end();
say('done');
