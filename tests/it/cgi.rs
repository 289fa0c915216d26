//! `HANDLER_MODE=cgi`: a request is a process. Here against the Runtime API of the tests; `programs` has CGI programs that
//! nobody wrote for Lambda behind the function URL of an emulator, and `bad_input` what should never have come.

mod bad_input;
mod programs;

use crate::harness::calls::Call;
use crate::harness::event::Event;
use crate::harness::{Function, Shell};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::Duration;

/// A request to a function URL: `POST /a%20b?x=1&x=2` with this body.
pub fn request(body: &str) -> String {
    json!({
        "version": "2.0", "rawPath": "/a%20b", "rawQueryString": "x=1&x=2",
        "headers": {"host": "page.example", "content-type": "text/plain", "x-two": "1,2", "proxy": "evil.example"},
        "cookies": ["k=v", "l=w"],
        "requestContext": {
            "domainName": "page.example",
            "http": {"method": "POST", "path": "/a b", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
        },
        "body": body, "isBase64Encoded": false
    })
    .to_string()
}

/// A program that serves all of its environment and its body as text.
const ENVIRONMENT: &str = "printf 'Content-Type: text/plain\\n\\n'; env; cat";

fn served(answer: &Value) -> (u64, &str) {
    (answer["statusCode"].as_u64().unwrap(), answer["body"].as_str().unwrap())
}

fn cgi(script: &str) -> Function {
    Function::bash(script).mode("cgi")
}

#[test]
fn the_request_is_the_environment_and_its_body_is_on_stdin() {
    let function = cgi(ENVIRONMENT)
        .env("HTTP_X_OLD", "inherited")
        .env("REQUEST_METHOD", "inherited")
        .env("_X_AMZN_TRACE_ID", "inherited")
        .env("MY_OWN", "kept");
    let running = function.start();
    let event = Event::new(request("the body")).header("Lambda-Runtime-Trace-Id", "Root=1-2-3");
    let answer = running.call(event.clone()).json();
    let (status, body) = served(&answer);
    let lines: Vec<_> = body.lines().collect();
    assert_eq!(status, 200);
    for wanted in [
        "GATEWAY_INTERFACE=CGI/1.1",
        "REQUEST_METHOD=POST",
        "SCRIPT_NAME=",
        "PATH_INFO=/a b",
        "QUERY_STRING=x=1&x=2",
        "REQUEST_URI=/a%20b?x=1&x=2",
        "CONTENT_TYPE=text/plain",
        "CONTENT_LENGTH=8",
        "REMOTE_ADDR=192.0.2.1",
        "SERVER_NAME=page.example",
        "SERVER_PORT=443",
        "HTTPS=on",
        "HTTP_COOKIE=k=v; l=w",
        "HTTP_X_TWO=1,2",
        "MY_OWN=kept",
        "_X_AMZN_TRACE_ID=Root=1-2-3",
        &format!("LAMBDA_RUNTIME_AWS_REQUEST_ID={}", event.id),
        "the body",
    ] {
        assert!(lines.contains(&wanted), "{wanted} is not in\n{body}");
    }
    for name in ["HTTP_PROXY=", "HTTP_X_OLD="] {
        assert!(!lines.iter().any(|line| line.starts_with(name)), "{name} is in\n{body}");
    }
    // Each variable once: what is inherited is not beside what the event says.
    assert_eq!(lines.iter().filter(|line| line.starts_with("_X_AMZN_TRACE_ID=")).count(), 1, "{body}");
}

#[test]
fn each_request_has_a_process_of_its_own_and_no_other_ones_variables() {
    let running = cgi("printf 'Content-Type: text/plain\\n\\n%s %s' $$ \"$LAMBDA_RUNTIME_TRACE_ID\"").start();
    let first = running.call(Event::new(request("")).header("Lambda-Runtime-Trace-Id", "Root=1")).json();
    let second = running.call(request("")).json();
    let (first, second) = (served(&first).1, served(&second).1);
    assert!(first.ends_with(" Root=1") && second.ends_with(' '), "{first}, {second}");
    assert_ne!(first.split(' ').next(), second.split(' ').next());
}

#[test]
fn a_oneshot_that_is_started_for_its_event_has_the_event_s_variables() {
    let function = Function::bash("cat >/dev/null; echo \"\\\"$LAMBDA_RUNTIME_AWS_REQUEST_ID $_X_AMZN_TRACE_ID\\\"\"");
    let running = function.mode("oneshot").env("HANDLER_STANDBY", "0").start();
    for trace in ["Root=1", "Root=2"] {
        let event = Event::new("{}").header("Lambda-Runtime-Trace-Id", trace);
        assert_eq!(running.call(event.clone()).response_text(), format!("\"{} {trace}\"", event.id));
    }
}

#[test]
fn what_goes_wrong_inside_is_a_status_outside_and_told_in_the_log() {
    for (script, log) in [
        ("printf 'Content-Type: text/plain\\n\\nsecret'; exit 3", "exit status 3"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("echo the secret", "no CGI response"),
        ("printf 'Content-Type text/plain\\n\\nsecret'", "no CGI response"),
        ("printf 'Content-Type: text/plain\\nContent-Length: 9\\n\\nsecret'", "Content-Length says 9 bytes"),
        ("printf 'Status: 99\\nContent-Type: text/plain\\n\\nsecret'", "no CGI response"),
        ("printf 'Content-Type: text/plain\\nX: a\\rb\\n\\nsecret'", "no CGI response"),
        (":", "no CGI response"),
    ] {
        let running = cgi(script).start();
        let answer = running.call(request("")).json();
        assert_eq!(served(&answer), (502, "502 Bad Gateway\n"), "{script}");
        running.wait_log(log);
        // It is served on.
        assert_eq!(served(&running.call(request("")).json()).0, 502, "{script}");
    }
}

#[test]
fn a_program_that_is_late_is_ended_and_its_caller_told() {
    let running = cgi("printf 'Content-Type: text/plain\\n\\nsome'; exec sleep 600").start();
    let answer = running.call(Event::new(request("")).deadline_in(Duration::from_millis(900))).json();
    assert_eq!(served(&answer), (504, "504 Gateway Timeout\n"));
    running.wait_log("Runtime.InvokeTimeout");
    running.wait_idle();
    assert!(running.children().is_empty());
}

#[test]
fn a_program_that_is_told_to_stop_answers_if_it_can() {
    let script =
        "trap 'printf \"Content-Type: text/plain\\n\\nlast\"; exit' TERM; echo up >&2; while :; do sleep 0.05; done";
    let running = cgi(script).start();
    let id = running.send(request(""));
    running.wait_log("up");
    running.signal(Signal::SIGTERM);
    assert_eq!(served(&running.answer(&id).json()), (200, "last"));
}

#[test]
fn status_location_and_cookies_are_as_each_kind_of_event_wants_them() {
    let script = "printf 'Location: /there\\nSet-Cookie: a=1; Path=/\\nSet-Cookie: b=2\\n\\n'";
    let running = cgi(script).start();
    let answer = running.call(request("")).json();
    assert_eq!((served(&answer).0, &answer["cookies"]), (302, &json!(["a=1; Path=/", "b=2"])));
    let rest = json!({"httpMethod": "GET", "path": "/x", "resource": "/{proxy+}", "headers": {}, "multiValueHeaders": {},
        "requestContext": {"path": "/prod/x", "stage": "prod", "identity": {"sourceIp": "192.0.2.1"}}, "body": null});
    let answer = running.call(rest.to_string()).json();
    assert_eq!(answer["multiValueHeaders"]["Set-Cookie"], json!(["a=1; Path=/", "b=2"]));
    let mut balancer =
        json!({"httpMethod": "GET", "path": "/x", "headers": {}, "requestContext": {"elb": {}}, "body": ""});
    let answer = running.call(balancer.to_string()).json();
    assert_eq!(
        (&answer["statusDescription"], &answer["headers"]["Set-Cookie"]),
        (&json!("302 Found"), &json!("a=1; Path=/"))
    );
    balancer["multiValueHeaders"] = json!({"accept": ["a", "b"]});
    let answer = running.call(balancer.to_string()).json();
    assert_eq!(answer["multiValueHeaders"]["Location"], json!(["/there"]));
}

#[test]
fn a_streamed_response_goes_out_as_it_comes() {
    let script = "printf 'Content-Type: text/plain\\nStatus: 201\\n\\n'; printf one; read -r _ <go; printf two";
    let running = cgi(script).env("HANDLER_RESPONSE", "streaming").pipe("go").start();
    let id = running.send(request(""));
    running.wait_chunk(b"one");
    running.pipe("go").ring();
    let answer = running.answer(&id);
    let at = memchr::memmem::find(answer.response(), &[0; 8]).expect("a prelude");
    let prelude: Value = serde_json::from_slice(&answer.response()[..at]).unwrap();
    assert_eq!((&prelude["statusCode"], &answer.response()[at + 8..]), (&json!(201), b"onetwo".as_slice()));
    let kind = answer.0.header("Content-Type").unwrap();
    assert_eq!(kind, "application/vnd.awslambda.http-integration-response");
    assert!(answer.0.header("Lambda-Runtime-Function-Error-Type").is_none());
}

#[test]
fn a_stream_that_has_not_begun_is_refused_and_one_that_has_is_cut() {
    let failing = cgi("exit 3").env("HANDLER_RESPONSE", "streaming").start();
    let answer = failing.call(request(""));
    assert!(
        answer.response_text().contains("\"statusCode\":502") && answer.response_text().ends_with("502 Bad Gateway\n")
    );
    let cut =
        cgi("printf 'Content-Type: text/plain\\n\\nsome'; echo why >&2; exit 3").env("HANDLER_RESPONSE", "streaming");
    let running = cut.start();
    let answer = running.call(request(""));
    assert!(answer.response_text().ends_with("some"), "{}", answer.0);
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Error-Type"), Some("Runtime.ExitError"));
    running.wait_log("exit status 3");
}

#[test]
fn several_workers_serve_at_once() {
    let script = "printf 'Content-Type: text/plain\\n\\n'; echo here >&2; read -r _ <go; cat";
    let running = cgi(script).workers(2).pipe("go").start();
    let ids = [running.send(request("one")), running.send(request("two"))];
    running.watch().wait("both to be served", |seen| {
        (memchr::memmem::find_iter(&seen.stderr, b"here").count() == 2).then_some(())
    });
    running.pipe("go").ring();
    running.pipe("go").ring();
    let mut bodies: Vec<_> = ids.iter().map(|id| served(&running.answer(id).json()).1.to_owned()).collect();
    bodies.sort();
    assert_eq!(bodies, ["one", "two"]);
}

#[test]
fn it_serves_requests_from_files_on_a_shell() {
    let shell = Shell::bash("printf 'Content-Type: text/plain\\n\\n'; cat").env("HANDLER_MODE", "cgi");
    let output = shell.file("event.json", &request("hello")).arg("event.json").run().expect_status(0);
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(served(&answer), (200, "hello"));
}

#[test]
fn a_function_is_no_cgi_program() {
    let function =
        Function::empty().file("app.py", "def handler(event, context):\n    return 1\n").handler("app.handler");
    function.mode("cgi").expect_init_error("Runtime.InvalidConfiguration", "is a function").run();
}

#[test]
fn an_event_that_is_no_request_is_an_error_that_says_what_was_expected() {
    let running = cgi("exit 3").start();
    for event in ["{}", "1", "[]", r#"{"Records":[]}"#, r#"{"requestContext":{}}"#] {
        let message = running.call(event).error("Runtime.UnmarshalError");
        assert!(message.contains("function URL"), "{event}: {message}");
    }
    assert_eq!(running.requests_so_far(Call::Error).len(), 5);
}

#[test]
fn exchanges_are_printed_where_that_is_asked_for() {
    let running = cgi("printf 'Content-Type: text/plain\\n\\nhere'").env("HANDLER_TRACE", "1").start();
    running.call(request("there"));
    running.wait_log("> {\"");
    running.wait_log("< {\"statusCode\":200");
}
