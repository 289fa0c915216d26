//! Faults: what happens when time runs out, when a handler dies, when it cannot be started again, when `bootstrap` is told
//! to stop. Whatever it is, the event gets one answer and the function goes on.

use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function, Running};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

const TIMEOUT: &str = "Runtime.InvokeTimeout";
const TOO_LARGE: &str = "Function.ResponseSizeTooLarge";
/// Wide, where a test looks at the clock: the machine may be busy with other tests.
const MARGIN: &str = "HANDLER_DEADLINE_MARGIN_MS";
const LIMIT: usize = 6_291_556;

/// Sends an event with this much time, and gives the time-out's message.
#[track_caller]
fn time_out(function: &Running, body: &str, time: Duration) -> String {
    let sent = Instant::now();
    let answer = function.call(Event::new(body).deadline_in(time));
    // The event was given out after it was sent: this is a little stricter than its own deadline.
    assert!(answer.0.at < sent + time, "reported too late\n{}", function.story());
    answer.error(TIMEOUT)
}

#[test]
fn a_hanging_handler_is_killed_with_its_group_and_the_sandbox_survives() {
    let script = "sleep 1000 & while read -r e; do [ $e = 1 ] && sleep 1000; echo \"[$$,$e]\"; done";
    let function = Function::bash(script).env(MARGIN, "1000").start();
    let before = function.call("0").json();
    time_out(&function, "1", Duration::from_secs(3));
    let after = function.call("2").json();
    assert_ne!(before[0], after[0]);
    assert_eq!(after[1], 2);
    // Nobody of the first group is left.
    let old = before[0].to_string();
    let groups: Vec<_> =
        function.others().into_iter().filter_map(|pid| nix::unistd::getpgid(Some(Pid::from_raw(pid))).ok()).collect();
    assert!(groups.iter().all(|group| group.to_string() != old), "{groups:?}");
}

#[test]
fn a_time_out_kills_what_ignores_sigterm() {
    let script = "trap '' TERM INT HUP; exec 9> alive; while read -r e; do while :; do sleep 1000; done; done";
    let function = Function::bash(script).lifeline("alive").env(MARGIN, "1000").start();
    time_out(&function, "1", Duration::from_secs(3));
    function.wait_idle();
    function.signal(Signal::SIGKILL);
    function.pipe("alive").wait_dead();
}

#[test]
fn a_handler_that_does_not_read_a_large_event_runs_out_of_time() {
    let script = "while read -r -n 1 c; do [ $c = 7 ] && sleep 1000; read -r rest; echo 1; done";
    let function = Function::bash(script).mode("loop").env(MARGIN, "1000").start();
    time_out(&function, &format!("7{}", "0".repeat(1_000_000)), Duration::from_secs(2));
    assert_eq!(function.call("1").response(), b"1");
}

#[test]
fn the_message_of_a_time_out_says_what_was_seen() {
    let script =
        "while read -r e; do case $e in 1) echo 'Loading the model'; sleep 1000;; 2) sleep 1000;; *) ;; esac; done";
    let function = Function::bash(script).mode("loop").env(MARGIN, "1000").start();
    let message = time_out(&function, "1", Duration::from_secs(2));
    assert!(message.contains("Loading the model"), "{message}");
    let message = time_out(&function, "2", Duration::from_secs(2));
    assert!(message.contains("no output"), "{message}");
    let message = time_out(&function, "3", Duration::from_secs(2));
    assert!(message.contains("stdin") && message.contains("HANDLER_MODE"), "{message}");
}

#[test]
fn the_margin_is_a_variable() {
    let script = "while read -r e; do sleep 1000; done";
    let function = Function::bash(script).env(MARGIN, "3000").start();
    let sent = Instant::now();
    let answer = function.call(Event::new("1").deadline_in(Duration::from_secs(5)));
    answer.error(TIMEOUT);
    let took = answer.0.at - sent;
    assert!(took > Duration::from_millis(1900) && took < Duration::from_millis(4500), "{took:?}");
}

