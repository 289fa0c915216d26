//! `HANDLER_SHUTDOWN=graceful`: the internal extension, for whose sake Lambda sends SIGTERM.

use crate::harness::watch::Exit;
use crate::harness::{Call, Function, Reply, Running, Shell};
use nix::sys::signal::Signal;

const ECHO: &str = "trap 'echo told to stop >&2; exit 0' TERM; while read -r e; do echo \"$e\"; done";

fn graceful(script: &str) -> Function {
    Function::bash(script).env("HANDLER_SHUTDOWN", "graceful")
}

/// It serves events all the same, says why nothing will come of it, and asks for no extension's events.
#[track_caller]
fn no_effect(function: &Running, reason: &str) {
    assert_eq!(function.call("1").response(), b"1");
    function.wait_log("[WARN] lambda-stdio: HANDLER_SHUTDOWN=graceful has no effect");
    function.wait_log(reason);
    assert!(function.requests_so_far(Call::ExtensionNext).is_empty(), "{}", function.story());
}

#[test]
fn it_registers_before_the_first_event_and_waits_on_a_connection_of_its_own() {
    for prefix in ["", "/.rt/f"] {
        let function = graceful(ECHO).api_path(prefix).start();
        assert_eq!(function.call("1").response(), b"1");
        let waits = function.requests(Call::ExtensionNext, 1).remove(0);
        let register = function.requests(Call::Register, 1).remove(0);
        let next = function.requests(Call::Next, 1).remove(0);
        assert!(register.at <= next.at, "{}", function.story());
        assert_eq!(register.method, "POST");
        assert_eq!(register.path, format!("{prefix}/2020-01-01/extension/register"));
        assert_eq!(register.header("Lambda-Extension-Name"), Some("lambda-stdio"));
        assert_eq!(register.body, br#"{"events":[]}"#);
        assert_eq!(waits.method, "GET");
        assert_eq!(waits.path, format!("{prefix}/2020-01-01/extension/event/next"));
        assert_ne!(waits.connection, next.connection);
        assert!(!function.stderr().contains("WARN"), "{}", function.story());
    }
}

#[test]
fn sigterm_reaches_the_handler_while_the_extension_waits() {
    let function = graceful(ECHO).start();
    function.call("1");
    function.requests(Call::ExtensionNext, 1);
    function.wait_idle();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
    assert!(function.stderr().contains("told to stop"), "{}", function.story());
    assert_eq!(function.requests_so_far(Call::ExtensionNext).len(), 1);
    assert!(!function.stderr().contains("WARN"), "{}", function.story());
}

#[test]
fn a_handler_that_hangs_does_not_hold_up_the_end() {
    let function = graceful("trap '' TERM; exec 9> alive; while :; do read -r e || sleep 1000; echo \"$e\"; done");
    let function = function.lifeline("alive").start();
    function.call("1");
    function.requests(Call::ExtensionNext, 1);
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0));
    function.pipe("alive").wait_dead();
}

#[test]
fn without_it_nothing_is_registered() {
    for value in [None, Some(""), Some("none")] {
        let mut function = Function::bash(ECHO);
        if let Some(value) = value {
            function = function.env("HANDLER_SHUTDOWN", value);
        }
        let function = function.start();
        assert_eq!(function.call("1").response(), b"1");
        assert!(function.requests_so_far(Call::Register).is_empty(), "{value:?}");
    }
}

#[test]
fn a_registration_that_is_refused_is_a_warning() {
    // 404 is what an emulator says that knows no extensions; a 200 that names no identifier is of no use.
    for (status, reason) in [(404, "404"), (403, "403"), (500, "500"), (200, "Lambda-Extension-Identifier")] {
        let function = graceful(ECHO).reply(Call::Register, Reply::Status(status)).start();
        no_effect(&function, reason);
    }
}

#[test]
fn a_registration_that_fails_is_a_warning() {
    no_effect(&graceful(ECHO).reply(Call::Register, Reply::Drop).start(), "/extension/register failed");
}

#[test]
fn a_registration_that_is_not_answered_is_not_waited_for() {
    let function = graceful(ECHO).reply(Call::Register, Reply::Held).start();
    no_effect(&function, "did not answer");
    function.wait_idle();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
}

#[test]
fn a_wait_that_is_refused_is_a_warning() {
    let function = graceful(ECHO).reply(Call::ExtensionNext, Reply::Status(403)).start();
    assert_eq!(function.call("1").response(), b"1");
    function.wait_log("/extension/event/next answered 403");
    assert_eq!(function.call("2").response(), b"2");
    assert_eq!(function.requests_so_far(Call::ExtensionNext).len(), 1);
}

#[test]
fn an_event_that_was_not_asked_for_is_passed_over() {
    let function = graceful(ECHO).reply(Call::ExtensionNext, Reply::Status(200)).start();
    assert_eq!(function.call("1").response(), b"1");
    function.requests(Call::ExtensionNext, 2);
    assert!(!function.stderr().contains("WARN"), "{}", function.story());
}

#[test]
fn it_registers_before_a_snapshot() {
    let function = graceful(ECHO).env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start").start();
    assert_eq!(function.call("1").response(), b"1");
    let register = function.requests(Call::Register, 1).remove(0);
    assert!(register.at <= function.requests(Call::RestoreNext, 1)[0].at, "{}", function.story());
}

#[test]
fn several_workers_have_one_extension() {
    let function = graceful(ECHO).workers(4).start();
    assert_eq!(function.call("1").response(), b"1");
    let first_next = function.requests(Call::Next, 4).remove(0);
    let registered = function.requests_so_far(Call::Register);
    assert_eq!(registered.len(), 1, "{}", function.story());
    assert!(registered[0].at <= first_next.at, "{}", function.story());
    function.requests(Call::ExtensionNext, 1);
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
}

#[test]
fn a_handler_that_cannot_start_is_an_init_error_all_the_same() {
    graceful("exit 7").expect_init_error("Runtime.ExitError", "exit status 7").run();
}

#[test]
fn on_a_shell_there_is_nothing_to_register_with() {
    let output = Shell::bash(ECHO).env("HANDLER_SHUTDOWN", "graceful").stdin("1").run();
    let output = output.expect_stdout("1\n").expect_status(0);
    assert!(!output.stderr.contains("WARN"), "{}", output.stderr);
}
