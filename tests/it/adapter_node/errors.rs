//! Errors of Node.js handlers: the error object, X-Ray's cause, the log's entry.

use super::{handling, script};
use crate::harness::event::Answer;
use crate::harness::sandbox::TASK_ROOT;
use crate::harness::{Event, Function};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

#[test]
fn an_exception_is_an_error_whose_stack_is_the_users_own_and_the_process_lives_on() {
    let source = "exports.handler = async (event) => {\n  if (event) return process.pid;\n  deeper();\n};
const deeper = () => {\n  throw new TypeError('schön');\n};";
    let function = Function::empty().file("app.js", source).handler("app.handler").start();
    let pid = function.call("1").json();
    let answer = function.call("0");
    assert_eq!(answer.error("TypeError"), "schön");
    let keys: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["errorMessage", "errorType", "trace"]);
    let stack = answer.stack();
    assert_eq!(stack.len(), 3, "{stack:?}");
    assert_eq!(stack[0], "TypeError: schön");
    assert!(stack[1].contains("at deeper (") && stack[1].ends_with("app.js:6:9)"), "{stack:?}");
    assert!(stack[2].contains("handler (") && stack[2].ends_with("app.js:3:3)"), "{stack:?}");
    assert_eq!(function.call("1").json(), pid);
}

#[test]
fn a_stack_begins_with_who_has_called_the_adapter_wrongly() {
    let source = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('a');
  await wrong(stream);
});
const wrong = async (stream) => stream.setContentType('text/x');";
    let function = script(source).start();
    function.call("0").response();
    function.wait_log("Cannot set content-type");
    let log = function.stderr();
    let line = log.lines().find(|line| line.contains("Invoke Error")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("at wrong (") && line.contains("app.js:3:9") && !line.contains("lambda-stdio.cjs"), "{line}");
}

fn cause(answer: &Answer) -> Value {
    let header = answer.0.header("Lambda-Runtime-Function-XRay-Error-Cause").expect("a cause for X-Ray");
    assert!(header.len() < 64 * 1024 && header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header}");
    serde_json::from_str(header).unwrap_or_else(|e| panic!("{e}: {header}"))
}

#[test]
fn x_ray_is_told_the_path_the_line_and_the_label_of_each_frame() {
    let source =
        "const deeper = () => {\n  throw new TypeError('schön');\n};\nexport const handler = async () => deeper();\n";
    let function = super::node(source).start();
    let cause = cause(&function.call("0"));
    let path = Path::new(TASK_ROOT).join("app.mjs");
    let exception = &cause["exceptions"][0];
    assert_eq!((&exception["type"], &exception["message"]), (&json!("TypeError"), &json!("schön")));
    let labels = |frame: &Value| frame["label"].as_str().unwrap_or_default().to_owned();
    let frames = exception["stack"].as_array().expect("frames");
    assert_eq!(frames[0], json!({"path": path, "line": 2, "label": "deeper"}));
    assert_eq!((&frames[1]["path"], &frames[1]["line"]), (&json!(path), &json!(4)));
    assert!(labels(&frames[1]).contains("handler"), "{cause}");
    assert_eq!(cause["paths"], json!([path]));
    assert_eq!(cause["working_directory"], json!(TASK_ROOT));
}

#[test]
fn x_ray_is_told_little_enough_for_a_header() {
    let body = "const error = new Error('ö'.repeat(event));
      error.stack = 'Error\\n' + `    at ${'ö'.repeat(500)} (/${'ü'.repeat(500)}:1:2)\\n`.repeat(1000);
      throw error;";
    let answer = handling(body).start().call("10000");
    assert_eq!(cause(&answer)["exceptions"][0]["type"], "Error");
    assert_eq!(answer.stack().len(), 1002);
}

#[test]
fn whatever_is_thrown_is_an_error() {
    let function = handling("if (event) throw event; await Promise.reject();").start();
    assert_eq!(function.call("\"text\"").error("string"), "text");
    assert_eq!(function.call("7").error("number"), "7");
    assert_eq!(function.call("{\"a\":1}").error("object"), "{ a: 1 }");
    function.call("null").error("string");
    assert!(function.call("{x").error("SyntaxError").contains("in JSON at position"));
}

#[test]
fn errors_of_a_strange_kind_are_told_as_the_official_runtime_tells_them() {
    let function = script(
        "const strange = {
           getter: () => Object.defineProperty(new Error('x'), 'name', { get() { throw new Error('mine'); } }),
           delete: () => new RangeError('a\\x7fb'),
           number: () => Object.assign(new Error('x'), { message: 7 }),
           bare: () => Object.create(null),
           revoked: () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; },
           like: () => ({ name: 'Like', message: 'an error', stack: 'Like: an error\\n    at nowhere:1:1' }),
         };
         exports.handler = async (event) => { throw strange[event](); };",
    )
    .start();
    assert!(function.call("\"getter\"").error("handled").contains("a problem while retrieving"));
    assert_eq!(function.call("\"delete\"").error("RangeError"), "a%7Fb");
    assert_eq!(function.call("\"number\"").error("Error"), "7");
    function.call("\"bare\"").error("object");
    function.call("\"revoked\"").error("handled");
    let answer = function.call("\"like\"");
    assert_eq!((answer.error("Like").as_str(), answer.stack().len()), ("an error", 2));
}

