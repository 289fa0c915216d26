//! Answers that come piece by piece: sent as they come, cut at every stage, and never in the way of the next event.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::harness::raw::Raw;
use crate::harness::speaking::SPEAKING;
use crate::harness::watch::Exit;
use crate::harness::{Answer, Call, Event, Function, Reply, Shell, procfs};

const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";

/// A handler that runs each event, a piece of Python, between the head and the end of a stream. What it says first is the
/// head's last line, so that an event may add to it.
const HANDLER: &str = r#"
import time

def chunk(text):
    emit(f"{len(text.encode()):x}\n{text}\n")

def end(trailers=""):
    emit(f"0\n{trailers}\n")

emit("lambda-stdio/1 ready\n")
for headers, body in events():
    emit("Lambda-Runtime-Function-Response-Mode: streaming\nTransfer-Encoding: chunked\nContent-Type: text/plain\n\n")
    exec(json.loads(body))
"#;

fn function() -> Function {
    Function::python(&format!("{SPEAKING}{HANDLER}"))
}

/// An event that has the handler do this.
fn deed(python: &str) -> Event {
    Event::new(serde_json::to_string(python).unwrap())
}

/// The type of the error that ended a stream, and its message.
#[track_caller]
fn error_at_end(answer: &Answer) -> (String, String) {
    assert_eq!(answer.0.call, Call::Response, "{}", answer.0);
    let body = answer.0.header("Lambda-Runtime-Function-Error-Body").expect("an error in the trailers");
    let body: serde_json::Value = serde_json::from_slice(&BASE64_STANDARD.decode(body).unwrap()).unwrap();
    (answer.0.header(ERROR_TYPE).unwrap().to_owned(), body["errorMessage"].as_str().unwrap().to_owned())
}

#[test]
fn each_chunk_is_sent_as_it_comes() {
    let function = function().pipe("go").start();
    let id = function.send(deed("chunk('first'); open('go').readline(); chunk('second'); end()"));
    // The second one cannot be there: the handler waits until the first has arrived.
    function.wait_chunk(b"first");
    function.pipe("go").ring();
    let answer = function.answer(&id);
    assert_eq!(answer.response_text(), "firstsecond");
    assert_eq!(answer.0.header("Content-Type"), Some("text/plain"));
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Response-Mode"), Some("streaming"));
    assert_eq!(answer.0.header(ERROR_TYPE), None);
    assert_eq!(function.call(deed("chunk('next'); end()")).response_text(), "next");
}

