// Errors, as AWS's runtime tells them: to Lambda, to X-Ray, and in the log.
'use strict';

const { format, types } = require('util');

/** An error that has one of the official names; its stack is that of its cause. */
function fault(name, message, cause) {
  const error = new Error(message);
  const stack = cause?.stack ?? error.stack.replace(/^Error: /, '');
  error.name = `Runtime.${name}`;
  error.stack = `${error.name}: ${stack}`;
  return error;
}

const isError = (value) =>
  types.isNativeError(value) || ['name', 'message', 'stack'].every((key) => typeof value?.[key] === 'string');

/** Any value that was thrown, as text. */
const text = (value) => (isError(value) ? String(value) : format(value));

/** Lambda's front end takes no DEL; AWS's runtime writes it so. */
const clean = (words) => String(words).replace(/\x7f/g, '%7F');

/** Frames of this adapter, and of what has called it. */
const OWN_FRAME = /^ +at .*[/(]lambda-stdio\.cjs:/;

/** The lines of a stack that are the user's: above what has called it, and below what it has called of this adapter. */
function frames(stack) {
  const lines = String(stack).split('\n');
  const first = lines.findIndex((line) => /^ +at /.test(line));
  let own = first < 0 ? lines.length : first;
  while (OWN_FRAME.test(lines[own])) own += 1;
  if (own < lines.length) lines.splice(first, own - first);
  const caller = lines.findIndex((line) => OWN_FRAME.test(line));
  return caller < 0 ? lines : lines.slice(0, caller);
}

/** The error object. Whatever the error is or does, there is one. */
function describe(error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: clean(text(error)), trace: [] };
    const { name, message, stack } = error;
    return { errorType: clean(name) || 'Error', errorMessage: clean(message), trace: frames(clean(stack)) };
  } catch {
    // A getter has thrown, or there is no text of it. The words are AWS's.
    const errorMessage =
      'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';
    return { errorType: 'handled', errorMessage, trace: [] };
  }
}

/** The most that goes into a header for X-Ray: of text, of words, of frames, and in all. bootstrap cuts at 16 KiB. */
const LONGEST_TEXT = 500;
const LONGEST_WORD = 200;
const MOST_FRAMES = 20;
const LONGEST_LINE = 1000;
const MOST_LINES = 1000;
const LONGEST_CAUSE = 15_000;

/** The same for X-Ray: one line of JSON, in ASCII. */
function cause({ errorType, errorMessage, trace }) {
  const stack = trace.slice(0, MOST_LINES).flatMap((line) => {
    const frame = /^\s*at (?:(.*) \()?(?:file:\/\/)?(.*?)(?::(\d+))?(?::\d+)?\)?$/.exec(line.slice(0, LONGEST_LINE));
    const [, label, path, number] = frame ?? [];
    const word = (words) => words.slice(0, LONGEST_WORD);
    return path ? [{ path: word(path), line: Number(number) || 0, label: word(label || 'anonymous') }] : [];
  });
  stack.length = Math.min(stack.length, MOST_FRAMES);
  const json = (frames) => {
    const exception = { type: errorType.slice(0, LONGEST_WORD), message: errorMessage.slice(0, LONGEST_TEXT), stack: frames };
    const paths = [...new Set(frames.map((frame) => frame.path))];
    const whole = { working_directory: workingDirectory(), exceptions: [exception], paths };
    return JSON.stringify(whole).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  };
  const all = json(stack);
  return all.length > LONGEST_CAUSE ? json([]) : all;
}

function workingDirectory() {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

/** The same for the log: one line of JSON, with the error's own properties and those of errors in it. */
function inFull(error) {
  const whole = isError(error) ? error : Object.assign(new Error(text(error)), { stack: `Error: ${text(error)}` });
  const replacer = (_, value) => {
    if (!types.isNativeError(value)) return value;
    const { name, message, code, stack } = value;
    const lines = typeof stack === 'string' ? { stack: frames(stack) } : {};
    return { errorType: name, errorMessage: message, code, ...value, ...lines };
  };
  return JSON.stringify(whole, replacer);
}

module.exports = { cause, describe, fault, frames, inFull, isError, text };
