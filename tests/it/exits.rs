//! Loop, when the handler ends: before its answer, after it, with a status or by a signal.

use crate::harness::Function;

#[test]
fn exit_0_after_an_answer_is_a_start_again() {
    let function = Function::bash("read -r e; echo \"[$$]\"").mode("loop").start();
    let answers: Vec<_> = (0..5).map(|_| function.call("{}").response_text().to_owned()).collect();
    for pair in answers.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    assert!(!function.stderr().contains("ERROR"), "{}", function.story());
}

#[test]
fn an_end_after_an_answer_is_no_failed_start_however_often() {
    let function = Function::bash("read -r e; echo \"$e\"; exit 3").mode("loop").start();
    for event in 1..=8 {
        assert_eq!(function.call(event.to_string().as_str()).response_text(), event.to_string());
    }
    function.wait_log("the handler ended with exit status 3 after its answer; it is started again");
    assert!(!function.stderr().contains("could not be started"), "{}", function.story());
}

#[test]
fn an_exit_before_the_answer_is_an_error_with_the_end_of_stderr() {
    let script = "echo started >&2
while read -r e; do
    echo \"about $e\" >&2
    case $e in
        1) exit 3;;
        2) exit 0;;
        *) echo \"$e\";;
    esac
done";
    let function = Function::bash(script).mode("loop").start();
    assert_eq!(function.call("7").response(), b"7");
    let answer = function.call("1");
    assert!(answer.error("Runtime.ExitError").contains("exit status 3"), "{}", answer.text());
    assert_eq!(answer.stack(), ["about 1"], "only what was written for this event");
    let answer = function.call("2");
    assert!(answer.error("Runtime.ExitError").contains("exit status 0"), "{}", answer.text());
    assert_eq!(function.call("8").response(), b"8");
}

#[test]
fn a_long_stderr_leaves_its_end_in_the_stack_trace() {
    let script = "read -r e; for i in $(seq 5000); do echo \"line $i\" >&2; done; exit 1";
    let function = Function::bash(script).mode("loop").start();
    let stack = function.call("{}").stack();
    assert_eq!(stack.last().map(String::as_str), Some("line 5000"));
    assert!(stack.len() < 5000, "{} lines", stack.len());
    function.wait_log("line 1\n");
    function.wait_log("line 5000\n");
}

#[test]
fn an_error_stays_small_whatever_was_printed() {
    let script =
        "read -r e; head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; exit 1";
    for mode in ["loop", "oneshot"] {
        let answer = Function::bash(script).mode(mode).start().call("{}");
        answer.error("Runtime.ExitError");
        assert!(answer.0.body.len() < 1_000_000, "{mode}: {} bytes", answer.0.body.len());
    }
}

#[test]
fn death_by_a_signal_is_named() {
    for (signal, name) in [
        ("SEGV", "signal SIGSEGV (11)"),
        ("KILL", "signal SIGKILL (9)"),
        ("TERM", "signal SIGTERM (15)"),
        ("ABRT", "signal SIGABRT (6)"),
        ("RTMIN", "signal real-time (34)"),
    ] {
        Function::bash(&format!("while read -r e; do [ $e = 1 ] && kill -{signal} $$; echo $e; done"))
            .mode("loop")
            .event("0")
            .expect_response("0")
            .event("1")
            .expect_error("Runtime.ExitError", name)
            .event("2")
            .expect_response("2")
            .run();
    }
}

#[test]
fn a_bad_exit_after_the_answer_leaves_the_answer_and_a_log_line() {
    Function::bash("read -r e; echo \"$e\"; exit 5")
        .mode("loop")
        .event("1")
        .expect_response("1")
        .event("2")
        .expect_response("2")
        .expect_log("exit status 5")
        .run();
    Function::bash("read -r e; echo \"$e\"; kill -9 $$")
        .mode("loop")
        .event("1")
        .expect_response("1")
        .event("2")
        .expect_response("2")
        .expect_log("SIGKILL")
        .run();
}

#[test]
fn standby_is_there_for_a_loop_that_asks_for_it() {
    let script = "while read -r e; do [ $e = 1 ] && exit 1; echo $$; done";
    let function = Function::bash(script).mode("loop").env("HANDLER_STANDBY", "1").start();
    let first = function.call("0").text();
    function.wait_idle();
    let standing_by: Vec<_> =
        function.children().into_iter().map(|(pid, _)| pid.to_string()).filter(|pid| *pid != first).collect();
    assert_eq!(standing_by.len(), 1, "{standing_by:?}");
    function.call("1").error("Runtime.ExitError");
    assert_eq!(function.call("0").text(), standing_by[0]);
}

#[test]
fn an_early_answer_stands_where_the_rest_of_the_event_is_never_read() {
    // Writing the rest ends in a broken pipe, which is nobody's fault.
    let function = Function::bash("head -c 1 > /dev/null; echo \"[$$]\"; exit 0").mode("loop").start();
    let event = format!("\"{}\"", "x".repeat(2_000_000));
    let first = function.call(event.clone()).json();
    assert_ne!(function.call(event).json(), first);
    assert!(function.call("1").json().is_array());
}

#[test]
fn a_death_in_the_middle_of_reading_is_an_error_and_not_a_second_try() {
    let script = "echo start >> /tmp/starts; while read -r -n 1 c; do [ $c = 7 ] && { echo read >> /tmp/reads; exit 3; }; read -r rest; echo 1; done";
    let function = Function::bash(script).mode("loop").start();
    let event = format!("7{}", "0".repeat(1_000_000));
    assert!(function.call(event).error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(function.call("1").response(), b"1");
    assert_eq!(function.tmp().read("reads").lines().count(), 1);
    assert_eq!(function.tmp().read("starts").lines().count(), 2);
}

#[test]
fn a_handler_that_never_gets_to_reading_is_tried_twice() {
    // It sees that there is something to read, and dies of it.
    let script = "import select, sys
open('/tmp/starts', 'a').write('start\\n')
select.select([sys.stdin], [], [])
sys.exit(3)
";
    let function = Function::python(script).mode("loop").start();
    for number in 1..=2 {
        assert!(function.call("1").error("Runtime.ExitError").contains("exit status 3"));
        function.wait_idle();
        assert_eq!(function.tmp().read("starts").lines().count(), 2 * number + 1);
    }
}
