//! Loop: a handler that is kept, one line in and one JSON value out per event.

use crate::harness::{Call, Event, Function, hex};

/// A loop that answers every event with these bytes.
fn printing(output: impl AsRef<[u8]>) -> Function {
    Function::bash("while read -r e; do cat output; done").mode("loop").file("output", output)
}

/// A loop that answers with the line it was given, as bytes in hexadecimal.
const HEX: &str = "import sys
for line in sys.stdin.buffer:
    print('\"' + line.hex() + '\"')
";

#[test]
fn a_handler_is_started_once_and_kept() {
    let function = Function::bash("while read -r e; do echo \"[$$,$e]\"; done").start();
    let first = function.call("1").json();
    for number in 2..=20 {
        let answer = function.call(number.to_string()).json();
        assert_eq!(answer[1], number);
        assert_eq!(answer[0], first[0], "another process answered");
    }
}

#[test]
fn an_event_is_one_line_and_keeps_its_bytes() {
    let function = Function::python(HEX).start();
    let line_for = |event: &[u8]| function.call(event).response_text().to_owned();
    let quoted = |line: &[u8]| format!("\"{}\"", hex(line));

    assert_eq!(line_for(b"{}"), quoted(b"{}\n"));
    let pretty = b"{\r\n  \"z\": 12345678901234567890.10,\n\t\"a\": [\n1,\r2]\n}\n";
    assert_eq!(line_for(pretty), quoted(b"{    \"z\": 12345678901234567890.10, \t\"a\": [ 1, 2] } \n"));
    let text = "{\"\u{e4}\":\"\u{1f600} \\u00e4 \\n \\ud83d\",\"a\":1,\"a\":2}".as_bytes();
    assert_eq!(line_for(text), quoted(&[text, b"\n"].concat()));
}

#[test]
fn an_answer_keeps_its_bytes() {
    for answer in [
        "{}",
        "[]",
        "\"\"",
        r#"{"z":12345678901234567890.10,"a":1e400,"z":-0.0}"#,
        r#"{ "spaces" :  [ 1 , 2 ]	}"#,
        r#""a \"quoted\" } ] \\""#,
        r#"{"braces":"}]{[\"","nested":{"a":[{"b":{}}]}}"#,
        "{\n  \"over\": [\n    1,\n    2\n  ],\n\n  \"lines\": \"{\"\n}",
        "[\r\n1\r\n]",
        "42",
        "-1.5e-7",
        "0",
        "true",
        "false",
        "null",
        "\"\u{e4}\u{1f600}\u{7f}\"",
    ] {
        printing(format!("{answer}\n")).event("{}").expect_response(answer).event("{}").expect_response(answer).run();
    }
}

#[test]
fn the_end_of_output_ends_a_number() {
    Function::bash("read -r e; printf 42").mode("loop").event("{}").expect_response("42").run();
    Function::bash("read -r e; printf true").mode("loop").event("{}").expect_response("true").run();
}

#[test]
fn text_before_the_answer_goes_to_the_log() {
    for text in [
        "loading\u{2026}",
        "[INFO] started",
        "[1, 2, oops]",
        "2026-11-22 12:00 ready",
        "{oops",
        "{\"a\":1,}",
        "\"no end",
        "nullable",
        "truely",
        "-",
        "1.2.3.4",
        "42 is the answer",
        "  {\"indented\":1}",
        "\t42",
        "NaN",
        "'single'",
        "}",
    ] {
        let function = printing(format!("{text}\n\n{{\"ok\":1}}\n"));
        function.event("{}").expect_response("{\"ok\":1}").expect_log(text).run();
    }
}

#[test]
fn what_turns_out_not_to_be_json_is_scanned_again_from_its_second_line() {
    // The first line could have been the start of an object; the value is found in the middle of it.
    let function = printing("{\"a\": 1,\nnot json\n{\"ok\":1}\n").event("{}");
    function.expect_response("{\"ok\":1}").expect_log("{\"a\": 1,").expect_log("not json").run();
    printing("[\n{\"ok\":1}\noops\n").event("{}").expect_response("{\"ok\":1}").expect_log("[").run();
}

#[test]
fn what_stands_behind_the_answer_goes_to_the_log() {
    let function = printing("{\"ok\":1} and more\n").event("{}").expect_response("{\"ok\":1}");
    function.event("{}").expect_response("{\"ok\":1}").expect_log("and more").run();
    printing("{\"ok\":1}{\"second\":2}\n")
        .event("{}")
        .expect_response("{\"ok\":1}")
        .event("{}")
        .expect_response("{\"ok\":1}")
        .expect_log("{\"second\":2}")
        .run();
}

#[test]
fn no_answer_but_text_is_quoted_in_the_error() {
    Function::bash("read -r e; echo 'Usage: handler FILE'; exit 0")
        .mode("loop")
        .event("{}")
        .expect_error("Runtime.ExitError", "Usage: handler FILE")
        .run();
    Function::bash("read -r e; printf '{\"half\": [1, 2'; exit 4")
        .event("{}")
        .expect_error("Runtime.ExitError", "exit status 4")
        .run();
}

