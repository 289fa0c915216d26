//! What a handler can and cannot do to others, and what the log may be made to say: the claims of the README's section on
//! security, as far as they can be tried out.

use crate::harness::raw::Raw;
use crate::harness::speaking::SPEAKING;
use crate::harness::{Call, Event, Function};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn a_handler_has_what_the_sandbox_has() {
    // Its role's credentials, the Runtime API, and bootstrap's own memory: they are all one user's.
    let script = "while read -r e; do
    echo \"[\\\"$AWS_SECRET_ACCESS_KEY\\\", \\\"$AWS_LAMBDA_RUNTIME_API\\\", $(head -c 4 /proc/$PPID/exe | tail -c 3 | sed 's/.*/\"&\"/')]\"
done";
    let function = Function::bash(script).env("AWS_SECRET_ACCESS_KEY", "secret").start();
    let address = function.server().address().to_string();
    assert_eq!(function.call("1").json(), json!(["secret", address, "ELF"]));
}

#[test]
fn the_context_file_is_for_its_user_alone() {
    let script = "while read -r e; do echo \"\\\"$LAMBDA_CONTEXT_FILE\\\"\"; done";
    let function = Function::bash(script).start();
    let path = function.call("1").json();
    let mode = function.outside(path.as_str().unwrap()).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{path}: {mode:o}");
}

#[test]
fn a_caller_cannot_add_to_the_context() {
    let script = "while read -r e; do cat \"$LAMBDA_CONTEXT_FILE\"; done";
    let function = Function::bash(script).start();
    for forged in
        ["{},\"awsRequestId\":\"forged\"", "{}}\n{\"awsRequestId\":\"forged\"}", "\",\"awsRequestId\":\"forged"]
    {
        let event = Event::new("1").header("Lambda-Runtime-Client-Context", &forged.replace('\n', " "));
        let id = event.id.clone();
        assert_eq!(function.call(event).json()["awsRequestId"], id.as_str());
    }
}

/// What a name or value is made of that would be a header of its own.
const INJECTED: &str = "T\\r\\nInjected: 1\\r\\n\\r\\nPOST / HTTP/1.1\\r\\n";

#[test]
fn an_error_cannot_add_headers() {
    let function = Function::bash("while IFS= read -r e; do echo \"$e\"; done").start();
    let answer = function.call(format!("{{\"errorMessage\":\"{INJECTED}\",\"errorType\":\"{INJECTED}\"}}"));
    assert_eq!(answer.0.header("Injected"), None, "{:?}", answer.0.headers);
    assert_eq!(
        answer.0.header("Lambda-Runtime-Function-Error-Type"),
        Some("T??Injected: 1????POST / HTTP/1.1??"),
        "{:?}",
        answer.0.headers
    );
    assert_eq!(function.call("2").response(), b"2");
}

#[test]
fn a_message_cannot_add_headers() {
    // Line feeds end its headers anyway; what else could end a line in HTTP becomes a question mark.
    let script = format!(
        "{SPEAKING}
emit('lambda-stdio/1 ready\\n')
for headers, event in events():
    name = event.decode()
    more = {{name: 'a\\rInjected: 1\\0\\x0b\\x85\\u2028b', 'Injected': '1', 'Lambda-Runtime-Invocation-Id': 'forged', 'Host': 'forged'}}
    if name == 'Lambda-Runtime-Function-XRay-Error-Cause':
        more['Lambda-Runtime-Function-Error-Type'] = 'Staged'
    write('{{\"errorMessage\":\"m\"}}', **more)
"
    );
    let function = Function::python(&script).start();
    let host = function.server().address().to_string();
    for name in
        ["Content-Type", "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-XRay-Error-Cause", "Anything"]
    {
        let answer = function.call(name);
        for (header, wanted) in
            [("Injected", None), ("Lambda-Runtime-Invocation-Id", None), ("Host", Some(host.as_str()))]
        {
            assert_eq!(answer.0.header(header), wanted, "{name}: {:?}", answer.0.headers);
        }
        if let Some(value) = answer.0.header(name) {
            assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && value.starts_with("a?"), "{value:?}");
        }
    }
}

