// One client for the whole process, whose transactions do not wait for anybody else.
import { PrismaPg } from '@prisma/adapter-pg';
import prismaClient from '@prisma/client';
import { end, goesOn, say, think } from './story.mjs';

const adapter = new PrismaPg({ max: 4, connectionTimeoutMillis: 10_000 });
// On a machine with too much to do, two and five seconds are soon over.
const transactionOptions = { maxWait: 60_000, timeout: 60_000 };
const prisma = new prismaClient.PrismaClient({ adapter, transactionOptions });

const pay = (id) =>
    prisma.$transaction(async (transaction) => {
        const order = await transaction.order.findUnique({ where: { id } });
        await think(20);
        await transaction.order.update({ where: { id: order.id }, data: { status: 'paid' } });
    });

const fail = () => prisma.$transaction((transaction) => transaction.$queryRaw`SELECT 1 / 0`);

async function work(worker) {
    for (let turn = 0; goesOn(); turn++) {
        await pay(600 + worker * 10 + (turn % 10));
        await prisma.order.count({ where: { status: 'new' } });
        await fail().catch(() => {});
        await think(30);
    }
}

// Prisma compiles each kind of query when it first meets it, and that may take a while.
const where = { id: 600 };
await prisma.order.findUnique({ where });
await prisma.order.update({ where, data: { status: 'new' } });
say('ready');
await Promise.all([1, 2, 3, 4].map(work));
await end;
await prisma.$disconnect();
say('done');