#[test]
fn a_deadline_within_the_margin_leaves_half_the_time() {
    let script = "while read -r e; do [ $e = 1 ] && sleep 1000; echo $e; done";
    let function = Function::bash(script).env(MARGIN, "60000").start();
    time_out(&function, "1", Duration::from_secs(4));
    assert_eq!(function.call("2").response(), b"2");
}

type Change = fn(Event) -> Event;

#[test]
fn a_deadline_that_is_not_in_the_future_is_none() {
    let script = "while read -r e; do echo got >&2; read -r x < go; echo $e; done";
    let events: [(&str, Change); 7] = [
        ("as an emulator has it", |event| event.deadline_header("600000")),
        ("zero", |event| event.deadline_header("0")),
        ("absent", Event::without_deadline),
        ("empty", |event| event.deadline_header("")),
        ("in the year 300,000", |event| event.deadline_header("9403825420800000")),
        ("as far as a number goes", |event| event.deadline_header("18446744073709551615")),
        ("further", |event| event.deadline_header("9223372036854775807")),
    ];
    for (what, deadline) in events {
        let function = Function::bash(script).pipe("go").start();
        let id = function.send(deadline(Event::new("1")));
        function.wait_log("got");
        function.pipe("go").ring();
        let answer = function.answer(&id);
        assert!(answer.0.call == Call::Response, "a deadline that is {what}: {}", answer.0);
    }
}

#[test]
fn an_answer_may_be_as_large_as_lambda_takes() {
    let script = "import sys
for line in sys.stdin:
    sys.stdout.write('\"' + 'x' * (int(line) - 2) + '\"\\n'); sys.stdout.flush()
";
    for mode in ["loop", "auto"] {
        let function = Function::python(script).mode(mode).start();
        assert_eq!(function.call(LIMIT.to_string()).response().len(), LIMIT);
        let message = function.call((LIMIT + 1).to_string()).error(TOO_LARGE);
        assert!(message.contains("6291556") || message.contains("6,291,556"), "{message}");
        assert_eq!(function.call("10").response().len(), 10);
    }
}

#[test]
fn a_handler_with_too_large_an_answer_is_kept_if_it_can_be_read_to_its_end() {
    let script = "import os, sys
for line in sys.stdin:
    print('[%d, \"%s\"]' % (os.getpid(), 'x' * int(line)), flush=True)
";
    let function = Function::python(script).mode("loop").start();
    let before = function.call("1").json();
    function.call((3 * LIMIT).to_string()).error(TOO_LARGE);
    assert_eq!(function.call("1").json(), before, "it could be read to its end, and was replaced");
    function.call((5 * LIMIT).to_string()).error(TOO_LARGE);
    assert_ne!(function.call("1").json(), before, "its answer was more than four times too large");
}

#[test]
fn too_large_an_answer_of_a_oneshot_is_an_error() {
    let script = "n=$(cat); head -c $n /dev/zero | tr '\\0' 7";
    let function = Function::bash(script).mode("oneshot").start();
    assert_eq!(function.call(LIMIT.to_string()).response().len(), LIMIT);
    function.call((LIMIT + 1).to_string()).error(TOO_LARGE);
    function.call((10 * LIMIT).to_string()).error(TOO_LARGE);
    assert_eq!(function.call("3").response(), b"777");
}

