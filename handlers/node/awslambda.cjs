// The global `awslambda`, by which handlers say that they stream.
'use strict';

const { fault } = require('./errors.cjs');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

/** The status, the headers and the cookies of an HTTP response go before its body, behind which no more can be said. */
const HttpResponseStream = {
  from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    const json = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (put) => {
      put(json);
      put(Buffer.alloc(8));
    };
    return stream;
  },
};

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = options.highWaterMark;
  return handler;
}

/** Whether a handler streams: what AWS's own library, or this one, has marked. */
function isStreaming(handler) {
  const kind = handler[STREAMING];
  if (kind && kind !== 'response') throw fault('MalformedStreamingHandler', 'Only response streaming is supported.');
  return Boolean(kind);
}

/** The stream of a handler's answer. What it takes is loaded for those that stream: it takes a while. */
function streamFor(invocation, handler) {
  const { ResponseStream } = require('./stream.cjs');
  return new ResponseStream(invocation, Number(handler[HIGH_WATER_MARK]) || undefined);
}

module.exports = { HttpResponseStream, isStreaming, streamFor, streamifyResponse };
