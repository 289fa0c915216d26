// The adapter for Node.js: runs `handler(event, context, callback)` functions as AWS's own runtime does.
//
// bootstrap hands it to node in place of a program, with FILE and NAME, the function that FILE exports, as arguments. They
// speak messages: events on stdin, answers on stdout. The other files here are its parts; src/handler/adapters.rs puts
// them together.
'use strict';

// First of all: what is printed from here on is a line of the log.
const pipes = require('./pipes.cjs');
const Module = require('module');
const { HttpResponseStream, isStreaming, streamifyResponse } = require('./awslambda.cjs');
const { call, finishAll, uncaught } = require('./call.cjs');
const { describe, fault, text } = require('./errors.cjs');
const { takeFrom } = require('./invocation.cjs');
const { loadHandler } = require('./load.cjs');
const { setUpConsole } = require('./log.cjs');
const { CONCURRENCY, InvokeStore } = require('./store.cjs');

const [file, name] = process.argv.slice(-2);
const { env } = process;

/** Leaves the user's code what a program in a file has: -e adds globals, and would be handed on to children. */
function hideEvaluation() {
  const known = ['console', 'crypto', 'process'];
  const added = [...Module.builtinModules, 'module', 'exports', 'require', '__filename', '__dirname'];
  for (const name of added) if (!known.includes(name)) delete globalThis[name];
  process.execArgv = [];
  // Many a module asks whether it is the program, and not a part of one. It must be a file, and none of the user's.
  process.argv.splice(1, process.argv.length, process.execPath);
}

/** What AWS's runtime has and a program has not. */
function addGlobals() {
  env.AWS_EXECUTION_ENV ??= `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`;
  if (!['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
    globalThis.awslambda.InvokeStore = new InvokeStore();
  }
}

/** Tells bootstrap how the start went, on a line of its own: what was loaded before may have printed the beginning of one. */
const say = (line) => pipes.write(pipes.answers, `\n${line}\n`);

let ready = false;

function initError(error) {
  say(JSON.stringify(describe(error)));
  process.exit(1);
}

process.on('uncaughtException', (error) => (ready ? uncaught(error, 'Uncaught Exception', 129) : initError(error)));
process.on('unhandledRejection', (reason, promise) => {
  const error = Object.assign(fault('UnhandledPromiseRejection', text(reason), reason), { reason, promise });
  ready ? uncaught(error, 'Unhandled Promise Rejection', 128) : initError(error);
});
process.on('beforeExit', finishAll);

function start(handler) {
  ready = true;
  const greeting = CONCURRENCY ? `lambda-stdio/1 ready concurrency=${CONCURRENCY}` : 'lambda-stdio/1 ready';
  say(greeting);
  // While bootstrap fetches the first event: to load these takes a while.
  const { Socket } = require('net');
  if (isStreaming(handler)) require('./stream.cjs');
  const read = pipes.messageReader((headers, body) => call(handler, headers, body));
  const buffer = Buffer.allocUnsafe(65536);
  const onread = { buffer, callback: (length) => (read(buffer.subarray(0, length)), true) };
  takeFrom(new Socket({ fd: pipes.events, readable: true, writable: false, onread }));
}

// When the evaluation is over, Node puts a global back. And not ready at once: promises that were rejected while loading
// are seen first.
setImmediate(() => {
  hideEvaluation();
  addGlobals();
  setUpConsole();
  loadHandler({ file, name }).then((handler) => setImmediate(start, handler), initError);
});
