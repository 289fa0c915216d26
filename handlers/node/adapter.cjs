// The adapter for Node.js: runs `handler(event, context, callback)` functions as AWS's own runtime does.
//
// bootstrap hands it to node in place of a program, with FILE and NAME, the function that FILE exports, as arguments. They
// speak messages: events on stdin, answers on stdout. A global `awslambda` serves handlers that stream.
'use strict';

const fs = require('fs');
const Module = require('module');
const net = require('net');
const { Writable } = require('stream');
const { pathToFileURL } = require('url');
const { format, types } = require('util');

const [, FILE, NAME] = process.argv;
const { env } = process;

/** Several events at once, if Lambda says how many; then nothing of one event may be global. */
const CONCURRENCY = Number(env.AWS_LAMBDA_MAX_CONCURRENCY) || 0;
/** The event that the running code belongs to, where there may be several. */
const store = CONCURRENCY ? new (require('async_hooks').AsyncLocalStorage)() : undefined;
/** The last event, where there is one at a time. */
let current;
const event = () => (store ? store.getStore() : current);

const inFlight = new Set();

/** What is the same in the context of every event. */
const FUNCTION = {
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
  functionName: env.AWS_LAMBDA_FUNCTION_NAME,
  memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
};

/** What Lambda allows a function, in milliseconds. */
const LONGEST_TIME = 15 * 60 * 1000;

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

// --- Pipes ----------------------------------------------------------------------------------------------------------

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

function write(descriptor, ...pieces) {
  const data = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
  for (let at = 0; at < data.length; ) at += fs.writeSync(descriptor, data, at);
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
        head = Buffer.concat([head, piece]);
        const blank = /\r?\n\r?\n/.exec(head.latin1Slice());
        if (!blank) return;
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
    }
  };
}

// --- Errors ---------------------------------------------------------------------------------------------------------

/** An error that has one of the official names; its stack is that of its cause. */
function fault(name, message, cause) {
  const error = new Error(message);
  error.name = `Runtime.${name}`;
  error.stack = `${error.name}: ${cause?.stack ?? message}`;
  return error;
}

const isError = (value) =>
  types.isNativeError(value) || ['name', 'message', 'stack'].every((key) => typeof value?.[key] === 'string');

/** Any value that was thrown, as text. */
const text = (value) => (isError(value) ? String(value) : format(value));

/** An error object, without the lines of the stack that are this file's and that of its callers. */
function describe(error) {
  if (!isError(error)) return { errorMessage: text(error), errorType: typeof error, stackTrace: [] };
  const lines = String(error.stack).split('\n');
  const own = lines.findIndex((line) => /^ +at .*\blambda-stdio\.cjs:/.test(line));
  const stackTrace = own < 0 ? lines : lines.slice(0, own);
  return { errorMessage: String(error.message), errorType: String(error.name) || 'Error', stackTrace };
}

// --- An event's answer ----------------------------------------------------------------------------------------------

/** An event that is in flight, until it is answered by the first of respond, fail, and a stream's end. */
class Invocation {
  constructor(headers) {
    this.headers = headers;
    this.id = headers['lambda-runtime-aws-request-id'];
    this.tenantId = headers['lambda-runtime-aws-tenant-id'] || undefined;
    inFlight.add(this);
    // While the user's code is at work, only what it has started keeps the loop going: see finish().
    input.unref();
  }

  settle() {
    if (!inFlight.delete(this) || inFlight.size > 0) return;
    input.ref();
    if (input.readableEnded) process.exit(0);
  }

  write(head, body) {
    write(answers, `Lambda-Runtime-Aws-Request-Id: ${this.id}\n${head}Content-Length: ${body.length}\n\n`, body);
    this.settle();
  }

  respond(result) {
    if (!inFlight.has(this)) return;
    if (result instanceof Uint8Array) return this.write('Content-Type: application/octet-stream\n', result);
    let json;
    try {
      json = JSON.stringify(result === undefined ? null : result);
    } catch (error) {
      return this.fail(fault('MarshalError', `Unable to stringify response body: ${error.message}`, error));
    }
    if (json === undefined) return this.fail(fault('MarshalError', `A ${typeof result} cannot be made JSON`));
    this.write('Content-Type: application/json\n', Buffer.from(json));
  }

  fail(error) {
    if (!inFlight.has(this)) return;
    const description = describe(error ?? 'handled');
    if (this.stream?.begun) return this.stream.breakOff(description);
    const body = Buffer.from(JSON.stringify(description));
    const type = description.errorType.replace(/[^ -~]/g, '?');
    this.write(`Lambda-Runtime-Function-Error-Type: ${type}\n`, body);
  }