#[test]
fn late_output_is_never_the_next_answer() {
    let script =
        "while read -r e; do echo \"{\\\"event\\\":$e}\"; echo \"{\\\"late\\\":$e}\"; echo done > printed; done";
    let function = Function::bash(script).mode("loop").pipe("printed").start();
    for number in 1..=5 {
        let answer = function.call(number.to_string());
        assert_eq!(answer.response_text(), format!("{{\"event\":{number}}}"));
        // Only now has the late line surely left the handler.
        function.pipe("printed").hear();
    }
    function.call("6");
    for number in 1..=5 {
        function.wait_log(&format!("{{\"late\":{number}}}"));
    }
}

#[test]
fn an_early_answer_stands_and_a_handler_that_reads_the_rest_is_kept() {
    let script = "import os, sys
while sys.stdin.buffer.read(1):
    print('{\"pid\":%d}' % os.getpid(), flush=True)
    sys.stdin.buffer.readline()
";
    let function = Function::python(script).mode("loop").start();
    let event = format!("\"{}\"", "x".repeat(2_000_000));
    let first = function.call(event.clone());
    assert_eq!(first.response(), function.call("{}").response());
    assert_eq!(first.response(), function.call(event).response());
}

#[test]
fn an_early_answer_stands_and_a_handler_that_leaves_the_rest_is_replaced() {
    let script = "import os, sys, time
while True:
    first = os.read(0, 1)
    print('{\"pid\":%d}' % os.getpid(), flush=True)
    if first == b'\"':
        time.sleep(1000)
    while os.read(0, 1) != b'\\n':
        pass
";
    let function = Function::python(script).mode("loop").start();
    let first = function.call(format!("\"{}\"", "x".repeat(2_000_000))).json();
    let second = function.call("{}").json();
    assert!(second["pid"].is_number());
    assert_ne!(first["pid"], second["pid"], "a handler that still holds half an event was used again");
}

#[test]
fn an_error_object_is_an_error_and_the_handler_lives_on() {
    let script = "while IFS= read -r e; do echo \"$e\"; echo $$ >> /tmp/pids; done";
    let function = Function::bash(script).mode("loop").start();
    let body = r#"{"errorMessage":"no such user","errorType":"User.Missing","stackTrace":["a","b"]}"#;
    let answer = function.call(body);
    assert_eq!(answer.error("User.Missing"), "no such user");
    assert_eq!(answer.text(), body);
    function.wait_log("no such user");

    let answer = function.call(r#"{"errorMessage":"bare"}"#);
    assert_eq!(answer.0.call, Call::Error);
    assert_eq!(answer.text(), r#"{"errorMessage":"bare"}"#);
    assert_eq!(answer.0.header("Lambda-Runtime-Function-Error-Type"), Some("Function.Unknown"));

    // Anything more, or without the message, or further in, is a response.
    for body in [
        r#"{"errorMessage":"m","errorType":"T","more":1}"#,
        r#"{"errorType":"T"}"#,
        r#"{"nested":{"errorMessage":"m"}}"#,
        r#"[{"errorMessage":"m"}]"#,
    ] {
        assert_eq!(function.call(body).response_text(), body);
    }
    let pids = function.tmp().read("pids");
    assert!(pids.lines().all(|pid| Some(pid) == pids.lines().next()), "the handler was started again: {pids}");
}

#[test]
fn an_error_type_that_no_header_can_hold_is_an_error_all_the_same() {
    let function = Function::bash("while IFS= read -r e; do echo \"$e\"; done").mode("loop").start();
    let long = "T".repeat(100_000);
    for kind in ["two\\nlines", "\\r\\nInjected: header", "\u{e4}\u{1f600}", "\\u0000", "", long.as_str()] {
        let body = format!("{{\"errorMessage\":\"m\",\"errorType\":\"{kind}\"}}");
        let answer = function.call(body.clone());
        assert_eq!((answer.0.call, answer.text()), (Call::Error, body));
        assert_eq!(answer.0.header("Injected"), None);
    }
    assert_eq!(function.call("1").response(), b"1");
}

#[test]
fn an_answer_that_is_not_utf8_is_an_error_and_the_handler_is_kept() {
    let script = "import os, sys
for line in sys.stdin:
    sys.stdout.buffer.write(b'{\"a\":\"\\xff\"}\\n' if line == '1\\n' else b'[%d]\\n' % os.getpid())
    sys.stdout.flush()
";
    let function = Function::python(script).mode("loop").start();
    let before = function.call("0").text();
    function.call("1").error("Runtime.MarshalError");
    assert_eq!(function.call("2").response_text(), before);
}

#[test]
fn a_handler_that_closes_its_stdout_cannot_hold_up_the_function() {
    let function =
        Function::bash("while read -r e; do [ $e = 1 ] && exec >&-; echo $e; sleep 0; done").mode("loop").start();
    assert_eq!(function.call("0").response(), b"0");
    let answer = function.call(Event::new("1").deadline_in(std::time::Duration::from_secs(3)));
    assert_eq!(answer.0.call, Call::Error);
    assert_eq!(function.call("2").response(), b"2");
}
