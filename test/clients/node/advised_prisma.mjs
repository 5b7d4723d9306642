// The adapter that pgleash advises, by the text that it prints, asked for all at once.
import { PrismaPg } from '@prisma/adapter-pg';
import prismaClient from '@prisma/client';
import { end, say } from './story.mjs';

const connectionString = `postgresql://${process.env.PGHOST}:${process.env.PGPORT}/postgres`;
const make = new Function('PrismaPg', 'connectionString', `${process.env.ADVICE}; return adapter`);
const prisma = new prismaClient.PrismaClient({ adapter: make(PrismaPg, connectionString) });
await Promise.all(Array.from({ length: 30 }, () => prisma.$queryRaw`SELECT crowd(4)`));
say('ready');
await end;
await prisma.$disconnect();
say('done');
