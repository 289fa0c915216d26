//! Python functions, as AWS's own Python runtime has them: `app.handler` in app.py, `event` and `context`.

mod log;
mod names;
mod official;
mod patched;

use crate::harness::sandbox;
use crate::harness::{Call, Event, Function, Running, Shell};
use serde_json::{Value, json};
use std::time::Duration;

/// A function whose app.py holds this.
fn python(source: &str) -> Function {
    Function::empty().file("app.py", source).handler("app.handler")
}

/// The same with these as the lines of its handler.
fn handling(body: &str) -> Function {
    python(&format!("import json, os, sys\ndef handler(event, context):\n    {}\n", body.replace('\n', "\n    ")))
}

fn answers(body: &str, event: impl Into<Event>) -> Value {
    handling(body).start().call(event).json()
}

// --- Calls ----------------------------------------------------------------------------------------------------------

#[test]
fn a_function_gets_the_event_and_its_result_is_the_answer() {
    let function = handling("return {'hello': event['name'], 'list': (1, 2.5, None, True)}").start();
    let answer = function.call(r#"{"name":"Zoë \ud83d\ude00"}"#);
    assert_eq!(answer.json(), json!({"hello": "Zoë 😀", "list": [1, 2.5, null, true]}));
    assert_eq!(answer.0.header("Content-Type"), Some("application/json"));
}

#[test]
fn every_kind_of_event_and_answer() {
    let function = handling("return event").start();
    for value in ["null", "1", "\"text\"", "[]", "{}", "true", "12345678901234567890123", "\"\\u0000\"", "\"\\ud83d\""]
    {
        assert_eq!(function.call(value).response_text(), value);
    }
}

#[test]
fn a_module_of_a_package_imports_what_is_near_and_what_is_in_the_task_root() {
    let function = Function::empty()
        .file("pkg/__init__.py", "")
        .file("pkg/near.py", "near = 'near'")
        .file("far.py", "far = 'far'")
        .file("pkg/mod.py", "from .near import near\nimport far, sys\ndef f(e, c): return [near, far.far, sys.path[0]]")
        .handler("pkg/mod.f")
        .start();
    let root = sandbox::TASK_ROOT;
    assert_eq!(function.call("{}").json(), json!(["near", "far", root]));
    let dotted = Function::empty().file("pkg/mod.py", "def f(e, c): return __name__").handler("pkg.mod.f");
    dotted.event("{}").expect_response("\"pkg.mod\"").run();
}

#[test]
fn three_megabytes_come_and_go() {
    let function = handling("return {'length': len(event), 'same': event}");
    let function = function.env("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12").start();
    let text = "ö".repeat(1_500_000);
    let answer = function.call(format!("\"{text}\"")).json();
    assert_eq!(answer["length"], 1_500_000);
    assert!(answer["same"] == text.as_str());
}

#[test]
fn utf8_whatever_the_locale() {
    let function = handling("print(event)\nreturn event").env("LC_ALL", "C").env("PYTHONCOERCECLOCALE", "0").start();
    assert_eq!(function.call("\"smørrebrød\"").json(), "smørrebrød");
    function.wait_log("smørrebrød");
}

// --- The context ----------------------------------------------------------------------------------------------------

#[test]
fn the_context_has_what_the_official_one_has() {
    let body = "c = context
return [c.aws_request_id, c.invoked_function_arn, c.tenant_id, c.function_name, c.function_version,
  c.memory_limit_in_mb, c.log_group_name, c.log_stream_name, c.get_remaining_time_in_millis() > 50000,
  c.client_context.client.app_title, c.client_context.client.installation_id, c.client_context.custom,
  c.client_context.env, c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id]";
    let function = handling(body)
        .env("AWS_LAMBDA_FUNCTION_NAME", "name")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "7")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
        .start();
    let event = Event::new("{}")
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:name")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant")
        .header("Lambda-Runtime-Client-Context", r#"{"client":{"app_title":"Zoë"},"custom":{"a":1},"env":{"b":"2"}}"#)
        .header("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#);
    let id = event.id.clone();
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:name";
    assert_eq!(
        function.call(event).json(),
        json!([id, arn, "tenant", "name", "7", "128", "group", "stream", true, "Zoë", null, {"a": 1}, {"b": "2"}, "i", "p"])
    );
}

#[test]
fn the_context_has_what_the_environment_says_at_the_moment() {
    let source = "import os
os.environ['AWS_LAMBDA_FUNCTION_NAME'] = 'at the start'
def handler(event, context):
    os.environ['AWS_LAMBDA_FUNCTION_NAME'] = event
    return context.function_name";
    let function = python(source).env("AWS_LAMBDA_FUNCTION_NAME", "before").start();
    assert_eq!(function.call("\"first\"").json(), "at the start");
    assert_eq!(function.call("\"second\"").json(), "first");
    assert_eq!(function.call("\"third\"").json(), "second");
}

#[test]
fn what_an_event_lacks_is_none() {
    let body = "return [context.client_context, context.identity.cognito_identity_id, context.tenant_id]";
    assert_eq!(answers(body, "{}"), json!([null, null, null]));
}

#[test]
fn a_deadline_in_the_past_is_none() {
    let event = Event::new("{}").deadline_header("600000");
    assert_eq!(answers("return context.get_remaining_time_in_millis() > 60000", event), true);
}

#[test]
fn the_trace_id_is_in_the_environment_while_the_event_has_one() {
    let function = handling("return os.environ.get('_X_AMZN_TRACE_ID')").start();
    let traced = Event::new("{}").header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(function.call(traced).json(), "Root=1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(function.call("{}").json(), Value::Null);
}

#[test]
fn a_client_context_that_is_no_json_is_that_events_error() {
    let function = handling("return 1").start();
    let answer = function.call(Event::new("{}").header("Lambda-Runtime-Client-Context", "eyJ9"));
    answer.error("Runtime.LambdaContextUnmarshalError");
    assert_eq!(function.call("{}").json(), 1);
}

// --- Results --------------------------------------------------------------------------------------------------------

#[test]
fn results_are_made_json_as_the_official_runtime_does_it() {
    let body = "from collections import namedtuple
from decimal import Decimal
Point = namedtuple('Point', 'x y')
return {'price': Decimal('1.10'), 'points': [Point(1, (2,))], 'bytes': b'abc', 3: None}";
    let answer = handling(body).start().call("{}");
    assert_eq!(answer.response_text(), r#"{"price": 1.10, "points": [{"x": 1, "y": [2]}], "bytes": "abc", "3": null}"#);
}

#[test]
fn a_result_that_cannot_be_json_is_a_marshal_error() {
    let function = handling("return {'set': {1}, 'date': __import__('datetime').date.today()}[event]").start();
    let message = function.call("\"set\"").error("Runtime.MarshalError");
    assert_eq!(message, "Unable to marshal response: Object of type set is not JSON serializable");
    function.call("\"date\"").error("Runtime.MarshalError");
}

#[test]
fn bytes_are_posted_as_they_are() {
    let answer = handling("return b'\\x00\\xff\\r\\n'").start().call("{}");
    assert_eq!(answer.response(), b"\0\xff\r\n");
    assert_eq!(answer.0.header("Content-Type"), Some("application/unknown"));
}

#[test]
fn a_generator_streams() {
    let function = handling("yield 'ä'\nyield ''\nyield b'\\xff'").start();
    let answer = function.call("{}");
    assert_eq!(answer.response(), b"\xc3\xa4\xff");
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Response-Mode"), Some("streaming"));
}

#[test]
fn a_generator_that_begins_with_a_dict_is_an_http_response() {
    let answer = handling("yield {'statusCode': 201}\nyield 'created'").start().call("{}");
    assert_eq!(answer.response(), b"{\"statusCode\": 201, \"headers\": {}, \"cookies\": []}\0\0\0\0\0\0\0\0created");
    assert_eq!(answer.0.header("Content-Type"), Some("application/vnd.awslambda.http-integration-response"));
}

#[test]
fn a_generator_may_fail_before_it_yields_and_after() {
    let function = handling("if event: yield 'a'\nraise ValueError('no more')").start();
    assert_eq!(function.call("0").error("ValueError"), "no more");
    assert_eq!(function.call("1").response_text(), "a");
    function.wait_log("no more");
    assert_eq!(function.call("0").error("ValueError"), "no more");
}

// --- Errors ---------------------------------------------------------------------------------------------------------

#[test]
fn an_exception_is_an_error_whose_stack_is_the_users_own_and_the_process_lives_on() {
    let source = "import os\ndef handler(event, context):\n    return deeper(event)\ndef deeper(key):\n    return {'pid': os.getpid()}[key]";
    let function = python(source).start();
    let pid = function.call("\"pid\"").json();
    let answer = function.call("\"name\"");
    assert_eq!(answer.error("KeyError"), "'name'");
    let stack = answer.stack();
    assert_eq!(stack.len(), 2, "{stack:?}");
    assert!(stack[0].contains("app.py\", line 3, in handler\n    return deeper(event)"), "{stack:?}");
    assert!(stack[1].contains("line 5, in deeper"), "{stack:?}");
    assert_eq!(function.call("\"pid\"").json(), pid);
}

#[test]
fn exceptions_that_are_no_exception_are_errors_too() {
    handling("import asyncio\nraise asyncio.CancelledError('off')")
        .event("{}")
        .expect_error("CancelledError", "off")
        .run();
    handling("def f(): return f()\nreturn f()").event("{}").expect_error("RecursionError", "maximum recursion").run();
}

#[test]
fn an_event_that_is_no_json_is_an_unmarshal_error() {
    handling("return 1").event("{x").expect_error("Runtime.UnmarshalError", "Unable to unmarshal input: ").run();
}

#[test]
fn sys_exit_ends_the_process_and_the_next_event_has_a_new_one() {
    let function = handling("if event: sys.exit(3)\nreturn os.getpid()").start();
    let pid = function.call("0").json();
    assert!(function.call("1").error("Runtime.ExitError").contains("status 3"));
    assert_ne!(function.call("0").json(), pid);
}

#[test]
fn no_answer_in_time_is_a_time_out_and_the_next_event_has_a_new_process() {
    let function = handling("if event: __import__('time').sleep(60)\nreturn 'quick'").start();
    function.call(Event::new("1").deadline_in(Duration::from_millis(400))).error("Runtime.InvokeTimeout");
    assert_eq!(function.call("0").json(), "quick");
}

// --- Loading --------------------------------------------------------------------------------------------------------

#[track_caller]
fn fails(source: &str, kind: &str, message: &str) -> Running {
    python(source).expect_init_error(kind, message).run()
}

#[test]
fn what_cannot_be_loaded_is_an_init_error_of_the_official_name() {
    fails("import nope", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nope'");
    fails(
        "def handler(:",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)",
    );
    fails("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'");
    fails("handler = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'");
    let function = fails("raise RuntimeError('no table')", "RuntimeError", "no table");
    function.wait_log("app.py\", line 1, in <module>");
    fails("import sys; sys.exit(4)", "Runtime.ExitError", "status 4");
}

#[test]
fn a_builtin_module_is_not_the_users() {
    let function = Function::empty().file("time.py", "def f(e, c): pass").handler("time.f");
    function.expect_init_error("Runtime.BuiltInModuleConflict", "Cannot use built-in module time").run();
}

#[test]
fn a_thread_does_not_keep_an_init_error_back() {
    let source = "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()\nimport nope";
    fails(source, "Runtime.ImportModuleError", "nope");
}

// --- The log and the pipes ------------------------------------------------------------------------------------------

#[test]
fn prints_and_what_children_print_go_to_the_log() {
    let body = "print('from print')
sys.stderr.write('from stderr\\n')
os.system('echo from a child; cat')
print('without an end', end='')
return [sys.stdin.read(), event]";
    let function = handling(body).start();
    assert_eq!(function.call("1").json(), json!(["", 1]));
    for line in ["from print", "from stderr", "from a child", "without an end"] {
        function.wait_log(line);
    }
    assert_eq!(function.call("2").json(), json!(["", 2]));
}

#[test]
fn logging_is_set_up_as_in_the_official_runtime() {
    let body = "import logging
logging.getLogger().setLevel(logging.INFO)
logging.info('hi %s', 'there')
logging.debug('unseen')
return len(logging.getLogger().handlers)";
    let function = handling(body).start();
    let id = function.send("{}");
    assert_eq!(function.answer(&id).json(), 1);
    function.wait_log(&format!("Z\t{id}\thi there\n"));
    assert!(function.stderr().contains("[INFO]\t20"), "{}", function.stderr());
    assert!(!function.stderr().contains("unseen"));
}

#[test]
fn logging_in_json() {
    let body = "import logging
logging.info('hi', extra={'order': 7})
try: 1/0
except ZeroDivisionError: logging.exception('oh')";
    let function = handling(body).env("AWS_LAMBDA_LOG_FORMAT", "JSON").env("AWS_LAMBDA_LOG_LEVEL", "INFO").start();
    let id = function.send("{}");
    function.answer(&id);
    function.wait_log("\"location\"");
    let log = function.stderr();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{log}"));
    assert_eq!(
        (&line("hi")["level"], &line("hi")["requestId"], &line("hi")["order"]),
        (&json!("INFO"), &json!(id), &json!(7))
    );
    assert_eq!(line("oh")["errorType"], "ZeroDivisionError");
}

#[test]
fn the_same_on_a_shell() {
    let shell = Shell::bare().file("app.py", "def handler(e, c): return e['a']").arg("app.handler");
    shell
        .stdin("{\"a\":1} {\"b\":2} {\"a\":3}")
        .run()
        .expect_stdout("1\n3\n")
        .expect_stderr("KeyError")
        .expect_status(1);
}

#[test]
fn one_answer_for_each_event() {
    let function = handling("return event").start();
    for number in 0..50 {
        assert_eq!(function.call(number.to_string()).response_text(), number.to_string());
    }
    assert_eq!(function.requests_so_far(Call::Response).len(), 50);
}
