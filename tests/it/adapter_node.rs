//! Node.js functions, as AWS's own Node.js runtime has them: `app.handler` in app.js, app.mjs or app.cjs.

use crate::harness::files::{Folder, spawn};
use crate::harness::{Event, Function, Running, Shell, need};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A function whose app.mjs holds this.
fn node(source: &str) -> Function {
    Function::empty().file("app.mjs", source).handler("app.handler")
}

/// The same with these as the lines of its handler.
fn handling(body: &str) -> Function {
    node(&format!("export const handler = async (event, context) => {{\n{body}\n}};\n"))
}

/// A function in a script, with a callback.
fn calling_back(body: &str) -> Function {
    let source = format!("exports.handler = (event, context, callback) => {{\n{body}\n}};\n");
    Function::empty().file("app.js", source).handler("app.handler")
}

fn streaming(body: &str) -> Running {
    node(&format!("export const handler = awslambda.streamifyResponse(async (event, stream) => {{\n{body}\n}});\n"))
        .start()
}

// --- Calls ----------------------------------------------------------------------------------------------------------

#[test]
fn a_function_gets_the_event_and_its_result_is_the_answer() {
    let function = handling("return { hello: event.name, list: [1, 2.5, null, true], nothing: undefined };").start();
    let answer = function.call(r#"{"name":"Zoë \ud83d\ude00"}"#);
    assert_eq!(answer.response_text(), r#"{"hello":"Zoë 😀","list":[1,2.5,null,true]}"#);
    assert_eq!(answer.0.header("Content-Type"), Some("application/json"));
}

#[test]
fn every_kind_of_event_and_answer() {
    let function = handling("return event;").start();
    for value in ["null", "1", "\"text\"", "[]", "{}", "true", "\"\\u0000\"", "\"\\ud83d\""] {
        assert_eq!(function.call(value).response_text(), value);
    }
}

#[test]
fn modules_and_scripts_by_their_endings_and_by_package_json() {
    let script = "exports.handler = async () => typeof module + typeof exports;";
    let module = "export const handler = async () => typeof module + import.meta.url.slice(0, 5);";
    let waits = "const value = await Promise.resolve(7); export const handler = async () => value;";
    for (file, source, answer) in [
        ("app.js", script, "\"objectobject\""),
        ("app.cjs", script, "\"objectobject\""),
        ("app.mjs", module, "\"undefinedfile:\""),
        ("app.mjs", waits, "7"),
    ] {
        Function::empty().file(file, source).handler("app.handler").event("{}").expect_response(answer).run();
    }
    let package = Function::empty().file("sub/package.json", "{\"type\":\"module\"}").file("sub/app.js", module);
    package.handler("sub/app.handler").event("{}").expect_response("\"undefinedfile:\"").run();
}

#[test]
fn a_handler_in_an_object() {
    let function = Function::empty().file("app.js", "exports.orders = { create: { v2: async e => e } };");
    function.handler("app.orders.create.v2").event("5").expect_response("5").run();
}

#[test]
fn packages_are_found_beside_the_handler() {
    let function = Function::empty()
        .file("node_modules/near/index.js", "module.exports = 'near';")
        .file("app.mjs", "import near from 'near';\nexport const handler = async () => near;")
        .handler("app.handler");
    function.event("{}").expect_response("\"near\"").run();
}

#[test]
fn nothing_of_the_adapter_is_seen_by_the_users_code() {
    let names = "['require', 'module', 'exports', 'fs', 'net', 'write', 'call', 'input', 'current']";
    let body = format!(
        "return [{names}.filter((name) => {{ try {{ return eval(name) !== undefined }} catch {{}} }}),
      process.execArgv, crypto.subtle !== undefined];"
    );
    assert_eq!(handling(&body).start().call("{}").json(), json!([[], [], true]));
}

#[test]
fn three_megabytes_come_and_go() {
    let function = handling("return { length: event.length, same: event };").start();
    let text = "ö".repeat(1_500_000);
    let answer = function.call(format!("\"{text}\"")).json();
    assert_eq!(answer["length"], 1_500_000);
    assert!(answer["same"] == text.as_str());
}

// --- Callbacks ------------------------------------------------------------------------------------------------------

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
    handling("await new Promise(() => {});")
        .event("{}")
        .expect_response("null")
        .event("{}")
        .expect_response("null")
        .run();
}