#[test]
fn a_stream_cannot_add_trailers() {
    let script = format!(
        "{SPEAKING}
emit('lambda-stdio/1 ready\\n')
for headers, event in events():
    emit('Lambda-Runtime-Function-Response-Mode: streaming\\nTransfer-Encoding: chunked\\n\\n4\\nsome\\n0\\n')
    emit('Lambda-Runtime-Function-Error-Type: T\\rInjected: 1\\nLambda-Runtime-Function-Error-Body: b\\rInjected: 1\\nInjected: 1\\n\\n')
"
    );
    let function = Function::python(&script).start();
    for _ in 0..2 {
        let answer = function.call("1");
        assert_eq!(answer.0.body, b"some");
        assert_eq!(answer.0.header("Injected"), None, "{:?}", answer.0.headers);
        assert_eq!(answer.0.header("Lambda-Runtime-Function-Error-Type"), Some("T?Injected: 1"));
    }
}

#[test]
fn who_escaped_from_its_group_does_not_answer_for_the_next_handler() {
    // A child in a session of its own outlives the time-out of its parent, with its stdout.
    let script = "exec 9<> go; while read -r e; do
    if [ $e = 1 ]; then setsid bash -c 'exec 8> alive; echo escaped >&8; read -r -u 9 x; while :; do echo \"\\\"forged\\\"\" || exit; done' & sleep 1000; fi
    echo $e
done";
    let function = Function::bash(script).pipe("go").pipe("alive").start();
    let id = function.send(Event::new("1").deadline_in(Duration::from_secs(1)));
    assert_eq!(function.pipe("alive").hear(), "escaped");
    function.answer(&id).error("Runtime.InvokeTimeout");
    function.pipe("go").ring();
    for number in 2..20 {
        assert_eq!(function.call(number.to_string()).response_text(), number.to_string());
    }
    assert!(!function.stderr().contains("forged"), "{}", function.story());
}

#[test]
fn an_answer_names_no_other_event_than_that_in_flight() {
    // The Runtime API is asked once per event, for that event.
    let raw = Raw::listen();
    let script = format!(
        "{SPEAKING}
emit('lambda-stdio/1 ready\\n')
for headers, event in events():
    write('\"forged\"', Lambda_Runtime_Aws_Request_Id='../init/error?')
    write('\"own\"')
"
    );
    let function = Function::python(&script).served_by(&raw).start();
    let mut connection = raw.accept();
    for _ in 0..3 {
        connection.expect(Call::Next);
        let event = Event::new("1");
        connection.give(&event);
        let (id, wire) = connection.expect(Call::Response);
        assert_eq!((id, wire.body.as_slice()), (event.id, &b"\"own\""[..]), "{}", function.story());
        connection.take();
    }
}

/// An error whose message looks like a line of `bootstrap`'s.
const FORGED: &str = r#"{"errorMessage":"one\n[FATAL] lambda-stdio: forged\n{\"level\":\"FATAL\",\"requestId\":\"forged\"}","errorType":"T\n[FATAL] lambda-stdio: forged","stackTrace":["at\n[FATAL] lambda-stdio: forged"]}"#;

#[test]
fn an_error_cannot_forge_lines_of_bootstraps() {
    let echo = "while IFS= read -r e; do echo \"$e\"; done";
    let function = Function::bash(echo).start();
    function.call(FORGED);
    function.wait_idle();
    let log = function.stderr();
    assert!(log.contains("one\r    [FATAL] lambda-stdio: forged"), "{log}");
    assert!(!log.lines().any(|line| line.starts_with("[FATAL]") || line.starts_with('{')), "{log}");

    let function = Function::bash(echo).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    let id = function.call(FORGED).0.id;
    function.wait_idle();
    let log = function.stderr();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["level"] == "ERROR" && line["requestId"] == id.as_str()), "{log}");
}

#[test]
fn an_unfinished_answer_is_quoted_and_not_logged_as_a_whole() {
    let script =
        "while read -r e; do printf '{\"x\":\"%s' \"$(head -c 5000 /dev/zero | tr '\\0' s)secret\"; sleep 1000; done";
    let function = Function::bash(script).mode("loop").start();
    let answer = function.call(Event::new("\"private\"").deadline_in(Duration::from_secs(1)));
    let message = answer.error("Runtime.InvokeTimeout");
    assert!(message.contains("{\"x\":\"sss") && message.len() < 1000, "{message}");
    function.wait_idle();
    let log = function.stderr();
    assert!(!log.contains("secret") && !log.contains("private") && log.len() < 2000, "{log}");
}
