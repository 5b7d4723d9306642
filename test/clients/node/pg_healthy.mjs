// A healthy pool: every client is released and every transaction ended, whatever happens.
import pg from 'pg';
import { end, goesOn, say, think } from './story.mjs';

const pool = new pg.Pool({ max: 4, connectionTimeoutMillis: 10_000 });
pool.on('error', (error) => say('lost', error.message));

async function inTransaction(work) {
    const client = await pool.connect();
    try {
        await client.query('BEGIN');
        const result = await work(client);
        await client.query('COMMIT');
        return result;
    } catch (error) {
        await client.query('ROLLBACK');
        throw error;
    } finally {
        client.release();
    }
}

const pay = (id) =>
    inTransaction(async (client) => {
        await client.query('SELECT status FROM orders WHERE id = $1 FOR UPDATE', [id]);
        await think(20);
        await client.query("UPDATE orders SET status = 'paid' WHERE id = $1", [id]);
    });

const fail = () => inTransaction((client) => client.query('SELECT 1 / 0'));

async function work(worker) {
    for (let turn = 0; goesOn(); turn++) {
        await pay(worker * 10 + (turn % 10));
        await pool.query('SELECT count(*) FROM orders WHERE status = $1', ['new']);
        await fail().catch(() => {});
        await think(30);
    }
}

say('ready');
await Promise.all([1, 2, 3, 4, 5, 6].map(work));
await end;
await pool.end();
say('done');
