// A client, and with it a pool, is made for each request, and never disconnected.
import { PrismaPg } from '@prisma/adapter-pg';
import prismaClient from '@prisma/client';
import { end, say } from './story.mjs';

async function handleRequest(id) {
    // What node-postgres would close after ten seconds is kept for five minutes.
    const adapter = new PrismaPg({ idleTimeoutMillis: 300_000 });
    const prisma = new prismaClient.PrismaClient({ adapter });
    const order = await prisma.order.findUnique({ where: { id } });
    return order.status; // no prisma.$disconnect()
}

for (let id = 1; id <= 14; id++) {
    await handleRequest(id);
}
say('ready');
await end;
process.exit();
