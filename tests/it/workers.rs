//! Several events at once: each worker's event, context, crash and time-out are its own.

use std::collections::HashSet;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Reply, Running};

const WORKERS: usize = 8;

/// Answers with its process and its context when the test rings `go`, once per answer.
const WAITS: &str = "exec 9<> go; while read -r e; do echo \"busy $e\" >&2; read -r -u 9 _; \
                     echo \"{\\\"event\\\":$e,\\\"pid\\\":$$,\\\"context\\\":$(cat $LAMBDA_CONTEXT_FILE)}\"; done";

/// Sends an event for every worker, and waits until all are being worked on.
fn send_to_all(function: &Running) -> Vec<String> {
    let ids: Vec<_> = (0..WORKERS).map(|number| function.send(number.to_string())).collect();
    for number in 0..WORKERS {
        function.wait_log(&format!("busy {number}"));
    }
    ids
}

#[test]
fn a_bash_script_serves_eight_events_at_once_each_with_its_own_context() {
    let function = Function::bash(WAITS).pipe("go").workers(WORKERS).start();
    let ids = send_to_all(&function);
    (0..WORKERS).for_each(|_| function.pipe("go").ring());
    let mut processes = HashSet::new();
    for (number, id) in ids.iter().enumerate() {
        let answer = function.answer(id).json();
        assert_eq!(answer["event"], number, "{answer}");
        assert_eq!(answer["context"]["awsRequestId"], *id, "{answer}");
        processes.insert(answer["pid"].as_u64());
    }
    assert_eq!(processes.len(), WORKERS, "a process each: {processes:?}");
}

#[test]
fn one_crash_touches_nobody_else() {
    let script =
        "exec 9<> go; while read -r e; do echo \"busy $e\" >&2; [ $e = 3 ] && exit 3; read -r -u 9 _; echo $e; done";
    let function = Function::bash(script).pipe("go").workers(WORKERS).start();
    let ids = send_to_all(&function);
    // It is reported while all others still work.
    assert!(function.answer(&ids[3]).error("Runtime.ExitError").contains("exit status 3"));
    (1..WORKERS).for_each(|_| function.pipe("go").ring());
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| *number != 3) {
        assert_eq!(function.answer(id).response_text(), number.to_string());
    }
    // The one that crashed is back: all eight work again.
    let ids = send_to_all(&function);
    function.answer(&ids[3]).error("Runtime.ExitError");
    (1..WORKERS).for_each(|_| function.pipe("go").ring());
    for (_, id) in ids.iter().enumerate().filter(|(number, _)| *number != 3) {
        function.answer(id).response();
    }
}

#[test]
fn one_time_out_touches_nobody_else() {
    let function = Function::bash(WAITS).pipe("go").workers(2).start();
    let slow = function.send("1");
    function.wait_log("busy 1");
    let hopeless = function.send(Event::new("2").deadline_in(Duration::from_millis(600)));
    function.answer(&hopeless).error("Runtime.InvokeTimeout");
    function.pipe("go").ring();
    assert_eq!(function.answer(&slow).json()["event"], 1);
}

#[test]
fn lambdas_own_variable_says_how_many_and_makes_logs_json() {
    let function = Function::bash(WAITS).pipe("go").workers(3).without_env("HANDLER_WORKERS");
    let function = function.env("AWS_LAMBDA_MAX_CONCURRENCY", "3").start();
    let ids: Vec<_> = (0..3).map(|number| function.send(number.to_string())).collect();
    for (number, id) in ids.iter().enumerate() {
        function.wait_log(&format!("\"message\":\"busy {number}\",\"requestId\":\"{id}\""));
    }
    (0..3).for_each(|_| function.pipe("go").ring());
    for id in &ids {
        function.answer(id).response();
    }
}

#[test]
fn a_number_that_cannot_be_read_is_an_init_error() {
    for count in ["0", "-1", "many", "501"] {
        let function = Function::bash(WAITS).env("HANDLER_WORKERS", count);
        function.expect_init_error("Runtime.InvalidConfiguration", "HANDLER_WORKERS").run();
    }
}

#[test]
fn it_is_an_init_error_only_if_no_worker_can_start() {
    let none = Function::bash("echo no >&2; exit 3").workers(4);
    none.expect_init_error("Runtime.ExitError", "exit status 3").run();
    // The first three to come leave, the others serve.
    let script = "for n in 1 2 3; do mkdir left-$n 2> /dev/null && exit 3; done; while read -r e; do echo $e; done";
    let some = Function::bash(script).workers(5).start();
    let ids: Vec<_> = (0..20).map(|number| some.send(number.to_string())).collect();
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(some.answer(id).response_text(), number.to_string());
    }
    assert!(some.requests_so_far(Call::Init).is_empty());
}

#[test]
fn a_refused_next_is_tried_again_and_ends_it_when_all_have_left() {
    let once = Function::bash("while read -r e; do echo $e; done").workers(2);
    let once = once.reply(Call::Next, Reply::Status(500)).reply(Call::Next, Reply::Status(403)).start();
    assert_eq!(once.call("1").response_text(), "1");
    let mut never = Function::bash("while read -r e; do echo $e; done").workers(2);
    for _ in 0..10 {
        never = never.reply(Call::Next, Reply::Status(500));
    }
    let never = never.start();
    assert_eq!(never.exit(), Exit::Status(1));
    assert_eq!(never.requests_so_far(Call::Next).len(), 10, "five tries each");
}

#[test]
fn a_signal_ends_all_of_them() {
    let function = Function::bash(WAITS).pipe("go").lifeline("alive").workers(WORKERS).start();
    let ids = send_to_all(&function);
    function.signal(Signal::SIGTERM);
    for id in ids {
        function.answer(&id).error("Runtime.Shutdown");
    }
    assert_eq!(function.exit(), Exit::Status(0));
    assert!(function.others().is_empty(), "{:?}", function.others());
}
