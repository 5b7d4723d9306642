// What the test clients share: a line to whoever started the program, and its end.
import { createInterface } from 'node:readline';

export const say = (...words) => console.log(...words);

export const think = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Resolves when whoever started the program has no more to say.
let over = false;
export const end = new Promise((resolve) => {
    createInterface({ input: process.stdin }).on('close', () => resolve((over = true)));
});
export const goesOn = () => !over;
