// A transaction is left open. When its session is ended, the program hears of it, drops
// the connection, and goes on with another one.
import pg from 'pg';
import { end, say } from './story.mjs';

const pool = new pg.Pool({ idleTimeoutMillis: 0 });
// A pooler between adds an error of its own, when the client is back in the pool already.
pool.on('error', () => {});

async function goOn(client, error) {
    say('lost', [error.code, error.message, error.detail, error.hint].join('|'));
    client.on('error', () => {});
    client.release(error); // not to be used again
    const { rows } = await pool.query('SELECT status FROM orders WHERE id = $1', [911]);
    say('goes on', rows[0].status);
}

const client = await pool.connect();
client.once('error', (error) => goOn(client, error));
await client.query('BEGIN');
await client.query("UPDATE orders SET status = 'paid' WHERE id = $1", [911]);
say('ready');
await end;
process.exit();
