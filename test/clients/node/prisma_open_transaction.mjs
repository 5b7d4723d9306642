// An interactive transaction waits for something that does not come.  Prisma gives one up
// after five seconds, which somebody has raised to an hour.
import { AsyncLocalStorage } from 'node:async_hooks';
import { PrismaPg } from '@prisma/adapter-pg';
import prismaClient from '@prisma/client';
import { end, say } from './story.mjs';

const request = new AsyncLocalStorage();
const prisma = new prismaClient.PrismaClient({
    adapter: new PrismaPg({}),
    comments: [() => ({ route: request.getStore()?.route })],
});

const answerOfTheBank = () => new Promise(() => {});

function pay(id) {
    return prisma.$transaction(
        async (transaction) => {
            await transaction.order.update({ where: { id }, data: { status: 'paid' } });
            say('waits');
            await answerOfTheBank();
        },
        { maxWait: 60_000, timeout: 3_600_000 },
    );
}

for (const id of [701, 702]) {
    request.run({ route: '/orders/:id/pay' }, () => pay(id)).catch((error) => say('lost', error.message));
}
await end;
process.exit();