  /** Nothing is left that could make the user's code go on. */
  finish() {
    if (this.stream) return this.fail(new Error('Response stream is not finished.'));
    this.respond(this.result);
  }

  /** What the handler gets as its context. */
  context() {
    const { headers } = this;
    const deadline = Number(headers['lambda-runtime-deadline-ms']);
    // A deadline in the past is an emulator's way to say that there is none.
    const end = deadline > Date.now() ? deadline : Date.now() + LONGEST_TIME;
    return {
      callbackWaitsForEmptyEventLoop: true,
      ...FUNCTION,
      clientContext: this.parse('ClientContext', headers['lambda-runtime-client-context']),
      identity: this.parse('CognitoIdentity', headers['lambda-runtime-cognito-identity']),
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      awsRequestId: this.id,
      tenantId: this.tenantId,
      getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
    };
  }

  parse(name, json) {
    try {
      return json ? JSON.parse(json) : undefined;
    } catch (error) {
      throw new Error(`Cannot parse ${name} as json: ${error}`);
    }
  }
}

/** A streamed answer: what is written goes out at once, or, with several events at once, at the end, in one piece. */
class ResponseStream extends Writable {
  constructor(invocation, highWaterMark) {
    super({ highWaterMark });
    this.invocation = invocation;
    this.contentType = 'application/octet-stream';
    this.begun = false;
    this.held = [];
  }

  setContentType(contentType) {
    if (this.begun) throw fault('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.contentType = contentType;
  }

  write(chunk, ...rest) {
    return super.write(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, encoding, done) {
    this.begin();
    this.chunk(chunk);
    done();
  }

  _final(done) {
    this.begin();
    this.finish('');
    done();
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    this.put(
      `Lambda-Runtime-Aws-Request-Id: ${this.invocation.id}\nContent-Type: ${this.contentType}\n` +
        'Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\n\n',
    );
    if (this.prelude !== undefined) {
      this.chunk(Buffer.from(this.prelude));
      this.chunk(Buffer.alloc(8));
    }
  }

  chunk(data) {
    // An empty chunk would be the end.
    if (data.length > 0) this.put(`${data.length.toString(16)}\r\n`, data, '\r\n');
  }

  put(...pieces) {
    // What is written after the answer was given up must not get into the next one.
    if (!inFlight.has(this.invocation)) return;
    if (CONCURRENCY) this.held.push(...pieces);
    else write(answers, ...pieces);
  }

  finish(trailers) {
    this.put(`0\r\n${trailers}\r\n`);
    if (inFlight.has(this.invocation)) write(answers, ...this.held);
    this.invocation.settle();
  }

  /** Ends the answer with an error. */
  breakOff({ errorMessage, errorType, stackTrace }) {
    const body = JSON.stringify({ errorMessage: errorMessage.slice(0, 8000), errorType, stackTrace });
    const name = 'Lambda-Runtime-Function-Error';
    this.finish(`${name}-Type: ${errorType.replace(/[^ -~]/g, '?')}\r\n${name}-Body: ${body}\r\n`);
    this.destroy();
  }
}

const HttpResponseStream = {
  from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    stream.prelude = JSON.stringify(prelude);
    return stream;
  },
};

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = options.highWaterMark;
  return handler;
}

// --- Calling the handler --------------------------------------------------------------------------------------------

function call(handler, headers, body) {
  const invocation = new Invocation(headers);
  if (store) return store.run(invocation, begin, handler, invocation, body);
  current = invocation;
  if (headers['lambda-runtime-trace-id']) env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  else delete env._X_AMZN_TRACE_ID;
  begin(handler, invocation, body);
}

function begin(handler, invocation, body) {
  const fail = (error) => invocation.fail(error);
  try {
    const context = invocation.context();
    const parsed = JSON.parse(body.utf8Slice());
    if (handler[STREAMING]) {
      invocation.stream = new ResponseStream(invocation, handler[HIGH_WATER_MARK]);
      const result = handler(parsed, invocation.stream, context);
      if (typeof result?.then !== 'function') return fail('Streaming does not support non-async handlers.');
      result.then(undefined, fail);
      return;
    }
    const done = (error, result) => (error === undefined || error === null ? invocation.respond(result) : fail(error));
    const callback = (error, result) => {
      if ('result' in invocation) return;
      const waits = context.callbackWaitsForEmptyEventLoop && !CONCURRENCY;
      if (!waits || (error !== undefined && error !== null)) done(error, result);
      invocation.result = result;
    };
    Object.assign(context, { done, succeed: (result) => done(null, result), fail });
    const result = handler(parsed, context, callback);
    if (typeof result?.then === 'function') result.then(context.succeed, fail);
  } catch (error) {
    fail(error);
  }
}