#[test]
fn the_contexts_own_callbacks() {
    let function = calling_back("context[event.how](...event.args);").start();
    assert_eq!(function.call(r#"{"how":"succeed","args":[1]}"#).response_text(), "1");
    assert_eq!(function.call(r#"{"how":"done","args":[null,2]}"#).response_text(), "2");
    assert_eq!(function.call(r#"{"how":"fail","args":["why"]}"#).error("string"), "why");
}

// --- The context ----------------------------------------------------------------------------------------------------

#[test]
fn the_context_has_what_the_official_one_has() {
    let function = handling("return [context, context.getRemainingTimeInMillis() > 50000];")
        .env("AWS_LAMBDA_FUNCTION_NAME", "name")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "7")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
        .start();
    let event = Event::new("{}")
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:name")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant")
        .header("Lambda-Runtime-Client-Context", r#"{"custom":{"who":"Zoë"}}"#)
        .header("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#);
    let context = json!({
        "awsRequestId": event.id,
        "callbackWaitsForEmptyEventLoop": true,
        "clientContext": {"custom": {"who": "Zoë"}},
        "functionName": "name",
        "functionVersion": "7",
        "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
        "invokedFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:name",
        "logGroupName": "group",
        "logStreamName": "stream",
        "memoryLimitInMB": "128",
        "tenantId": "tenant",
    });
    assert_eq!(function.call(event).json(), json!([context, true]));
}

#[test]
fn a_deadline_in_the_past_is_none() {
    let function = handling("return context.getRemainingTimeInMillis() > 60000;").start();
    assert_eq!(function.call(Event::new("{}").deadline_header("600000")).json(), true);
}

#[test]
fn the_trace_id_is_in_the_environment_while_the_event_has_one() {
    let function = handling("return process.env._X_AMZN_TRACE_ID;").start();
    let traced = Event::new("{}").header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(function.call(traced).json(), "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(function.call("{}").json(), Value::Null);
}

// --- Results and streams --------------------------------------------------------------------------------------------

#[test]
fn a_result_that_cannot_be_json_is_a_marshal_error() {
    let function = handling("return [1n, event, () => 1][event];").start();
    assert!(function.call("0").error("Runtime.MarshalError").contains("BigInt"));
    assert_eq!(function.call("1").response_text(), "1");
    function.call("2").error("Runtime.MarshalError");
}

#[test]
fn bytes_are_posted_as_they_are() {
    let answer = handling("return Buffer.from([0, 255, 13, 10]);").start().call("{}");
    assert_eq!(answer.response(), b"\0\xff\r\n");
    assert_eq!(answer.0.header("Content-Type"), Some("application/octet-stream"));
}

#[test]
fn a_streamed_answer() {
    let function =
        streaming("stream.setContentType('text/x'); stream.write('ä'); stream.write(''); stream.end(Buffer.of(255));");
    let answer = function.call("{}");
    assert_eq!(answer.response(), b"\xc3\xa4\xff");
    assert_eq!(answer.0.header("Content-Type"), Some("text/x"));
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Response-Mode"), Some("streaming"));
}

#[test]
fn a_streamed_http_response_is_piped() {
    let function = streaming(
        "const { pipeline } = await import('node:stream/promises');
         stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });
         if (event) await pipeline(['a', 'b'], stream); else stream.end();",
    );
    let prelude = "{\"statusCode\":201,\"headers\":{\"x-a\":\"b\"}}\0\0\0\0\0\0\0\0";
    let answer = function.call("1");
    assert_eq!(answer.response_text(), format!("{prelude}ab"));
    assert_eq!(answer.0.header("Content-Type"), Some("application/vnd.awslambda.http-integration-response"));
    assert_eq!(function.call("0").response_text(), prelude);
}

#[test]
fn a_stream_may_fail_before_its_first_byte_and_after_and_must_be_ended() {
    let function = streaming("if (event) stream.write('a'); if (event < 2) throw new RangeError('no more');");
    assert_eq!(function.call("0").error("RangeError"), "no more");
    assert_eq!(function.call("1").response_text(), "a");
    function.wait_log("RangeError: no more");
    assert_eq!(function.call("2").response_text(), "a");
    function.wait_log("Response stream is not finished.");
    assert_eq!(function.call("0").error("RangeError"), "no more");
}

#[test]
fn what_is_streamed_too_late_is_no_answer_to_the_next_event() {
    let function = streaming(
        "if (!event) { setTimeout(() => stream.end('late'), 20); throw new Error('early'); }
         await new Promise((resolve) => setTimeout(resolve, 60));
         stream.end('right');",
    );
    assert_eq!(function.call("0").error("Error"), "early");
    assert_eq!(function.call("1").response_text(), "right");
}

// --- Errors ---------------------------------------------------------------------------------------------------------

#[test]
fn an_exception_is_an_error_whose_stack_is_the_users_own_and_the_process_lives_on() {
    let source = "exports.handler = async (event) => {\n  if (event) return process.pid;\n  deeper();\n};
const deeper = () => {\n  throw new TypeError('schön');\n};";
    let function = Function::empty().file("app.js", source).handler("app.handler").start();
    let pid = function.call("1").json();
    let answer = function.call("0");
    assert_eq!(answer.error("TypeError"), "schön");
    let stack = answer.stack();
    assert_eq!(stack.len(), 3, "{stack:?}");
    assert_eq!(stack[0], "TypeError: schön");
    assert!(stack[1].contains("at deeper (") && stack[1].ends_with("app.js:6:9)"), "{stack:?}");
    assert!(stack[2].contains("handler (") && stack[2].ends_with("app.js:3:3)"), "{stack:?}");
    assert_eq!(function.call("1").json(), pid);
}

#[test]
fn whatever_is_thrown_is_an_error() {
    let function = handling("if (event) throw event; await Promise.reject();").start();
    assert_eq!(function.call("\"text\"").error("string"), "text");
    assert_eq!(function.call("7").error("number"), "7");
    assert_eq!(function.call("{\"a\":1}").error("object"), "{ a: 1 }");
    function.call("null").error("string");
    assert_eq!(function.call("{x").error("SyntaxError").split(' ').next(), Some("Expected"));
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
    assert_eq!(function.call("1").error("RangeError"), "later");
    assert_eq!(function.call("0").json(), "well");
    assert_eq!(function.call("2").error("Runtime.UnhandledPromiseRejection"), "Error: unseen");
    assert_eq!(function.call("0").json(), "well");
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

// --- Loading --------------------------------------------------------------------------------------------------------

#[track_caller]
fn fails(source: &str, kind: &str, message: &str) -> Running {
    Function::empty().file("app.js", source).handler("app.handler").expect_init_error(kind, message).run()
}

#[test]
fn what_cannot_be_loaded_is_an_init_error_of_the_official_name() {
    fails("require('nope');", "Runtime.ImportModuleError", "Error: Cannot find module 'nope'");
    fails("exports.handler = {", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input");
    fails("", "Runtime.HandlerNotFound", "app.handler is undefined or not exported");
    fails("exports.handler = 1;", "Runtime.HandlerNotFound", "app.handler is not a function");
    let function = fails("throw new RangeError('no table');", "RangeError", "no table");
    function.wait_log("app.js:1:7");
    let rejected = "Promise.reject(new Error('unseen')); exports.handler = async () => 1;";
    fails(rejected, "Runtime.UnhandledPromiseRejection", "Error: unseen");
    fails("process.exit(4);", "Runtime.ExitError", "status 4");
    node("import 'nope';").expect_init_error("Runtime.ImportModuleError", "nope").run();
}

// --- The log and the pipes ------------------------------------------------------------------------------------------

#[test]
fn the_console_writes_as_in_the_official_runtime() {
    let body = "console.log('hi %d', 5, { a: 1 }); console.error('two\\nlines'); console.debug('unseen');";
    let function = handling(body).env("AWS_LAMBDA_LOG_LEVEL", "INFO").start();
    let id = function.send("{}");
    assert_eq!(function.answer(&id).json(), Value::Null);
    function.wait_log(&format!("Z\t{id}\tINFO\thi 5 {{ a: 1 }}\n"));
    function.wait_log(&format!("Z\t{id}\tERROR\ttwo\rlines\n"));
    assert!(!function.stderr().contains("unseen"));
}

#[test]
fn the_console_in_json() {
    let body = "console.log({ a: 1 }); console.warn('not %s', 'good', new TypeError('oh'));";
    let function = handling(body).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    let id = function.send("{}");
    function.answer(&id);
    function.wait_log("}\n{");
    function.wait_log("\"stackTrace\"");
    let log = function.stderr();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = |level: &str| lines.iter().find(|line| line["level"] == level).unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&line("INFO")["message"], &line("INFO")["requestId"]), (&json!({"a": 1}), &json!(id)));
    assert_eq!((&line("WARN")["errorType"], &line("WARN")["errorMessage"]), (&json!("TypeError"), &json!("oh")));
}

#[test]
fn prints_and_what_children_print_go_to_the_log() {
    let body = "const { execSync } = await import('node:child_process');
      const { readFileSync } = await import('node:fs');
      process.stdout.write('from stdout\\n');
      execSync('echo from a child; cat', { stdio: 'inherit' });
      return [readFileSync(0, 'utf8'), event];";
    let function = handling(body).start();
    assert_eq!(function.call("1").json(), json!(["", 1]));
    function.wait_log("from stdout");
    function.wait_log("from a child");
    assert_eq!(function.call("2").json(), json!(["", 2]));
}

#[test]
fn children_and_threads_that_run_javascript() {
    let function = Function::empty()
        .file("child.js", "process.send(process.argv.length)")
        .file("thread.js", "require('worker_threads').parentPort.postMessage('thread')")
        .file(
            "app.js",
            "const told = (child) => new Promise((resolve) => child.on('message', resolve));
             exports.handler = () => Promise.all([
               told(require('child_process').fork('child.js')),
               told(new (require('worker_threads').Worker)('./thread.js')),
             ]);",
        )
        .handler("app.handler");
    function.event("{}").expect_response("[2,\"thread\"]").run();
}

#[test]
fn a_signal_handler_of_the_users_runs_at_the_end() {
    let source = "process.on('SIGTERM', () => { console.log('closing'); process.exit(0); });
export const handler = async () => 1;";
    let function = node(source).start();
    assert_eq!(function.call("{}").json(), 1);
    function.wait_idle();
    function.signal(nix::sys::signal::Signal::SIGTERM);
    function.exit();
    function.wait_log("closing");
}

#[test]
fn the_same_on_a_shell() {
    let shell = Shell::bare().file("app.js", "exports.handler = async e => e.a.b").arg("app.handler");
    let output = shell.stdin("{\"a\":{\"b\":1}} {\"b\":2} {\"a\":{\"b\":3}}").run();
    output.expect_stdout("1\n3\n").expect_stderr("TypeError").expect_status(1);
}

// --- Several events at once -----------------------------------------------------------------------------------------

/// The test takes the place of `bootstrap`: all events are there at once, and then the end.
#[test]
fn several_events_at_once_where_lambda_says_so() {
    let source = "const arrived = [];
exports.handler = async (event) => {
  await new Promise((resolve) => arrived.push(resolve) === 4 && arrived.forEach((go) => go()));
  await new Promise((resolve) => setTimeout(resolve, 10 * (4 - event)));
  console.log('event', event);
  if (event === 1) setTimeout(() => { throw new RangeError('later'); });
  if (event === 1) await new Promise((resolve) => setTimeout(resolve, 100));
  return [event, process.env._X_AMZN_TRACE_ID];
};";
    let folder = Folder::new();
    folder.write("app.js", source.as_bytes(), 0o644);
    let loader = "module._compile(process.argv.splice(1, 1)[0], 'lambda-stdio.cjs')";
    let mut command = Command::new(need("node"));
    command
        .args(["-e", loader, "--", include_str!("../../handlers/node/adapter.cjs")])
        .args([folder.path().join("app.js").as_os_str(), "handler".as_ref()])
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "4")
        .env_remove("_X_AMZN_TRACE_ID")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(&mut command);
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..4 {
        let head = format!("Lambda-Runtime-Aws-Request-Id: id-{number}\r\nLambda-Runtime-Trace-Id: Root=1\r\n");
        write!(stdin, "{head}Content-Length: 1\r\n\r\n{number}").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let (answers, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(answers.starts_with("lambda-stdio/1 ready concurrency=4\n"), "{answers}");
    let place =
        |number: u32| answers.find(&format!("Request-Id: id-{number}\n")).unwrap_or_else(|| panic!("{answers}"));
    assert!(place(3) < place(2) && place(2) < place(0), "the order in which they were done: {answers}");
    for number in [0, 2, 3] {
        assert!(answers[place(number)..].contains(&format!("\n\n[{number},null]")), "{answers}");
    }
    assert!(answers[place(1)..].contains("Lambda-Runtime-Function-Error-Type: RangeError\n"), "{answers}");
    for number in 0..4 {
        assert!(log.contains(&format!("\tid-{number}\tINFO\tevent {number}\n")), "{log}");
    }
}
