//! Auto, the default: loop, until a handler is seen to wait for the end of its input.

use crate::harness::{Call, Event, Function};
use std::time::Duration;

const FOUND_OUT: &str = "HANDLER_MODE=oneshot";

#[test]
fn a_program_that_reads_to_the_end_is_found_out_once() {
    let function = Function::bash("sort").start();
    for _ in 0..4 {
        assert_eq!(function.call("\"b\"").value(), "\"b\"");
    }
    assert_eq!(function.stderr().matches(FOUND_OUT).count(), 1, "{}", function.story());
}

#[test]
fn a_large_event_is_read_to_its_end() {
    let event = format!("\"{}\"", "x".repeat(3_000_000));
    let function = Function::bash("sort").start();
    for _ in 0..2 {
        assert!(function.call(event.clone()).value() == event);
    }
    function.wait_log(FOUND_OUT);
}

#[test]
fn its_text_counts_as_in_oneshot() {
    let function = Function::bash("tr a-z A-Z").start();
    for _ in 0..3 {
        assert_eq!(function.call("{\"a\":nil}").json(), "{\"A\":NIL}");
    }
}

#[test]
fn a_program_named_on_the_path_is_found_out_too() {
    Function::empty().handler("sort").event("1").expect_value("1").event("2").expect_value("2").run();
}

#[test]
fn lines_finished_before_the_event_are_log_and_what_is_unfinished_begins_the_answer() {
    let function = Function::bash("echo hello; printf 'wor'; cat > /dev/null; echo ld").start();
    for _ in 0..3 {
        assert_eq!(function.call("{}").json(), "world");
    }
    function.wait_log("hello");
}

#[test]
fn text_printed_at_the_start_by_a_loop_is_log() {
    let function = Function::bash("echo hello; while read -r e; do echo \"$e\"; done").event("1").expect_response("1");
    let function = function.event("2").expect_response("2").expect_log("hello").run();
    assert!(!function.stderr().contains(FOUND_OUT), "{}", function.story());
}

#[test]
fn a_slow_loop_is_left_alone() {
    // It reads, though not our stdin, for as long as the test likes, and before its first answer.
    let script = "while read -r e; do echo reading >&2; read -r x < go; echo \"[$$,$e]\"; done";
    let function = Function::bash(script).pipe("go").start();
    let id = function.send("1");
    function.wait_log("reading");
    assert!(function.pipe("go").held_after(Duration::from_millis(300)));
    function.pipe("go").ring();
    let first = function.answer(&id).json();
    let id = function.send("2");
    function.pipe("go").ring();
    let second = function.answer(&id).json();
    assert_eq!((&first[1], &second[1]), (&1.into(), &2.into()));
    assert_eq!(first[0], second[0], "a slow loop was started again");
    assert!(!function.stderr().contains(FOUND_OUT), "{}", function.story());
}

#[test]
fn a_slow_event_loop_is_left_alone() {
    // It waits in epoll, with stdin among what it waits for.
    let script = "const lines = require('readline').createInterface({ input: process.stdin });
lines.on('line', line => setTimeout(() => console.log(`[${process.pid},${line}]`), 400));
lines.on('close', () => console.error('end of file'));
";
    let function = Function::of("node", script).start();
    let first = function.call("1").json();
    let second = function.call("2").json();
    assert_eq!(first[0], second[0]);
    assert!(!function.stderr().contains("end of file"), "{}", function.story());
}

#[test]
fn after_its_first_answer_a_loop_stays_a_loop() {
    // The second event is swallowed: the handler waits for more, which is no reason to close its stdin.
    let script = "trap 'echo end of file >&2' EXIT; while read -r e; do [ $e = 2 ] || echo $e; done";
    let function = Function::bash(script).start();
    assert_eq!(function.call("1").response(), b"1");
    function.call(Event::new("2").deadline_in(Duration::from_secs(1))).error("Runtime.InvokeTimeout");
    assert!(!function.stderr().contains("end of file"), "{}", function.story());
    assert_eq!(function.call("3").response(), b"3");
}

#[test]
fn loop_never_closes_stdin_and_its_time_out_names_the_variable() {
    let function = Function::bash("sort").mode("loop").start();
    let answer = function.call(Event::new("1").deadline_in(Duration::from_secs(1)));
    let message = answer.error("Runtime.InvokeTimeout");
    assert!(message.contains("HANDLER_MODE"), "{message}");
    assert!(message.contains("stdin"), "{message}");
    assert!(function.requests_so_far(Call::Response).is_empty());
}

#[test]
fn a_bad_exit_at_the_end_of_input_is_an_error() {
    let script = "e=$(cat); echo \"got $e\" >&2; echo answer; exit $e";
    let function = Function::bash(script).start();
    let answer = function.call("3");
    assert!(answer.error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(answer.stack(), ["got 3"]);
    assert_eq!(function.call("0").json(), "answer");
    assert_eq!(function.call("0").json(), "answer");
}

#[test]
fn a_reader_in_a_pipeline_of_the_handlers_group_is_found_out() {
    // Nobody but the third process reads our stdin, and the first waits for it.
    let function = Function::bash("(cat | tr a-z A-Z); exit $?").start();
    for _ in 0..2 {
        assert_eq!(function.call("\"ada\"").json(), "ADA");
    }
    function.wait_log(FOUND_OUT);
}
