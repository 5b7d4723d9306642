// The pool that pgleash advises, by the text that it prints, asked for all at once.
import pg from 'pg';
import { end, say } from './story.mjs';

const pool = new Function('Pool', `${process.env.ADVICE}; return pool`)(pg.Pool);
await Promise.all(Array.from({ length: 30 }, () => pool.query('SELECT crowd(4)')));
say('ready', pool.listenerCount('error'));
await end;
await pool.end();
say('done');