/** An error that nobody caught: that of the event it comes from. */
function uncaught(error, status) {
  const invocation = event();
  if (invocation && inFlight.has(invocation)) invocation.fail(error);
  else console.error('Uncaught', error);
  // As with AWS's runtime, the process is not trusted any more; unless there are other events in it.
  if (!CONCURRENCY) process.exit(status);
}

// --- The log --------------------------------------------------------------------------------------------------------

function setUpConsole() {
  const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  const least = levels.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
  const line = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON' ? jsonLine : textLine;
  levels.forEach((level, index) => {
    console[level.toLowerCase()] = index < least ? () => {} : (...words) => write(log, line(level, words), '\n');
  });
  console.log = console.info;
}

function textLine(level, words) {
  const line = `${new Date().toISOString()}\t${event()?.id}\t${level}\t${format(...words)}`;
  // On Lambda a line feed would begin another entry of the log.
  return env.AWS_LAMBDA_RUNTIME_API ? line.replace(/\n/g, '\r') : line;
}

function jsonLine(level, words) {
  const { id: requestId, tenantId } = event() ?? {};
  const line = { timestamp: new Date().toISOString(), level, requestId, tenantId };
  const errorFields = (error) => ({
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
  });
  if (words.length === 1) {
    try {
      const replacer = (_, value) => (value instanceof Error ? { ...errorFields(value), ...value } : value);
      return JSON.stringify({ ...line, message: words[0] }, replacer);
    } catch {
      // It is no JSON: it goes in as text.
    }
  }
  const error = words.length > 1 && words.find((word) => word instanceof Error);
  return JSON.stringify({ ...line, message: format(...words), ...(error && errorFields(error)) });
}

// --- The process ----------------------------------------------------------------------------------------------------

/** Leaves the user's code what a program in a file has: -e adds globals, and would be handed on to children. */
function hideEvaluation() {
  const known = ['console', 'crypto', 'process'];
  const added = [...Module.builtinModules, 'module', 'exports', 'require', '__filename', '__dirname'];
  for (const name of added) if (!known.includes(name)) delete globalThis[name];
  process.execArgv = [];
}

/** What FILE exports. Node itself knows a module from a script; import() is for what it cannot load at once, or is too old to. */
function exportsOf(file) {
  try {
    return require(file);
  } catch (error) {
    if (!/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(error?.code)) throw error;
    return import(pathToFileURL(file).href);
  }
}

async function loadHandler() {
  if (!env.NODE_PATH) {
    const [major] = process.versions.node.split('.');
    env.NODE_PATH = `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:${env.LAMBDA_TASK_ROOT}`;
    Module._initPaths();
  }
  globalThis.awslambda = { streamifyResponse, HttpResponseStream };
  let exported;
  try {
    exported = await exportsOf(FILE);
  } catch (error) {
    if (error instanceof SyntaxError) throw fault('UserCodeSyntaxError', String(error), error);
    if (/^(ERR_)?MODULE_NOT_FOUND$/.test(error?.code)) throw fault('ImportModuleError', String(error), error);
    throw error;
  }
  const handler = NAME.split('.').reduce((value, key) => value?.[key], exported);
  if (!handler) throw fault('HandlerNotFound', `${env._HANDLER} is undefined or not exported`);
  if (typeof handler !== 'function') throw fault('HandlerNotFound', `${env._HANDLER} is not a function`);
  if (handler[STREAMING] && handler[STREAMING] !== 'response') {
    throw fault('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  return handler;
}

let input;
let ready = false;

function initError(error) {
  write(answers, JSON.stringify(describe(error)));
  process.exit(1);
}

process.on('uncaughtException', (error) => (ready ? uncaught(error, 129) : initError(error)));
process.on('unhandledRejection', (reason) => {
  const error = fault('UnhandledPromiseRejection', text(reason), reason);
  ready ? uncaught(error, 128) : initError(error);
});
process.on('beforeExit', () => inFlight.forEach((invocation) => invocation.finish()));

function start(handler) {
  const read = messageReader((headers, body) => call(handler, headers, body));
  const buffer = Buffer.allocUnsafe(65536);
  const onread = { buffer, callback: (length) => (read(buffer.subarray(0, length)), true) };
  input = new net.Socket({ fd: events, readable: true, writable: false, onread });
  input.on('end', () => inFlight.size || process.exit(0));
  ready = true;
  write(answers, CONCURRENCY ? `lambda-stdio/1 ready concurrency=${CONCURRENCY}\n` : 'lambda-stdio/1 ready\n');
}

// When the evaluation is over, Node puts a global back. And not ready at once: promises that were rejected while loading
// are seen first.
setImmediate(() => {
  hideEvaluation();
  setUpConsole();
  loadHandler().then((handler) => setImmediate(start, handler), initError);
});
