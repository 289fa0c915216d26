//! A clock that jumps: the wall clock of a sandbox that was asleep, or that somebody sets. Lambda says by it when an event's
//! time is up; whatever it says later, the event's time stays as long as it was.

use crate::harness::clock::Clock;
use crate::harness::{Event, Function, Running};
use serde_json::Value;
use std::time::{Duration, Instant};

const DAY: i64 = 24 * 60 * 60;

/// Answers when the test rings `go`.
const WAITS: &str = "exec 8<> go; while read -r e; do echo \"busy $e\" >&2; read -r -u 8 _; echo \"$e\"; done";

fn waits(clock: &Clock) -> Running {
    Function::bash(WAITS).pipe("go").env("AWS_LAMBDA_LOG_FORMAT", "JSON").start_with_clock(clock)
}

/// The year that the log's line about this has.
fn year_of(function: &Running, message: &str) -> i64 {
    function.wait_log(message);
    let log = function.stderr();
    let line: Value = serde_json::from_str(log.lines().find(|line| line.contains(message)).unwrap()).unwrap();
    line["timestamp"].as_str().unwrap()[..4].parse().unwrap()
}

#[test]
fn a_jump_in_the_middle_of_an_event_changes_nothing() {
    for jump in [3000 * DAY, -3000 * DAY] {
        let clock = Clock::default();
        let function = waits(&clock);
        let id = function.send("1");
        let before = year_of(&function, "busy 1");
        clock.set(jump);
        function.pipe("go").ring();
        assert_eq!(function.answer(&id).response(), b"1");
        // The next one is handed out by a clock that is years away: its deadline is past, or far.
        let id = function.send("2");
        let after = year_of(&function, "busy 2");
        assert!((after - before).abs() >= 8, "the clock has not jumped: {before}, {after}");
        function.pipe("go").ring();
        assert_eq!(function.answer(&id).response(), b"2");
    }
}

#[test]
fn an_event_has_as_much_time_as_it_was_given() {
    for jump in [3000 * DAY, -3000 * DAY] {
        let clock = Clock::default();
        let function = waits(&clock);
        let sent = Instant::now();
        let id = function.send(Event::new("1").deadline_in(Duration::from_secs(3)));
        function.wait_log("busy 1");
        clock.set(jump);
        let answer = function.answer(&id);
        answer.error("Runtime.InvokeTimeout");
        let took = answer.0.at - sent;
        assert!(took > Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
        clock.set(0);
        function.pipe("go").ring();
        assert_eq!(function.call("2").response(), b"2");
    }
}

#[test]
fn restarts_do_not_wait_for_the_clock() {
    // The pauses between starts are short whatever the time of day is.
    let clock = Clock::default();
    let script = "[ -e broken ] && { rm broken; exit 4; }; while read -r e; do [ $e = 1 ] && { touch broken; exit 3; }; echo $e; done";
    let function = Function::bash(script).start_with_clock(&clock);
    for jump in [DAY, -DAY, 0] {
        let id = function.send("1");
        function.answer(&id).error("Runtime.ExitError");
        clock.set(jump);
        assert_eq!(function.call(Event::new("2").without_deadline()).response(), b"2");
    }
}
