// Calling the handler: what it returns, what it calls back with, and what it throws. The first of them is the answer.
'use strict';

const { isStreaming, streamFor } = require('./awslambda.cjs');
const { Invocation, exit, inFlight } = require('./invocation.cjs');
const { logError } = require('./log.cjs');
const { CONCURRENCY, event, runInvocation } = require('./store.cjs');

const { env } = process;

const [MAJOR] = process.versions.node.split('.').map(Number);

/** Gives the handler this event. */
function call(handler, headers, body) {
  const invocation = new Invocation(headers);
  if (!CONCURRENCY) {
    if (headers['lambda-runtime-trace-id']) env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
    else delete env._X_AMZN_TRACE_ID;
  }
  runInvocation(invocation, () => begin(handler, invocation, body));
}

function begin(handler, invocation, body) {
  try {
    const context = invocation.context();
    const parsed = JSON.parse(body.utf8Slice());
    if (isStreaming(handler)) stream(handler, invocation, parsed, context);
    else answer(handler, invocation, parsed, context);
  } catch (error) {
    invocation.fail(error);
  }
}

function stream(handler, invocation, parsed, context) {
  invocation.stream = streamFor(invocation, handler);
  const promise = handler(parsed, invocation.stream, context);
  if (!isPromise(promise)) return invocation.fail('Streaming does not support non-async handlers.');
  const keep = (result) => {
    if (result !== undefined) console.warn('Streaming handlers ignore return values.');
    invocation.stream.keep();
  };
  promise.then(keep, (error) => invocation.fail(error));
}

function answer(handler, invocation, parsed, context) {
  let decided = false;
  const first = (decide) => (...words) => {
    if (decided) return;
    decided = true;
    decide(...words);
  };
  const isGiven = (error) => error !== undefined && error !== null;
  const done = (error, result) => (isGiven(error) ? invocation.fail(error) : invocation.respond(result));
  const callback = (error, result) => {
    const waits = (context.callbackWaitsForEmptyEventLoop ?? true) && !CONCURRENCY;
    if (isGiven(error) || !waits) done(error, result);
    else invocation.result = result;
  };
  Object.assign(context, {
    done: first(done),
    succeed: first((result) => invocation.respond(result)),
    fail: first((error) => invocation.fail(error)),
  });
  try {
    const result = handler(parsed, context, first(callback));
    if (isPromise(result)) {
      invocation.promised = true;
      result.then(context.succeed, context.fail);
    } else if (result !== undefined && !isHandle(result) && !decided) {
      invocation.result = result;
      if (isFinal(handler)) context.succeed(result);
    }
  } catch (error) {
    context.fail(error);
  }
}

const isPromise = (value) => typeof value?.then === 'function';

/** What `(event, context) => setTimeout(…)` returns is no answer: a timer, a request, a child, a server. */
const isHandle = (value) => ['ref', 'on'].some((method) => typeof value?.[method] === 'function');

/**
 * Whether a value that a handler has returned, and no promise, is the answer at once, as in AWS's runtime for Node.js 24.
 * A handler that may still call back, be it only by its context in AWS's older runtimes, has its time for that: the value
 * counts when nothing else is left to do.
 */
const isFinal = (handler) => handler.length < (MAJOR < 24 ? 2 : 3);

/** An error that nobody caught: that of the event it comes from. */
function uncaught(error, title, status) {
  const invocation = event();
  if (invocation?.isInFlight) invocation.fail(error, title);
  else logError(title, error);
  // As with AWS's runtime, the process is not trusted any more; unless there are other events in it.
  if (!CONCURRENCY) exit(status);
}

/** Nothing is left to do, and what is in flight will get no other answer. */
const finishAll = () => inFlight.forEach((invocation) => invocation.finish());

module.exports = { call, finishAll, uncaught };
