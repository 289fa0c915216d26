//! The end of `bootstrap`: told to stop, or killed, it leaves nothing behind.

use crate::harness::watch::Exit;
use crate::harness::{Call, Function};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// A loop whose whole group holds the line `alive`, and which says when it is told to stop.
const POLITE: &str = "exec 9> alive
trap 'echo told to stop >&2; exit 0' TERM INT
sleep 1000 &
while read -r e; do echo \"$e\"; done";

#[test]
fn a_signal_is_passed_on_and_ends_bootstrap_with_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let function = Function::bash(POLITE).lifeline("alive").start();
        function.call("1");
        function.wait_idle();
        function.signal(signal);
        assert_eq!(function.exit(), Exit::Status(0), "{signal}\n{}", function.story());
        assert!(function.stderr().contains("told to stop"), "{signal}\n{}", function.story());
        function.pipe("alive").wait_dead();
        assert!(function.requests_so_far(Call::Error).is_empty());
    }
}

#[test]
fn who_does_not_listen_is_killed_after_300_ms() {
    let script = "trap '' TERM INT; exec 9> alive; while :; do read -r e || sleep 1000; echo \"$e\"; done";
    let function = Function::bash(script).lifeline("alive").start();
    function.call("1");
    function.wait_idle();
    let told = Instant::now();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0));
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    function.pipe("alive").wait_dead();
}

#[test]
fn a_signal_while_the_handler_starts_ends_bootstrap() {
    let function = Function::bash("exec 9> alive; echo booting >&2; sleep 1000").lifeline("alive").start();
    function.wait_log("booting");
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
    function.pipe("alive").wait_dead();
}

#[test]
fn a_signal_while_nothing_can_be_started_ends_bootstrap() {
    let script =
        "[ -e /tmp/broken ] && { echo attempt >&2; exit 4; }; while read -r e; do touch /tmp/broken; exit 3; done";
    let function = Function::bash(script).start();
    function.call("1").error("Runtime.ExitError");
    function.wait_log("attempt");
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
}

#[test]
fn in_the_middle_of_an_event_its_answer_still_counts() {
    let script =
        "trap 'echo \"\\\"finished\\\"\"; exit 0' TERM; while read -r e; do echo busy >&2; sleep 1000 & wait; done";
    let function = Function::bash(script).start();
    let id = function.send("1");
    function.wait_log("busy");
    function.signal(Signal::SIGTERM);
    assert_eq!(function.answer(&id).response(), b"\"finished\"");
    assert_eq!(function.exit(), Exit::Status(0));
}

#[test]
fn in_the_middle_of_an_event_no_answer_is_an_error() {
    let script = "trap '' TERM; exec 9> alive; while read -r e; do echo busy >&2; while :; do sleep 1000; done; done";
    let function = Function::bash(script).lifeline("alive").start();
    let id = function.send("1");
    function.wait_log("busy");
    function.signal(Signal::SIGTERM);
    function.answer(&id).error("Runtime.Shutdown");
    assert_eq!(function.exit(), Exit::Status(0));
    function.pipe("alive").wait_dead();
}

#[test]
fn a_oneshots_standby_goes_too() {
    let function = Function::bash("exec 9> alive; sleep 1000 & cat").mode("oneshot").lifeline("alive").start();
    function.call("1");
    function.wait_idle();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0));
    function.pipe("alive").wait_dead();
}

#[test]
fn the_handler_dies_with_a_killed_bootstrap() {
    // No grandchild here: the kernel's help reaches the handler alone.
    let script = "trap '' TERM INT HUP; exec 9> alive; while :; do read -r e && echo \"$e\"; done";
    for busy in [false, true] {
        let function = Function::bash(script).lifeline("alive").start();
        function.call("1");
        if busy {
            // Started again, by whatever thread that was, the bond must still hold.
            let id = function.send("2");
            function.answer(&id);
        }
        function.wait_idle();
        function.signal(Signal::SIGKILL);
        function.pipe("alive").wait_dead();
        assert_eq!(function.exit(), Exit::Signal(9));
    }
}

#[test]
fn the_bond_holds_for_a_handler_that_was_started_again() {
    let script = "trap '' TERM INT HUP; exec 9> alive; while :; do read -r e; [ \"$e\" = 1 ] && exit 1; [ \"$e\" ] && echo \"$e\"; done";
    let function = Function::bash(script).lifeline("alive").start();
    function.call("1").error("Runtime.ExitError");
    assert_eq!(function.call("2").response(), b"2");
    function.signal(Signal::SIGKILL);
    function.pipe("alive").wait_dead();
}
