// The least that a runtime in Node.js can do: raw sockets, no handler process, no function, an answer that is the event's own
// bytes. Its start-up is that of Node.js itself.
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const socket = require('net').connect(port, host);
socket.setNoDelay(true);

const next = 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: lambda\r\n\r\n';
let seen = '';

socket.on('data', (part) => {
  seen += part.toString('latin1');
  const end = seen.indexOf('\r\n\r\n') + 4;
  if (end < 4) return;
  const head = seen.slice(0, end);
  const length = Number(/content-length: (\d+)/i.exec(head)[1]);
  if (seen.length < end + length) return;
  const id = /lambda-runtime-aws-request-id: (\S+)/i.exec(head);
  const body = seen.slice(end);
  seen = '';
  if (id) {
    const post = `POST /2018-06-01/runtime/invocation/${id[1]}/response HTTP/1.1\r\nHost: lambda\r\n`;
    socket.write(`${post}Content-Length: ${length}\r\n\r\n${body}`, 'latin1');
  } else {
    socket.write(next);
  }
});
socket.write(next);