#[test]
fn what_nobody_catches_is_the_error_of_the_event_in_flight() {
    let sleep = "await new Promise((resolve) => setTimeout(resolve, 60000));";
    let function = handling(&format!(
        "if (event === 1) setTimeout(() => {{ throw new RangeError('later'); }}, 1);
         if (event === 2) Promise.reject(new Error('unseen'));
         if (event) {sleep}
         return 'well';"
    ))
    .start();
    let id = function.send("1");
    assert_eq!(function.answer(&id).error("RangeError"), "later");
    function.wait_log(&format!("\t{id}\tERROR\tUncaught Exception \t{{\"errorType\":\"RangeError\""));
    assert_eq!(function.call("0").json(), "well");
    let id = function.send("2");
    assert_eq!(function.answer(&id).error("Runtime.UnhandledPromiseRejection"), "Error: unseen");
    function.wait_log(&format!("\t{id}\tERROR\tUnhandled Promise Rejection \t{{"));
    assert_eq!(function.call("0").json(), "well");
}

/// The log's lines that hold this.
#[track_caller]
fn lines_with(log: &str, text: &str) -> Vec<String> {
    log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

#[test]
fn an_error_is_one_entry_of_the_log_with_its_properties() {
    let function = handling(
        "const error = new RangeError('two\\nlines');
         throw Object.assign(error, { code: 'E7', order: { id: 7 }, inner: new TypeError('why') });",
    )
    .start();
    let id = function.send("{}");
    function.answer(&id).error("RangeError");
    function.wait_idle();
    function.wait_log("Invoke Error");
    let log = function.stderr();
    let lines = lines_with(&log, "Invoke Error");
    let [line] = lines.as_slice() else { panic!("{log}") };
    let (head, object) = line.split_once(" \t").expect("an object");
    assert!(head.ends_with(&format!("Z\t{id}\tERROR\tInvoke Error")), "{line}");
    let object: Value = serde_json::from_str(object).expect("JSON");
    assert_eq!((&object["errorType"], &object["errorMessage"]), (&json!("RangeError"), &json!("two\nlines")));
    assert_eq!((&object["code"], &object["order"]), (&json!("E7"), &json!({"id": 7})));
    assert_eq!(object["inner"]["errorType"], "TypeError");
    let stack = object["stack"].as_array().expect("a stack");
    assert_eq!((stack.len(), &stack[0]), (3, &json!("RangeError: two")), "{line}");
    assert!(!log.contains("lambda-stdio.cjs"), "{log}");
    assert_eq!(lines_with(&log, "RangeError").len(), 1, "told twice: {log}");
}

#[test]
fn an_error_in_the_json_log() {
    let function = handling("throw Object.assign(new RangeError('two\\nlines'), { code: 'E7' });")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .start();
    let id = function.send("{}");
    function.answer(&id).error("RangeError");
    function.wait_idle();
    function.wait_log("E7");
    let log = function.stderr();
    let lines: Vec<Value> =
        lines_with(&log, "E7").iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let own: Vec<_> = lines.iter().filter(|line| line["message"].is_object()).collect();
    let [line] = own.as_slice() else { panic!("{log}") };
    assert_eq!((&line["level"], &line["requestId"]), (&json!("ERROR"), &json!(id)));
    let message = &line["message"];
    assert_eq!((&message["errorType"], &message["code"]), (&json!("RangeError"), &json!("E7")));
    assert_eq!(message["stackTrace"].as_array().map(Vec::len), Some(3), "{log}");
}

#[test]
fn a_stack_that_a_handler_logs_is_the_users_own() {
    let function = script(
        "exports.handler = (event) => {
           console.error(Object.assign(new Error('logged'), { code: 'E7' }));
           return 1;
         };",
    )
    .start();
    assert_eq!(function.call("{}").json(), 1);
    function.wait_log("E7");
    let log = function.stderr();
    assert!(log.contains("Error: logged\r    at ") && log.contains("{\r  code: 'E7'\r}\n"), "{log}");
    assert!(!log.contains("lambda-stdio.cjs"), "{log}");
}

#[test]
fn process_exit_ends_the_process_and_the_next_event_has_a_new_one() {
    let function = handling("if (event) process.exit(3); return process.pid;").start();
    let pid = function.call("0").json();
    assert!(function.call("1").error("Runtime.ExitError").contains("status 3"));
    assert_ne!(function.call("0").json(), pid);
}

#[test]
fn no_answer_in_time_is_a_time_out_and_the_next_event_has_a_new_process() {
    let function = handling("if (event) for (;;); return 'quick';").start();
    function.call(Event::new("1").deadline_in(Duration::from_millis(400))).error("Runtime.InvokeTimeout");
    assert_eq!(function.call("0").json(), "quick");
}
