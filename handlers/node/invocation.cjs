// One event: its context, and its answer, which is the first of a response, an error, and a stream's end.
'use strict';

const { cause, describe, fault } = require('./errors.cjs');
const { logError } = require('./log.cjs');
const { answers, whenWritten, write } = require('./pipes.cjs');

const { env } = process;

/** What is the same in the context of every event. */
const FUNCTION = {
  functionName: env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
};

/** AWS's runtime for Node.js 24 knows no callbacks. What calls back all the same waits, too. */
const WAITS = parseInt(process.versions.node) < 24 ? true : undefined;

/** What Lambda allows a function, in milliseconds. */
const LONGEST_TIME = 15 * 60 * 1000;

/** How long before the deadline bootstrap takes the event away. Of a time that is no longer, half is left. */
const MARGIN = /^\d+$/.test(env.HANDLER_DEADLINE_MARGIN_MS) ? Number(env.HANDLER_DEADLINE_MARGIN_MS) : 100;

/** On Lambda, errors are logged here, where they can be told in full, and bootstrap need not. */
const ON_LAMBDA = Boolean(env.AWS_LAMBDA_RUNTIME_API);

/** An error may be called anything; a header takes visible ASCII, and not without end. */
const headerOf = (errorType) => errorType.slice(0, 1000).replace(/[^ -~]/g, '?');

const inFlight = new Set();

/** The events' pipe as a stream, once there is one. */
let input;

/** Events come from this. */
function takeFrom(stream) {
  input = stream;
  input.on('end', () => inFlight.size || exit(0));
}

/** Ends the process when all that was answered is written. */
const exit = (status) => whenWritten(() => process.exit(status));

class Invocation {
  constructor(headers) {
    this.headers = headers;
    this.id = headers['lambda-runtime-aws-request-id'];
    // Two events with one request id may be in flight: only this tells them apart.
    const attempt = headers['lambda-runtime-invocation-id'];
    this.ids = `Lambda-Runtime-Aws-Request-Id: ${this.id}\n${attempt ? `Lambda-Runtime-Invocation-Id: ${attempt}\n` : ''}`;
    this.tenantId = headers['lambda-runtime-aws-tenant-id'] || undefined;
    inFlight.add(this);
    // While the user's code is at work, only what it has started keeps the loop going: see finish().
    input.unref();
  }

  get isInFlight() {
    return inFlight.has(this);
  }

  settle() {
    if (!inFlight.delete(this) || inFlight.size > 0) return;
    input.ref();
    if (input.readableEnded) exit(0);
  }

  write(head, body) {
    write(answers, `${this.ids}${head}Content-Length: ${body.length}\n\n`, body);
    this.settle();
  }

  respond(result) {
    if (!this.isInFlight) return;
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

  fail(error, title = 'Invoke Error') {
    if (!this.isInFlight) return;
    error ??= 'handled';
    if (ON_LAMBDA) logError(title, error);
    const description = describe(error);
    if (this.stream?.begun) return this.stream.breakOff(description);
    const lines = [
      `Lambda-Runtime-Function-Error-Type: ${headerOf(description.errorType)}\n`,
      `Lambda-Runtime-Function-XRay-Error-Cause: ${cause(description)}\n`,
      ON_LAMBDA ? 'Lambda-Stdio-Logged: true\n' : '',
    ];
    this.write(lines.join(''), Buffer.from(JSON.stringify(description)));
  }

  /** Nothing is left that could make the user's code go on. */
  finish() {
    if (this.stream) return this.stream.giveUp();
    if ('result' in this || !this.promised) return this.respond(this.result);
    const told = 'The handler has returned a promise that was never settled, and nothing is left that could settle it';
    this.fail(fault('NodeJsExit', `${told}: look for a callback that is never called, or an event that never comes`));
  }

  /** What the handler gets as its context. */
  context() {
    const { headers } = this;
    const began = Date.now();
    const deadline = Number(headers['lambda-runtime-deadline-ms']);
    // A deadline in the past is an emulator's way to say that there is none.
    const left = deadline > began ? deadline - began : LONGEST_TIME + MARGIN;
    const end = began + (left > MARGIN ? left - MARGIN : left / 2);
    // Written out: a spread is slow.
    return {
      callbackWaitsForEmptyEventLoop: WAITS,
      clientContext: this.parse('ClientContext', headers['lambda-runtime-client-context']),
      identity: this.parse('CognitoIdentity', headers['lambda-runtime-cognito-identity']),
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      awsRequestId: this.id,
      tenantId: this.tenantId,
      xRayTraceId: headers['lambda-runtime-trace-id'],
      functionName: FUNCTION.functionName,
      functionVersion: FUNCTION.functionVersion,
      memoryLimitInMB: FUNCTION.memoryLimitInMB,
      logGroupName: FUNCTION.logGroupName,
      logStreamName: FUNCTION.logStreamName,
      getRemainingTimeInMillis: () => Math.max(0, Math.floor(end - Date.now())),
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

module.exports = { Invocation, exit, headerOf, inFlight, takeFrom };
