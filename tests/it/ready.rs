//! Readiness: start-up belongs to the init phase, and so does its failure.

use crate::harness::{Call, Function, Reply};
use std::time::Duration;

/// At the arrival of `/next`, what the handler has put into the file `state`.
#[track_caller]
fn state_when_asked(function: Function, until: impl FnOnce(&crate::harness::Running)) -> String {
    let state = function.tmp().join("state");
    // The first request must find the probe, so the handler is held until it is there.
    let function = function.start();
    function.server().probe(Box::new(move || std::fs::read_to_string(&state).unwrap_or_default()));
    until(&function);
    function.requests(Call::Next, 1)[0].probe.clone()
}

#[test]
fn no_event_is_asked_for_before_the_handler_reads() {
    let script =
        "echo booting >&2; read -r x < go; sleep 0.3; echo booted > /tmp/state; while read -r e; do echo \"$e\"; done";
    let state = state_when_asked(Function::bash(script).pipe("go"), |function| {
        function.wait_log("booting");
        function.pipe("go").ring();
    });
    assert_eq!(state, "booted\n");
}

#[test]
fn a_shell_that_waits_for_its_child_is_ready_when_the_child_reads() {
    let script =
        "read -r x < go; bash -c 'sleep 0.2; echo booted > /tmp/state; while read -r e; do echo \"$e\"; done'; exit $?";
    let state = state_when_asked(Function::bash(script).pipe("go"), |function| {
        function.pipe("go").ring();
    });
    assert_eq!(state, "booted\n");
}

#[test]
fn an_event_loop_is_ready_when_it_polls() {
    let script = "import select, sys
open('go').readline()
open('/tmp/state', 'w').write('booted')
while select.select([sys.stdin], [], [])[0]:
    print(sys.stdin.readline())
";
    let state = state_when_asked(Function::python(script).pipe("go"), |function| {
        function.pipe("go").ring();
    });
    assert_eq!(state, "booted");
}

#[test]
fn a_handler_that_is_never_ready_is_logged_and_used() {
    let script = "read -r x < go; while read -r e; do echo \"$e\"; done";
    let function = Function::bash(script).pipe("go").env("HANDLER_READY_TIMEOUT_MS", "300").start();
    let id = function.send("1");
    function.requests(Call::Next, 1);
    function.wait_log("HANDLER_READY_TIMEOUT_MS");
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).response(), b"1");
    assert!(function.requests_so_far(Call::Init).is_empty());
}

#[test]
fn a_handler_that_ends_at_its_start_is_an_init_error() {
    let function = Function::bash("echo 'no database' >&2; exit 7").start();
    function.init_error("Runtime.ExitError", "exit status 7");
    function.wait_log("no database");
    let report = function.requests(Call::Init, 1).remove(0);
    assert!(String::from_utf8_lossy(&report.body).contains("no database"), "{report}");

    Function::bash("kill -SEGV $$").expect_init_error("Runtime.ExitError", "signal SIGSEGV (11)").run();
    Function::bash("exit 0").mode("loop").expect_init_error("Runtime.ExitError", "exit status 0").run();
    Function::bash("echo 'what it printed'; exit 1")
        .expect_init_error("Runtime.ExitError", "")
        .expect_log("what it printed")
        .run();
}

#[test]
fn a_failed_start_leaves_nobody_behind_and_waits_for_nobody() {
    let function = Function::bash("exec 9> alive; sleep 1000 & exit 7").lifeline("alive").start();
    function.init_error("Runtime.ExitError", "exit status 7");
    function.pipe("alive").wait_dead();
}

#[test]
fn an_init_error_that_cannot_be_reported_ends_all_the_same() {
    for status in [403, 500] {
        let function = Function::bash("exit 7").reply(Call::Init, Reply::Status(status)).start();
        function.init_error("Runtime.ExitError", "exit status 7");
    }
}

#[test]
fn a_ready_handler_is_not_waited_for() {
    // Ready at once, it must not be given the nine seconds that a slow one may take.
    let started = std::time::Instant::now();
    let function =
        Function::bash("while read -r e; do echo \"$e\"; done").env("HANDLER_READY_TIMEOUT_MS", "60000").start();
    function.requests(Call::Next, 1);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
