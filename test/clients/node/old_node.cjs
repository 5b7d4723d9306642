// Prisma's generator colours what it prints by a function that Node.js 18 lacks.
const util = require('node:util');

util.styleText ??= (format, text) => text;