#[test]
fn an_error_before_the_first_byte_is_an_error_like_any_other() {
    let function = function().start();
    let trailers = "Lambda-Runtime-Function-Error-Type: Function.Early\\nLambda-Runtime-Function-Error-Body: \
                    {\"errorMessage\":\"too early\",\"errorType\":\"Function.Early\"}\\n";
    let answer = function.call(deed(&format!("end('{trailers}')")));
    assert_eq!(answer.error("Function.Early"), "too early");
    assert!(function.call(deed("sys.exit(3)")).error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(function.call(deed("chunk('alive'); end()")).response_text(), "alive");
}

#[test]
fn an_error_behind_the_first_byte_is_in_the_trailers() {
    let function = function().start();
    let trailers = "Lambda-Runtime-Function-Error-Type: Function.Late\\nLambda-Runtime-Function-Error-Body: \
                    {\"errorMessage\":\"too late\"}\\n";
    let answer = function.call(deed(&format!("chunk('begun'); end('{trailers}')")));
    assert_eq!(answer.response_text(), "begun");
    assert_eq!(error_at_end(&answer), ("Function.Late".to_owned(), "too late".to_owned()));
    function.wait_log("Function.Late: too late");
    assert_eq!(function.call(deed("chunk('alive'); end()")).response_text(), "alive");
}

#[test]
fn a_death_in_the_middle_is_in_the_trailers() {
    let function = function().start();
    // In the middle of a chunk, and between two.
    for deadly in ["chunk('begun'); emit('9\\nhalf'); sys.exit(3)", "chunk('begunhalf'); os.kill(os.getpid(), 9)"] {
        let answer = function.call(deed(deadly));
        assert_eq!(answer.response_text(), "begunhalf");
        let (kind, message) = error_at_end(&answer);
        assert_eq!(kind, "Runtime.ExitError");
        assert!(message.contains("exit status 3") || message.contains("SIGKILL (9)"), "{message}");
    }
    assert_eq!(function.call(deed("chunk('alive'); end()")).response_text(), "alive");
}

#[test]
fn the_deadline_ends_a_stream_and_what_gives_it() {
    let function = function().lifeline("alive").start();
    let hangs = deed("sys.alive = open('alive', 'w'); chunk('begun'); time.sleep(1000)");
    let answer = function.call(hangs.deadline_in(Duration::from_millis(1500)));
    assert_eq!(answer.response_text(), "begun");
    assert_eq!(error_at_end(&answer).0, "Runtime.InvokeTimeout");
    function.pipe("alive").wait_dead();
    assert_eq!(function.call(deed("chunk('alive'); end()")).response_text(), "alive");
}

#[test]
fn broken_chunks_end_the_stream_and_what_gives_it() {
    let function = function().start();
    let answer = function.call(deed("chunk('begun'); emit('rubbish\\n')"));
    assert_eq!(answer.response_text(), "begun");
    assert_eq!(error_at_end(&answer).0, "Runtime.MarshalError");
    assert_eq!(function.call(deed("chunk('alive'); end()")).response_text(), "alive");
}

#[test]
fn a_large_stream_takes_little_memory_and_waits_for_its_reader() {
    let function = function().start();
    function.call(deed("chunk('warm'); end()"));
    let before = procfs::peak_memory(function.pid());
    let answer = function.call(deed("piece = 'x' * 100000\nfor _ in range(300): chunk(piece)\nend()"));
    assert_eq!(answer.response().len(), 30_000_000, "{}", &function.stderr());
    // The kernel counts it roughly.
    let grown = procfs::peak_memory(function.pid()).saturating_sub(before);
    assert!(grown < 4_000_000, "{grown} bytes more for 30 MB");
}

#[test]
fn a_shell_prints_a_stream_as_it_comes() {
    let event = serde_json::to_string("chunk('one, '); chunk('two'); end()").unwrap();
    Shell::new(&format!("#!/usr/bin/env python3\n{SPEAKING}{HANDLER}")).stdin(event).run().expect_stdout("one, two\n");
}

#[test]
fn any_program_streams_as_a_oneshot() {
    let script = "read -r _; printf first; read -r _ < go; printf second";
    let function = Function::bash(script).pipe("go").mode("oneshot").env("HANDLER_RESPONSE", "streaming");
    let function = function.env("HANDLER_CONTENT_TYPE", "text/html; charset=utf-8").start();
    for _ in 0..2 {
        let id = function.send("{}");
        function.wait_chunk(b"first");
        function.pipe("go").ring();
        let answer = function.answer(&id);
        assert_eq!(answer.response_text(), "firstsecond");
        assert_eq!(answer.0.header("Content-Type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.0.header("Lambda-Runtime-Function-Response-Mode"), Some("streaming"));
    }
}

#[test]
fn a_oneshot_stream_fails_like_any_other() {
    let script = "read -r e; echo told >&2; [ $e = 1 ] && exit 3; printf begun; [ $e = 2 ] && exit 4; [ $e = 3 ] && sleep 1000; exit 0";
    let function = Function::bash(script).mode("oneshot").env("HANDLER_RESPONSE", "streaming").start();
    let early = function.call("1");
    assert!(early.error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(early.stack(), ["told"]);
    let late = function.call("2");
    assert_eq!(late.response_text(), "begun");
    assert!(error_at_end(&late).1.contains("exit status 4"));
    let hanging = function.call(Event::new("3").deadline_in(Duration::from_millis(1200)));
    assert_eq!((hanging.response_text(), error_at_end(&hanging).0.as_str()), ("begun", "Runtime.InvokeTimeout"));
    assert_eq!(function.call("4").response_text(), "begun");
}

#[test]
fn a_large_oneshot_stream_takes_little_memory() {
    let script = "n=$(cat); head -c $n /dev/zero | tr '\\0' x";
    let function = Function::bash(script).mode("oneshot").env("HANDLER_RESPONSE", "streaming").start();
    function.call("10");
    let before = procfs::peak_memory(function.pid());
    let answer = function.call("30000000");
    assert_eq!(answer.response().len(), 30_000_000, "{:?}\n{}", answer.0.headers, function.stderr());
    // The kernel counts it roughly.
    let grown = procfs::peak_memory(function.pid()).saturating_sub(before);
    assert!(grown < 4_000_000, "{grown} bytes more for 30 MB");
}

#[test]
fn a_server_that_is_gone_ends_bootstrap_and_the_handler() {
    let function = function().lifeline("alive").reply(Call::Response, Reply::HangUp).start();
    function.send(deed("sys.alive = open('alive', 'w'); chunk('begun')\nwhile True: chunk('x' * 10000)"));
    // What was streamed cannot be sent again: Lambda replaces the sandbox.
    assert_eq!(function.exit(), Exit::Status(1));
    function.pipe("alive").wait_dead();
}

#[test]
fn a_server_that_closes_its_end_of_a_stream_ends_it_without_a_reset() {
    let raw = Raw::listen();
    let function = function().lifeline("alive").served_by(&raw).start();
    let mut connection = raw.accept();
    connection.expect(Call::Next);
    connection.give(&deed("sys.alive = open('alive', 'w')\nwhile True: chunk('x' * 10000)"));
    connection.read_bytes(1000);
    // Nothing more is read, so there will be no room for the rest.
    connection.half_close();
    assert_eq!(function.exit(), Exit::Status(1));
    function.pipe("alive").wait_dead();
}

/// The status of an earlier response, whose end was that of its connection, is none of the stream's.
#[test]
fn a_stream_that_nobody_took_is_no_success_whatever_was_said_before() {
    let raw = Raw::listen();
    let function = function().lifeline("alive").served_by(&raw).start();
    let mut connection = raw.accept();
    connection.expect(Call::Next);
    let event = deed("sys.alive = open('alive', 'w'); chunk('begun'); end()");
    let head = format!("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {}\r\nConnection: close\r\n\r\n", event.id);
    connection.write(&[head.as_bytes(), &event.body].concat());
    drop(connection);
    raw.accept().reset();
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    function.pipe("alive").wait_dead();
}

#[test]
fn a_script_streams_an_http_response_with_its_prelude() {
    let script = "read -r _; printf '{\"statusCode\":201,\"headers\":{},\"cookies\":[]}\\0\\0\\0\\0\\0\\0\\0\\0<p>first'; \
                  read -r _ < go; printf second";
    let function = Function::bash(script).pipe("go").mode("oneshot").env("HANDLER_RESPONSE", "streaming");
    let content_type = "application/vnd.awslambda.http-integration-response";
    let function = function.env("HANDLER_CONTENT_TYPE", content_type).start();
    let id = function.send("{}");
    // Each is a chunk of its own, though they were printed at once.
    function.wait_chunk(b"{\"statusCode\":201,\"headers\":{},\"cookies\":[]}");
    function.wait_chunk(&[0; 8]);
    function.wait_chunk(b"<p>first");
    function.pipe("go").ring();
    assert!(function.answer(&id).response().ends_with(b"<p>firstsecond"));
}
