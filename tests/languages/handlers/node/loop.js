const readline = require('readline');

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => console.log(`{"echo":${line}}`));
