//! What goes wrong under AWS's emulator: the event has its error, and the sandbox survives it wherever Lambda's would. The margin
//! is the one that every function has, of 100 ms.

use crate::harness::Function;
use crate::harness::rie::Emulated;
use crate::harness::stalls::unless_all_stalls;
use nix::sys::signal::Signal;
use serde_json::Value;

/// Sends an event that must be an error of this type: its message.
#[track_caller]
fn fails(function: &Emulated, event: &str, kind: &str) -> String {
    let (status, error) = function.call(event);
    assert_eq!((status, &error["errorType"]), (200, &kind.into()), "{error}\n{}", function.story());
    error["errorMessage"].as_str().unwrap().to_owned()
}

/// Serves events; in the middle of them comes one that this handler has no time for. It answers with `bootstrap`'s process id.
#[track_caller]
fn survives_a_time_out(function: impl Fn() -> Function) {
    unless_all_stalls(|| {
        let function = function().timeout(2).start_emulated();
        let answer = |event: &str| {
            let (status, answer) = function.call(event);
            assert_eq!((status, answer.is_u64()), (200, true), "{answer}\n{}", function.story());
            answer
        };
        let bootstrap = answer("1");
        for _ in 0..2 {
            assert_eq!(answer("2"), bootstrap);
            fails(&function, "\"late\"", "Runtime.InvokeTimeout");
            assert_eq!(answer("3"), bootstrap, "another bootstrap than before the time-out\n{}", function.story());
        }
        function.has_survived();
    });
}

const LOOP: &str = "while read -r e; do [ \"$e\" = '\"late\"' ] && sleep 1000; echo $PPID; done";
const ONCE: &str = "e=$(cat); [ \"$e\" = '\"late\"' ] && sleep 1000; echo $PPID";

#[test]
fn a_time_out_leaves_the_sandbox_alone() {
    survives_a_time_out(|| Function::bash(LOOP).mode("loop"));
}

#[test]
fn a_time_out_of_a_handler_that_starts_slowly_does_too() {
    survives_a_time_out(|| Function::bash(&format!("sleep 0.4; {LOOP}")).mode("loop"));
}

#[test]
fn a_time_out_with_a_standby_does_too() {
    survives_a_time_out(|| Function::bash(LOOP).mode("loop").env("HANDLER_STANDBY", "1"));
}

#[test]
fn a_time_out_with_a_standby_that_starts_slowly_does_too() {
    survives_a_time_out(|| Function::bash(&format!("sleep 0.4; {LOOP}")).mode("loop").env("HANDLER_STANDBY", "1"));
}

#[test]
fn a_time_out_in_oneshot_does_too() {
    survives_a_time_out(|| Function::bash(ONCE).mode("oneshot"));
}

#[test]
fn a_time_out_in_oneshot_with_a_slow_start_does_too() {
    survives_a_time_out(|| Function::bash(&format!("sleep 0.4; {ONCE}")).mode("oneshot"));
}

#[test]
fn a_time_out_in_python_does_too() {
    let source = "import os, time\ndef handler(event, context):
    if event == 'late': time.sleep(1000)
    return os.getppid()\n";
    survives_a_time_out(|| Function::empty().file("app.py", source).handler("app.handler"));
}

#[test]
fn a_crash_is_an_error_and_the_next_event_is_answered() {
    for (mode, script) in [
        ("loop", "while read -r e; do [ $e = 3 ] && exit 3; [ $e = 9 ] && kill -9 $$; echo $PPID; done"),
        ("oneshot", "e=$(cat); [ $e = 3 ] && exit 3; [ $e = 9 ] && kill -9 $$; echo $PPID"),
    ] {
        let function = Function::bash(script).mode(mode).start_emulated();
        let bootstrap = function.call("1");
        assert!(fails(&function, "3", "Runtime.ExitError").contains("exit status 3"), "{mode}");
        assert_eq!(function.call("1"), bootstrap, "{mode}\n{}", function.story());
        assert!(fails(&function, "9", "Runtime.ExitError").contains("SIGKILL"), "{mode}");
        assert_eq!(function.call("1"), bootstrap, "{mode}\n{}", function.story());
        function.has_survived();
    }
}

#[test]
fn a_crash_just_before_the_deadline_leaves_the_sandbox_alone() {
    // Half a margin before the deadline the next event is asked for, whether a handler stands there or not.
    let script = "sleep 0.6; while read -r e; do [ $e = 3 ] && { sleep 1.7; exit 3; }; echo $PPID; done";
    unless_all_stalls(|| {
        let function = Function::bash(script).mode("loop").timeout(2).start_emulated();
        let bootstrap = function.call("1");
        for _ in 0..2 {
            fails(&function, "3", "Runtime.ExitError");
            assert_eq!(function.call("1"), bootstrap, "{}", function.story());
        }
        function.has_survived();
    });
}

#[test]
fn an_error_of_the_function_is_the_body() {
    let source = "def handler(event, context): raise KeyError('no kiwis')";
    let function = Function::empty().file("app.py", source).handler("app.handler").start_emulated();
    for _ in 0..2 {
        assert!(fails(&function, "{}", "KeyError").contains("no kiwis"));
    }
    function.has_survived();
}

#[test]
fn an_init_error_is_told_to_every_caller() {
    for (function, kind) in [
        (Function::empty().handler("no-such"), "Runtime.HandlerNotFound"),
        (Function::bash("exit 7"), "Runtime.ExitError"),
        (Function::bash("cat").mode("banana"), "Runtime.InvalidConfiguration"),
        (Function::empty().file("app.py", "import kiwi").handler("app.handler"), "Runtime.ImportModuleError"),
    ] {
        let function = function.start_emulated();
        for _ in 0..2 {
            let (status, error) = function.call("1");
            assert_eq!((status, &error["errorType"]), (502, &Value::from(kind)), "{error}\n{}", function.story());
        }
    }
}

#[test]
fn sigterm_reaches_a_handler_that_wants_it() {
    let script = "trap 'echo said goodbye >&2; exit 0' TERM; while :; do read -r e && echo \"$e\"; done";
    let function = Function::bash(script).env("HANDLER_SHUTDOWN", "graceful").start_emulated();
    assert_eq!(function.call("1"), (200, 1.into()));
    function.signal(Signal::SIGTERM);
    function.wait_log("said goodbye");
}
