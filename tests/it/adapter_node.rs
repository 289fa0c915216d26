//! Node.js functions, as AWS's own Node.js runtime has them: `app.handler` in app.js, app.mjs or app.cjs.

mod callbacks;
mod errors;
mod loading;
mod log;
mod several;
mod streams;
mod versions;

use crate::harness::{Event, Function, Running, need};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// A function whose app.mjs holds this.
fn node(source: &str) -> Function {
    Function::empty().file("app.mjs", source).handler("app.handler")
}

/// The same with these as the lines of its handler.
fn handling(body: &str) -> Function {
    node(&format!("export const handler = async (event, context) => {{\n{body}\n}};\n"))
}

/// The same for app.js.
fn script(source: &str) -> Function {
    Function::empty().file("app.js", source).handler("app.handler")
}

/// A function in a script, with a callback.
fn calling_back(body: &str) -> Function {
    script(&format!("exports.handler = (event, context, callback) => {{\n{body}\n}};\n"))
}

/// The adapter itself, from its files, for the handler of app.js in this folder: the test takes the place of `bootstrap`.
fn adapter(folder: &Path) -> Command {
    let mut command = Command::new(need("node"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/handlers/node/adapter.cjs")).arg(folder.join("app.js"));
    command.arg("handler").current_dir(folder).env_remove("_HANDLER");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Which Node.js it is.
fn major() -> u32 {
    let output = Command::new(need("node")).arg("--version").output().expect("a version");
    let version = String::from_utf8(output.stdout).expect("text");
    version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).expect("a number")
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
        .header("Lambda-Runtime-Trace-Id", "Root=1")
        .header("Lambda-Runtime-Client-Context", r#"{"custom":{"who":"Zoë"}}"#)
        .header("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#);
    let mut context = json!({
        "awsRequestId": event.id,
        "clientContext": {"custom": {"who": "Zoë"}},
        "functionName": "name",
        "functionVersion": "7",
        "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
        "invokedFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:name",
        "logGroupName": "group",
        "logStreamName": "stream",
        "memoryLimitInMB": "128",
        "tenantId": "tenant",
        "xRayTraceId": "Root=1",
    });
    // AWS's newest runtime has no callbacks.
    if major() < 24 {
        context["callbackWaitsForEmptyEventLoop"] = true.into();
    }
    assert_eq!(function.call(event).json(), json!([context, true]));
}

#[test]
fn a_deadline_in_the_past_is_none() {
    let function = handling("return context.getRemainingTimeInMillis() > 60000;").start();
    assert_eq!(function.call(Event::new("{}").deadline_header("600000")).json(), true);
}

#[test]
fn the_remaining_time_is_what_is_left_before_the_event_is_taken_away() {
    let handler = || handling("return context.getRemainingTimeInMillis();");
    let left = |function: &Running| function.call("{}").json().as_u64().expect("milliseconds");
    let usual = left(&handler().start());
    assert!((50_000..=59_900).contains(&usual), "{usual}");
    let large_margin = left(&handler().env("HANDLER_DEADLINE_MARGIN_MS", "20000").start());
    assert!((30_000..=40_000).contains(&large_margin), "{large_margin}");
}

#[test]
fn the_invoke_store_knows_the_event() {
    let body = "const { InvokeStore } = awslambda;
      const before = InvokeStore.get('mine');
      InvokeStore.set('mine', event);
      let refused;
      try { InvokeStore.set(InvokeStore.constructor.PROTECTED_KEYS.REQUEST_ID, 1); } catch (error) { refused = true; }
      return [before, InvokeStore.get('mine'), refused, InvokeStore.hasContext(), InvokeStore.getRequestId(),
        InvokeStore.getXRayTraceId(), InvokeStore.getTenantId(), InvokeStore.run({ a: 1 }, () => InvokeStore.get('a'))];";
    let function = handling(body).start();
    let event = Event::new("7").header("Lambda-Runtime-Trace-Id", "Root=1").header("Lambda-Runtime-Aws-Tenant-Id", "t");
    let id = event.id.clone();
    assert_eq!(function.call(event).json(), json!([null, 7, true, true, id, "Root=1", "t", 1]));
    let answer = function.call("8").json();
    assert_eq!((&answer[0], &answer[1], &answer[5]), (&Value::Null, &json!(8), &Value::Null), "nothing is left over");
}

#[test]
fn the_global_may_be_left_out() {
    let function = handling("return typeof awslambda;").env("AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA", "1");
    function.event("{}").expect_response("\"undefined\"").run();
}

#[test]
fn the_trace_id_is_in_the_environment_while_the_event_has_one() {
    let function = handling("return process.env._X_AMZN_TRACE_ID;").start();
    let traced = Event::new("{}").header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(function.call(traced).json(), "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(function.call("{}").json(), Value::Null);
}

// --- Results --------------------------------------------------------------------------------------------------------

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
