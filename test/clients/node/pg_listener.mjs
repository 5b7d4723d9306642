// A session that waits for notifications, for days if need be.
import pg from 'pg';
import { end, say } from './story.mjs';

const client = new pg.Client();
await client.connect();
client.on('notification', ({ channel, payload }) => say('notified', channel, payload));
await client.query('LISTEN orders');
say('ready');
await end;
await client.end();
