// The pipes to bootstrap: events come in by one, messages go out by the other. Descriptors 0 to 2 are left to the function.
'use strict';

const fs = require('fs');

// stdin and stdout are opened once more, for messages; Node's descriptors are closed at exec, so that no child gets them.
// An open takes the lowest free number: what was closed just before.
const events = fs.openSync('/proc/self/fd/0', 'r');
const answers = fs.openSync('/proc/self/fd/1', 'w');
fs.closeSync(0);
fs.openSync('/dev/null', 'r');
fs.closeSync(1);
fs.openSync('/proc/self/fd/2', 'a');
// The log's own: whatever becomes of process.stdout, writing to this one waits until all is written.
const log = fs.openSync('/proc/self/fd/2', 'a');

/** Writes all of it before it returns. */
function write(descriptor, ...pieces) {
  const data = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
  for (let at = 0; at < data.length; ) at += fs.writeSync(descriptor, data, at);
}

/** Messages' pipe once more, for streams: what does not fit into it is written as the reader makes room. */
let patient;
let socket;
let unwritten = 0;
const waiting = [];

/** Puts this on its way to bootstrap, and calls `done` when it is written. What is put later comes later. */
function writeSoon(data, done) {
  patient ??= fs.openSync(`/proc/self/fd/${answers}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  let at = 0;
  try {
    while (unwritten === 0 && at < data.length) at += fs.writeSync(patient, data, at);
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  }
  if (at === data.length) return done();
  const { Socket } = require('net');
  socket ??= new Socket({ fd: patient, readable: false, writable: true });
  unwritten += 1;
  socket.write(data.subarray(at), () => {
    unwritten -= 1;
    done();
    if (unwritten === 0) waiting.splice(0).forEach((go) => go());
  });
}

/** Calls this when nothing that was given to `writeSoon` is left. */
function whenWritten(go) {
  if (unwritten === 0) go();
  else waiting.push(go);
}

/** Cuts what comes in, piece by piece, into messages. A piece is only valid until the function returns. */
function messageReader(deliver) {
  const nothing = Buffer.alloc(0);
  let head = nothing;
  let headers;
  let body;
  let filled;
  return (piece) => {
    for (;;) {
      if (!body) {
        head = head.length > 0 ? Buffer.concat([head, piece]) : piece;
        const blank = /\r?\n\r?\n/.exec(head.latin1Slice());
        if (!blank) {
          head = Buffer.from(head);
          return;
        }
        headers = {};
        for (const line of head.utf8Slice(0, blank.index).split('\n')) {
          const colon = line.indexOf(':');
          headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
        }
        piece = head.subarray(blank.index + blank[0].length);
        head = nothing;
        body = Buffer.allocUnsafe(Number(headers['content-length']));
        filled = 0;
      }
      const taken = piece.copy(body, filled);
      piece = piece.subarray(taken);
      filled += taken;
      if (filled < body.length) return;
      const message = body;
      body = undefined;
      deliver(headers, message);
      if (piece.length === 0) return;
    }
  };
}

module.exports = { events, answers, log, write, writeSoon, whenWritten, messageReader };
