// Streamed answers: what a handler writes goes out as it comes, as fast as it is taken.
'use strict';

const { Writable } = require('stream');
const { fault } = require('./errors.cjs');
const { headerOf } = require('./invocation.cjs');
const { answers, write, writeSoon } = require('./pipes.cjs');
const { CONCURRENCY } = require('./store.cjs');

const nothing = () => {};

/** With several events at once all goes out at the end, in one piece: chunks do not say whose they are. */
class ResponseStream extends Writable {
  constructor(invocation, highWaterMark) {
    super({ highWaterMark });
    this.invocation = invocation;
    this.contentType = 'application/octet-stream';
    this.begun = false;
    this.held = [];
    // The handler hears of an error by its own call. Nobody else need listen.
    this.on('error', nothing);
  }

  setContentType(contentType) {
    if (this.begun || this.writing) throw fault('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.contentType = contentType;
  }

  write(chunk, ...rest) {
    const data = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
    this.writing = true;
    return super.write(data, ...rest);
  }

  _write(chunk, encoding, done) {
    // An empty chunk would be the end.
    this.put(chunk.length > 0 ? [this.head(), ...inChunk(chunk)] : [this.head()], done);
  }

  _final(done) {
    this.put([this.head()], () => {
      done();
      this.ended = true;
      this.conclude();
    });
  }

  /** What goes before the first byte, and before others nothing. */
  head() {
    if (this.begun) return '';
    this.begun = true;
    const prelude = [];
    this._onBeforeFirstWrite?.((data) => prelude.push(...inChunk(Buffer.from(data))));
    const head =
      `${this.invocation.ids}Content-Type: ${this.contentType}\n` +
      'Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\n\n';
    return Buffer.concat([Buffer.from(head), ...prelude.map((piece) => Buffer.from(piece))]);
  }

  put(pieces, done = nothing) {
    // What is written after the answer was given up must not get into the next one.
    if (!this.invocation.isInFlight) return done();
    const data = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
    if (!CONCURRENCY) return writeSoon(data, done);
    this.held.push(data);
    done();
  }

  /** The handler's promise is kept. */
  keep() {
    this.kept = true;
    if (this.destroyed && !this.writableFinished) this.giveUp();
    else this.conclude();
  }

  /** The answer's end, which makes bootstrap ask for the next event, comes when the handler is done, too. */
  conclude() {
    if (this.kept && this.ended) this.finish('');
  }

  /** Nothing is left that could write, or end it. */
  giveUp() {
    if (this.ended) this.finish('');
    else this.invocation.fail(new Error('Response stream is not finished.'));
  }

  finish(trailers) {
    this.put([`0\r\n${trailers}\r\n`]);
    if (this.invocation.isInFlight) write(answers, ...this.held);
    this.invocation.settle();
  }

  /** Ends the answer with an error. */
  breakOff({ errorMessage, errorType, trace }) {
    const body = JSON.stringify({ errorType, errorMessage: errorMessage.slice(0, 8000), trace: trace.slice(0, 100) });
    const name = 'Lambda-Runtime-Function-Error';
    this.finish(`${name}-Type: ${headerOf(errorType)}\r\n${name}-Body: ${body}\r\n`);
    this.destroy();
  }
}

const inChunk = (data) => (data.length > 0 ? [`${data.length.toString(16)}\r\n`, data, '\r\n'] : []);

module.exports = { ResponseStream };