#[test]
fn a_handler_that_dies_idle_is_started_again_and_nothing_is_reported() {
    let script = "mkdir /tmp/first && exec 9> alive; while read -r e; do echo \"[$$,$e]\"; done";
    let function = Function::bash(script).lifeline("alive").start();
    let before = function.call("1").json();
    function.wait_idle();
    let pid = i32::try_from(before[0].as_i64().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    function.pipe("alive").wait_dead();
    let after = function.call("2").json();
    assert_eq!(after[1], 2);
    assert_ne!(before[0], after[0]);
    assert!(function.requests_so_far(Call::Error).is_empty());
}

#[test]
fn a_handler_that_ends_just_after_its_answer_never_costs_an_event() {
    // It dies before it reads the next event, at a moment of its own choice.
    let function =
        Function::bash("read -r e; echo \"$e\"; sleep 0.0$((RANDOM % 9)); exit $((RANDOM % 2))").mode("loop").start();
    for number in 0..15 {
        assert_eq!(function.call(number.to_string()).response_text(), number.to_string());
    }
}

#[test]
fn a_crash_is_reported_before_the_handler_is_started_again() {
    let script = "echo start >> /tmp/state; sleep 0.2; echo ready >> /tmp/state; while read -r e; do [ $e = 1 ] && exit 1; echo $e; done";
    let function = Function::bash(script).start();
    let state = function.tmp().path().join("state");
    function.call("0");
    function.server().probe(Box::new(move || std::fs::read_to_string(&state).unwrap()));
    let answer = function.call("1");
    answer.error("Runtime.ExitError");
    assert_eq!(answer.0.probe, "start\nready\n", "nothing was started before the error was posted");
    let asked = function.requests(Call::Next, 3);
    assert_eq!(asked[2].probe, "start\nready\nstart\nready\n", "it was ready before the next event was asked for");
}

#[test]
fn grandchildren_that_hold_the_pipes_are_not_waited_for() {
    let script = "exec 9> alive; while read -r e; do [ $e = 1 ] && { sleep 1000 & exit 3; }; echo $e; done";
    let function = Function::bash(script).lifeline("alive").start();
    let message = function.call("1").error("Runtime.ExitError");
    assert!(message.contains("exit status 3"), "{message}");
    assert_eq!(function.call("2").response(), b"2");
    assert_eq!(function.others().len(), 1, "the grandchild was to die with its group");
}

#[test]
fn after_five_failed_starts_bootstrap_ends() {
    let script = "[ -e /tmp/broken ] && { echo attempt >> /tmp/attempts; exit 4; }; while read -r e; do touch /tmp/broken; exit 3; done";
    let function = Function::bash(script).start();
    let first = function.send("1");
    let second = function.send(Event::new("2").deadline_in(Duration::from_secs(5)));
    function.answer(&first).error("Runtime.ExitError");
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert_eq!(function.tmp().read("attempts").lines().count(), 5);
    // The second event may have been left to the next sandbox, but not fetched and forgotten.
    let fetched = function.requests_so_far(Call::Next).iter().any(|request| request.id == second);
    let answered = function.requests_so_far(Call::Error).iter().any(|request| request.id == second);
    assert_eq!(fetched, answered, "{}", function.story());
}

#[test]
fn a_handler_that_has_vanished_ends_bootstrap_too() {
    let function = Function::bash("while read -r e; do exit 3; done").start();
    function.wait_idle();
    std::fs::remove_file(function.outside("/var/task/handler")).unwrap();
    assert!(function.call("1").error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
}

#[test]
fn a_handler_that_starts_again_after_some_attempts_is_used_and_forgiven() {
    let script = "for try in 1 2 3 4; do [ -e /tmp/broken$try ] && { rm /tmp/broken$try; exit 4; }; done
while read -r e; do [ $e = 0 ] && { touch /tmp/broken1 /tmp/broken2 /tmp/broken3 /tmp/broken4; exit 3; }; echo $e; done";
    let function = Function::bash(script).start();
    for number in 1..=2 {
        function.call("0").error("Runtime.ExitError");
        assert_eq!(function.call(number.to_string()).response_text(), number.to_string());
    }
}

#[test]
fn an_event_that_arrives_while_nothing_can_be_started_gets_its_error_in_time() {
    let script = "[ -e /tmp/broken ] && exit 4; while read -r e; do touch /tmp/broken; exit 3; done";
    let function = Function::bash(script).start();
    let sent = Instant::now();
    function.send("1");
    let ids: Vec<_> = (0..3).map(|_| function.send(Event::new("2").deadline_in(Duration::from_secs(2)))).collect();
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert!(sent.elapsed() < Duration::from_secs(30));
    for id in ids {
        let Some(next) = function.requests_so_far(Call::Next).into_iter().find(|request| request.id == id) else {
            continue;
        };
        let answer = function.answer(&id);
        assert_eq!(answer.0.call, Call::Error);
        assert!(answer.0.at < next.at + Duration::from_secs(20), "{}", function.story());
    }
}
