let event = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => { event += chunk; });
process.stdin.on('end', () => console.log(`{"echo":${event}}`));
