const readline = require('readline');

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    console.log(`{"echo":${line}}`);
  }
})();
