//! What a Node.js handler calls back with, and what it returns: the first of it is the answer.

use super::{calling_back, handling, major, script};
use serde_json::Value;

#[test]
fn a_callback_gives_a_result_or_an_error() {
    let function =
        calling_back("setTimeout(() => callback(event.error && new TypeError(event.error), { ok: 1 }), 5);").start();
    assert_eq!(function.call("{}").response_text(), "{\"ok\":1}");
    assert_eq!(function.call("{\"error\":\"bad\"}").error("TypeError"), "bad");
    assert_eq!(function.call("{}").response_text(), "{\"ok\":1}");
}

#[test]
fn a_callback_waits_for_what_is_under_way_unless_told_otherwise() {
    let body = "context.callbackWaitsForEmptyEventLoop = event.waits;
      callback(null, globalThis.done);
      setTimeout(() => globalThis.done = true, event.ms);";
    let function = calling_back(body).start();
    assert_eq!(function.call(r#"{"waits":true,"ms":30}"#).json(), Value::Null);
    assert_eq!(function.call(r#"{"waits":false,"ms":3600000}"#).json(), true);
}

#[test]
fn a_handler_that_never_answers_answers_null_when_nothing_is_under_way() {
    calling_back("setTimeout(() => {}, 5);").event("{}").expect_response("null").run();
}

#[test]
fn a_promise_that_never_settles_is_an_error_and_the_process_lives_on() {
    let function = handling("if (event) await new Promise(() => {}); return process.pid;").start();
    let pid = function.call("0").json();
    assert!(function.call("1").error("Runtime.NodeJsExit").contains("never settled"));
    assert_eq!(function.call("0").json(), pid);
}

#[test]
fn the_contexts_own_callbacks() {
    let function = calling_back("context[event.how](...event.args);").start();
    assert_eq!(function.call(r#"{"how":"succeed","args":[1]}"#).response_text(), "1");
    assert_eq!(function.call(r#"{"how":"done","args":[null,2]}"#).response_text(), "2");
    assert_eq!(function.call(r#"{"how":"fail","args":["why"]}"#).error("string"), "why");
}

/// A handler, and its answer: JSON, or what its error's message holds.
#[track_caller]
fn answers(handler: &str, answer: Result<&str, &str>) {
    let function = script(&format!("exports.handler = {handler};")).start();
    let seen = function.call("{}");
    match answer {
        Ok(answer) => assert_eq!(seen.response_text(), answer, "{handler}"),
        Err(message) => {
            let body = seen.json();
            let error = body["errorMessage"].as_str().unwrap_or_else(|| panic!("{handler}: {body}"));
            assert!(error.contains(message), "{handler}: {body}");
        }
    }
}

#[test]
fn the_first_of_callback_done_succeed_fail_and_the_promise_wins() {
    answers("async (e, c, cb) => { cb(null, 1); }", Ok("1"));
    answers("async (e, c, cb) => { cb(null, 1); return 2; }", Ok("1"));
    answers("async (e, c, cb) => { cb(null, 1); throw new Error('late'); }", Ok("1"));
    answers("async (e, c, cb) => { cb(new Error('first')); return 2; }", Err("first"));
    answers("async (e, c) => { c.succeed(1); return 2; }", Ok("1"));
    answers("async (e, c) => { c.done(null, 1); throw new Error('late'); }", Ok("1"));
    answers("async (e, c) => { c.fail(new Error('first')); return 2; }", Err("first"));
    answers("async (e, c, cb) => { setTimeout(() => cb(null, 2), 5); return 1; }", Ok("1"));
    answers("(e, c, cb) => { cb(null, 1); cb(null, 2); c.succeed(3); }", Ok("1"));
    answers("(e, c, cb) => { cb(null, 1); throw new Error('late'); }", Ok("1"));
    answers("(e, c, cb) => { c.succeed(1); cb(new Error('late')); }", Ok("1"));
    answers("(e, c) => { c.fail(); c.succeed(1); }", Err("handled"));
    // A result that cannot be JSON is decided on, too.
    answers("(e, c) => { c.succeed(1n); c.succeed(1); }", Err("BigInt"));
}

#[test]
fn a_value_that_is_no_promise_is_the_answer() {
    answers("(e) => ({ a: 1 })", Ok("{\"a\":1}"));
    answers("() => 'text'", Ok("\"text\""));
    answers("() => null", Ok("null"));
    answers("() => 0", Ok("0"));
    answers("(e) => ({ then: 7 })", Ok("{\"then\":7}"));
    answers("(e) => ({ then(keep) { setTimeout(keep, 5, 1); } })", Ok("1"));
    answers("() => { throw new Error('at once'); }", Err("at once"));
    // What is under way does not keep a handler from answering that has no other way to answer.
    answers("(e) => { setInterval(() => {}, 3600000); return 7; }", Ok("7"));
}

#[test]
fn a_value_is_no_answer_where_the_handler_calls_back() {
    answers("(e, c) => setTimeout(() => c.succeed(1))", Ok("1"));
    answers("(e, c) => setImmediate(() => c.succeed(1))", Ok("1"));
    answers("(e, c, cb) => require('fs').stat('/', () => cb(null, 1))", Ok("1"));
    answers("(e, c) => require('child_process').exec('true', () => c.succeed(1))", Ok("1"));
    answers("(e, c, cb) => { setTimeout(() => cb(null, 1), 5); return 2; }", Ok("1"));
    // With nothing else left to come, it is all that there is.
    answers("(e, c, cb) => 2", Ok("2"));
    // AWS's runtimes before that for Node.js 24 wait for the context's own callbacks.
    let answer = if major() < 24 { "1" } else { "2" };
    answers("(e, c) => { setTimeout(() => c.succeed(1), 5); return 2; }", Ok(answer));
}
