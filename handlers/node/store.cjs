// Which event the running code belongs to, and what is kept for it: awslambda.InvokeStore.
'use strict';

const { env } = process;

/** Several events at once, if Lambda says how many; then nothing of one event may be global. */
const CONCURRENCY = Number(env.AWS_LAMBDA_MAX_CONCURRENCY) || 0;

/** Where there may be several events, each asynchronous context has its own. */
const storage = CONCURRENCY ? new (require('async_hooks').AsyncLocalStorage)() : undefined;

/** Else there is one at a time: the last one, until the next. */
let current;

/** The event at hand, as an Invocation, and its fields in the store, once somebody has asked for them. */
const running = () => (storage ? storage.getStore() : current);

const event = () => running()?.invocation;

function runWith(entry, go) {
  if (storage) return storage.run(entry, go);
  current = entry;
  return go();
}

/** The fields that are Lambda's. Their symbols are those of AWS's library @aws/lambda-invoke-store. */
const PROTECTED_KEYS = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
};

/** What AWS's runtime has as `awslambda.InvokeStore`, and libraries use instead of globals. */
class InvokeStore {
  static PROTECTED_KEYS = PROTECTED_KEYS;

  getContext() {
    const entry = running();
    return entry && (entry.fields ??= fieldsOf(entry.invocation));
  }

  hasContext() {
    return this.getContext() !== undefined;
  }

  get(key) {
    return this.getContext()?.[key];
  }

  set(key, value) {
    if (Object.values(PROTECTED_KEYS).includes(key)) {
      throw new Error(`${String(key)} is Lambda's own field of the invoke store, and cannot be set`);
    }
    const fields = this.getContext();
    if (fields) fields[key] = value;
    else if (storage) throw new Error('There is no event, and so nothing in the invoke store: call set() from a handler');
    else current = { fields: { [key]: value } };
  }

  run(fields, go) {
    return runWith({ invocation: event(), fields }, go);
  }

  getRequestId() {
    return this.get(PROTECTED_KEYS.REQUEST_ID) ?? '-';
  }

  getXRayTraceId() {
    return this.get(PROTECTED_KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(PROTECTED_KEYS.TENANT_ID);
  }
}

const fieldsOf = (invocation) => ({
  [PROTECTED_KEYS.REQUEST_ID]: invocation.id,
  [PROTECTED_KEYS.X_RAY_TRACE_ID]: invocation.headers['lambda-runtime-trace-id'],
  [PROTECTED_KEYS.TENANT_ID]: invocation.tenantId,
});

/** Runs this as part of the event. */
const runInvocation = (invocation, go) => runWith({ invocation, fields: undefined }, go);

module.exports = { CONCURRENCY, InvokeStore, event, runInvocation };
