// The log: `console` as AWS's runtime has it, and the lines about errors.
'use strict';

const { format } = require('util');
const { describe, frames, inFull, isError, text } = require('./errors.cjs');
const { log, write } = require('./pipes.cjs');
const { CONCURRENCY, event } = require('./store.cjs');

const { env } = process;

/** Where lines of several events meet, each must say whose it is in a form that can be read: as AWS's does it. */
const JSON_FORMAT = CONCURRENCY > 0 || env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';

function setUpConsole() {
  const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
  const least = levels.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
  const line = JSON_FORMAT ? jsonLine : textLine;
  levels.forEach((level, index) => {
    // Without a word, AWS's writes `undefined`.
    const say = (word, ...words) => write(log, line(level, [word, ...words]), '\n');
    console[level.toLowerCase()] = index < least ? () => {} : say;
  });
  console.log = console.info;
}

function textLine(level, words) {
  const line = `${new Date().toISOString()}\t${event()?.id}\t${level}\t${withoutOwnFrames(format(...words))}`;
  // On Lambda a line feed would begin another entry of the log.
  return env.AWS_LAMBDA_RUNTIME_API ? line.replace(/\n/g, '\r') : line;
}

/** Frames of this adapter, and of what has called it. */
const OWN_FRAMES = /\n +at [^\n]*[/(]lambda-stdio\.cjs:[^\n]*(?:\n +at [^\n]*)*/g;

/** A text less those of the stacks in it. Behind the last frame of an error, its properties begin. */
function withoutOwnFrames(words) {
  if (!words.includes('lambda-stdio.cjs:')) return words;
  return words.replace(OWN_FRAMES, (own) => (own.endsWith(' {') ? ' {' : ''));
}

function jsonLine(level, words) {
  const { id: requestId, tenantId } = event() ?? {};
  const line = { timestamp: new Date().toISOString(), level, requestId, tenantId };
  const errorFields = (error) => ({
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? frames(error.stack) : [],
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
  return JSON.stringify({ ...line, message: withoutOwnFrames(format(...words)), ...(error && errorFields(error)) });
}

/** One entry about an error, as AWS's runtime writes it, through `console` as it writes it: libraries listen there. */
function logError(title, error) {
  try {
    if (JSON_FORMAT) console.error(isError(error) ? error : new Error(text(error)));
    else console.error(title, `\t${inFull(error)}`);
  } catch {
    write(log, textLine('ERROR', [title, `\t${JSON.stringify(describe(error))}`]), '\n');
  }
}

module.exports = { logError, setUpConsole };
