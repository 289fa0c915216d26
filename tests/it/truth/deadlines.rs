//! Deadlines: the next event is asked for before this one's time is up, whatever is starting meanwhile, and a start lives
//! through the time-outs of the events that wait for it.

use crate::harness::watch::Exit;
use crate::harness::{Call, Event, Function};
use std::time::Duration;

/// Wide enough for a busy machine, and for a start within it.
const MARGIN: u64 = 1000;

/// A handler whose start takes this long, hangs with the event 1, dies of the event 2, and notes its starts.
fn slow(start: &str) -> Function {
    let script = format!(
        "echo start >> /tmp/starts; sleep {start}
while read -r e; do [ $e = 1 ] && sleep 1000; [ $e = 2 ] && exit 3; echo \"$e\"; done"
    );
    Function::bash(&script).in_task_root().env("HANDLER_DEADLINE_MARGIN_MS", MARGIN.to_string())
}

/// The next event is asked for before the deadline of this one, though the handler takes longer to start again.
#[track_caller]
fn the_next_is_asked_for_in_time(start: &str, event: &str, kind: &str) {
    let function = slow(start).start();
    function.call("0");
    function.wait_idle();
    let time = Duration::from_secs(3);
    let id = function.send(Event::new(event).deadline_in(time));
    function.answer(&id).error(kind);
    let asked = function.requests(Call::Next, 3);
    let given = asked.iter().find(|request| request.id == id).unwrap();
    // What was asked when idle was given out when it was sent: the error cannot be later than a margin before its time.
    let answered = function.answer(&id).0.at;
    let next = asked.iter().find(|request| request.number > given.number && request.at >= answered).unwrap();
    let after_error = next.at - answered;
    if kind == "Runtime.InvokeTimeout" {
        // The error came a margin before the deadline at the latest, and half of that is left.
        assert!(
            after_error < Duration::from_millis(MARGIN * 3 / 4),
            "asked {after_error:?} after the error\n{}",
            function.story()
        );
    } else {
        // It died at once, and has until half a margin before the deadline to start.
        assert!(after_error + Duration::from_millis(MARGIN / 4) < time, "{after_error:?}\n{}", function.story());
    }
    assert_eq!(function.call("3").response_text(), "3");
    assert_eq!(function.tmp().read("starts").lines().count(), 2, "the start was not left alone");
}

#[test]
fn after_a_time_out() {
    the_next_is_asked_for_in_time("1.5", "1", "Runtime.InvokeTimeout");
}

#[test]
fn after_a_crash() {
    the_next_is_asked_for_in_time("4", "2", "Runtime.ExitError");
}

#[test]
fn after_a_crash_the_start_is_waited_for_as_long_as_there_is_time() {
    let function = slow("0.5").start();
    function.call("0");
    let starts = function.tmp().path().join("starts");
    function.call(Event::new("2").deadline_in(Duration::from_secs(30))).error("Runtime.ExitError");
    let asked = function.requests(Call::Next, 3);
    let answered = function.requests(Call::Error, 1)[0].at;
    assert!(asked[2].at - answered > Duration::from_millis(400), "it was asked for before the start");
    assert_eq!(std::fs::read_to_string(starts).unwrap().lines().count(), 2);
}

#[test]
fn an_event_that_comes_during_a_start_fails_in_its_time_and_the_start_goes_on() {
    let function = slow("4").env("HANDLER_DEADLINE_MARGIN_MS", "200").start();
    function.call("0");
    let short = |body: &str| Event::new(body).deadline_in(Duration::from_millis(1500));
    function.call(short("1")).error("Runtime.InvokeTimeout");
    // It is starting now, for longer than this one has.
    let message = function.call(short("3")).error("Runtime.InvokeTimeout");
    assert!(message.contains("still starting"), "{message}");
    assert_eq!(function.call(Event::new("4")).response_text(), "4", "{}", function.story());
    assert_eq!(function.tmp().read("starts").lines().count(), 2, "the start began again\n{}", function.story());
}

#[test]
fn starts_that_fail_during_events_count() {
    // Once it is broken, each start takes longer than an event has, and fails.
    let script = "[ -e /tmp/broken ] && { echo start >> /tmp/starts; sleep 0.7; exit 4; }
while read -r e; do touch /tmp/broken; exit 3; done";
    let function = Function::bash(script).in_task_root().start();
    function.call("1").error("Runtime.ExitError");
    // As many as it takes; the last ones may be for the next sandbox.
    let ids: Vec<_> = (0..60).map(|_| function.send(Event::new("2").deadline_in(Duration::from_millis(500)))).collect();
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert_eq!(function.tmp().read("starts").lines().count(), 5, "{}", function.story());
    let given = function.requests_so_far(Call::Next);
    for id in ids.iter().filter(|id| given.iter().any(|request| request.id == **id)) {
        assert_eq!(function.answer(id).0.call, Call::Error);
    }
}
