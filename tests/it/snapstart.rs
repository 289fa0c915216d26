//! SnapStart: the order of calls, and what a handler that greets for it is told.

use crate::harness::event::Request;
use crate::harness::watch::Exit;
use crate::harness::{Answer, Call, Function, Reply, Running};
use nix::sys::signal::Signal;

const ECHO: &str = "while read -r e; do echo \"$e\"; done";

/// A handler that speaks messages by hand, greets with `$greeting`, notes in the file `told` what it is told, and answers
/// events. Before it answers `before-snapshot` or `after-restore`, it does what the function of that name says.
const TOLD: &str = r#"
before() { :; }
after() { :; }
answer() { printf 'Content-Length: %d\n\n%s' "${#1}" "$1"; }
fail() { printf 'Lambda-Runtime-Function-Error-Type: Db.Gone\nContent-Length: %d\n\n%s' "${#1}" "$1"; }
serve() {
  echo "lambda-stdio/1 ready $1"
  while read -r line; do
    event= length=
    while [[ $line ]]; do
      case $line in
        'Lambda-Stdio-Event: '*) event=${line#*: } ;;
        'Content-Length: '*) length=${line#*: } ;;
        *) other=$line ;;
      esac
      read -r line
    done
    body=
    ((length == 0)) || IFS= read -r -N "$length" body
    case $event in
      '') answer "$body" ;;
      before-snapshot) echo "$event $length $other" >> /tmp/told; before; answer '' ;;
      after-restore) echo "$event $length $other" >> /tmp/told; after; answer '' ;;
      *) exit 99 ;;
    esac
  done
}
"#;

fn snapstart(script: &str) -> Function {
    Function::bash(script).env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
}

/// A handler that is told, and overrides what it likes of `TOLD`.
fn told(overrides: &str) -> Function {
    snapstart(&format!("{TOLD}{overrides}\nserve snapstart"))
}

/// All that was asked for and said, in order.
fn calls(function: &Running) -> Vec<Call> {
    function.watch().look(|seen| seen.requests.iter().map(|request| request.call).collect())
}

/// The failure was reported to this call alone, and is in the log.
#[track_caller]
fn reported(function: &Running, call: Call, kind: &str, before: &[Call]) -> Answer {
    assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
    assert_eq!(calls(function), [before, &[call]].concat(), "{}", function.story());
    let report = function.requests_so_far(call).remove(0);
    assert_eq!(report.header("Lambda-Runtime-Function-Error-Type"), Some(kind), "{report}");
    assert!(function.stderr().contains(kind), "{}", function.story());
    Answer(Request { call: Call::Error, ..report })
}

// --- The order ------------------------------------------------------------------------------------------------------

#[test]
fn the_snapshot_is_asked_for_before_the_first_event_and_its_connection_not_kept() {
    for mode in ["auto", "loop"] {
        let function = snapstart(ECHO).mode(mode).reply(Call::RestoreNext, Reply::Held).start();
        let restore = function.requests(Call::RestoreNext, 1).remove(0);
        assert_eq!(calls(&function), [Call::RestoreNext]);
        function.server().release();
        assert_eq!(function.call("1").response(), b"1");
        let next = function.requests(Call::Next, 1).remove(0);
        assert_eq!(restore.method, "GET");
        assert!(restore.path.ends_with("/2018-06-01/runtime/restore/next"), "{restore}");
        assert_ne!(restore.connection, next.connection, "{}", function.story());
        assert_eq!(function.requests_so_far(Call::RestoreNext).len(), 1);
    }
    let function = snapstart("wc -c").mode("oneshot").start();
    assert_eq!(function.call("1234").value(), "4");
    assert_eq!(calls(&function)[..2], [Call::RestoreNext, Call::Next]);
}

#[test]
fn the_snapshot_is_not_asked_for_before_the_handler_is_ready() {
    let function = snapstart(&format!("read -r x < go; echo booted > /tmp/state; {ECHO}")).pipe("go");
    let state = function.tmp().join("state");
    let function = function.start();
    function.server().probe(Box::new(move || std::fs::read_to_string(&state).unwrap_or_default()));
    function.pipe("go").ring();
    assert_eq!(function.requests(Call::RestoreNext, 1)[0].probe, "booted\n");
}

#[test]
fn a_handler_that_cannot_start_is_an_init_error_and_no_snapshot() {
    let function = snapstart("exit 7").start();
    function.init_error("Runtime.ExitError", "exit status 7");
    assert_eq!(calls(&function), [Call::Init]);
}

#[test]
fn without_snapstart_there_is_neither() {
    for kind in ["on-demand", "provisioned-concurrency", "lambda-managed-instances", ""] {
        let function = told("").env("AWS_LAMBDA_INITIALIZATION_TYPE", kind).start();
        assert_eq!(function.call("1").response(), b"1");
        assert!(function.requests_so_far(Call::RestoreNext).is_empty());
        assert!(!function.tmp().path().join("told").exists(), "{kind}");
    }
}

#[test]
fn a_restore_that_is_refused_ends_bootstrap() {
    for status in [403, 404, 500] {
        let function = snapstart(ECHO).reply(Call::RestoreNext, Reply::Status(status)).start();
        assert_eq!(function.exit(), Exit::Status(1));
        assert!(function.stderr().contains(&format!("/restore/next answered {status}")), "{}", function.story());
        assert_eq!(calls(&function), [Call::RestoreNext]);
    }
    let function = snapstart(ECHO).reply(Call::RestoreNext, Reply::Drop).start();
    assert_eq!(function.exit(), Exit::Status(1));
    assert_eq!(calls(&function), [Call::RestoreNext]);
}

#[test]
fn the_handler_is_tended_while_the_snapshot_waits() {
    let script = "echo boot >> /tmp/boots
[ $(wc -l < /tmp/boots) = 1 ] && { (read -r x < go; kill -9 $$) & read -r e; }
echo again >&2; ";
    let script = format!("{script}{ECHO}");
    let function = snapstart(&script).pipe("go").reply(Call::RestoreNext, Reply::Held).start();
    function.requests(Call::RestoreNext, 1);
    function.pipe("go").ring();
    function.wait_log("again");
    function.server().release();
    assert_eq!(function.call("1").response(), b"1");
}

#[test]
fn a_signal_while_the_snapshot_waits_ends_bootstrap() {
    let script = format!("trap 'echo told to stop >&2; exit 0' TERM; {ECHO}");
    let function = snapstart(&script).reply(Call::RestoreNext, Reply::Held).start();
    function.requests(Call::RestoreNext, 1);
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
    assert!(function.stderr().contains("told to stop"), "{}", function.story());
    assert_eq!(calls(&function), [Call::RestoreNext]);
}

#[test]
fn several_workers_would_have_nothing_to_do() {
    let function = told("").env("HANDLER_WORKERS", "4").start();
    assert_eq!(function.call("1").response(), b"1");
    function.wait_log("one worker is started and not 4");
    assert_eq!(function.requests_so_far(Call::RestoreNext).len(), 1);
    assert_eq!(function.children().len(), 1);
}

// --- What a handler is told -----------------------------------------------------------------------------------------

#[test]
fn a_handler_that_asks_for_it_is_told_before_and_after() {
    for greeting in ["snapstart", "concurrency=4 snapstart", "snapstart  concurrency=4"] {
        let function = snapstart(&format!("{TOLD}serve '{greeting}'"));
        let file = function.tmp().join("told");
        let function = function.reply(Call::RestoreNext, Reply::Held).start();
        function.server().probe(Box::new({
            let file = file.clone();
            move || std::fs::read_to_string(&file).unwrap_or_default()
        }));
        function.requests(Call::RestoreNext, 1);
        // Nothing but the event and its length: no other header.
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "before-snapshot 0 \n", "{greeting}");
        function.server().release();
        assert_eq!(function.requests(Call::Next, 1)[0].probe, "before-snapshot 0 \nafter-restore 0 \n");
        assert_eq!(function.call("{\"a\": 1}").response(), b"{\"a\": 1}");
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    }
}

#[test]
fn a_handler_that_does_not_ask_is_told_nothing() {
    for greeting in ["", "concurrency=4", "snapstarts", "snapstart=1"] {
        let function = snapstart(&format!("{TOLD}serve '{greeting}'")).start();
        assert_eq!(function.call("1").response(), b"1", "{greeting}");
        assert!(!function.tmp().path().join("told").exists(), "{greeting}");
        assert_eq!(calls(&function)[..2], [Call::RestoreNext, Call::Next]);
    }
}

#[test]
fn its_greeting_may_offer_both() {
    for greeting in ["snapstart concurrency=3", "concurrency=3 snapstart"] {
        let function = Function::bash(&format!("{TOLD}serve '{greeting}'")).workers(3).start();
        function.requests(Call::Next, 3);
        assert_eq!(function.children().len(), 1, "{greeting}: one process for all three");
    }
}

#[test]
fn a_standby_is_told_too() {
    let function = told("").env("HANDLER_STANDBY", "1").start();
    assert_eq!(function.call("1").response(), b"1");
    let seen = std::fs::read_to_string(function.tmp().path().join("told")).unwrap();
    let wanted = ["before-snapshot 0 "; 2].into_iter().chain(["after-restore 0 "; 2]);
    assert_eq!(seen.lines().collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
}

#[test]
fn what_it_writes_meanwhile_is_log() {
    let function = told("before() { echo closing >&2; }; after() { echo opening >&2; }").start();
    function.call("1");
    function.wait_log("closing");
    function.wait_log("opening");
}

// --- Failures -------------------------------------------------------------------------------------------------------

#[test]
fn what_fails_before_the_snapshot_is_an_init_error() {
    for (before, contains) in [
        ("before() { echo 'no way' >&2; exit 3; }", "exit status 3"),
        ("before() { kill -9 $$; }", "SIGKILL"),
        ("before() { printf 'not a header\\n\\n'; }", "no header line"),
        (
            "answer() { printf 'Lambda-Runtime-Function-Response-Mode: streaming\\nTransfer-Encoding: chunked\\n\\n'; }",
            "stream",
        ),
    ] {
        let function = told(before).start();
        let report = reported(&function, Call::Init, "Runtime.BeforeSnapshotError", &[]);
        let message = report.error("Runtime.BeforeSnapshotError");
        assert!(message.contains(contains), "{before}: {message}");
        assert_eq!(before.contains("no way"), report.stack() == ["no way"], "{before}");
    }
}

#[test]
fn what_fails_after_the_restore_is_a_restore_error() {
    for (after, contains) in [
        ("after() { echo 'no way' >&2; exit 3; }", "exit status 3"),
        ("after() { kill -9 $$; }", "SIGKILL"),
        ("after() { echo 'not a header'; }", "no header line"),
    ] {
        let function = told(after).start();
        let report = reported(&function, Call::RestoreError, "Runtime.AfterRestoreError", &[Call::RestoreNext]);
        let message = report.error("Runtime.AfterRestoreError");
        assert!(message.contains(contains), "{after}: {message}");
        assert_eq!(after.contains("no way"), report.stack() == ["no way"], "{after}");
    }
}

#[test]
fn a_handlers_own_error_keeps_its_body() {
    let own = r#"{"errorMessage":"the pool is gone",  "errorType":"Db.Gone"}"#;
    let function = told(&format!("before() {{ fail '{own}'; read -r never; }}")).start();
    let report = reported(&function, Call::Init, "Runtime.BeforeSnapshotError", &[]);
    assert_eq!(report.text(), own);
    assert!(function.stderr().contains("the pool is gone"), "{}", function.story());

    let function = told(&format!("after() {{ fail '{own}'; read -r never; }}")).start();
    let report = reported(&function, Call::RestoreError, "Runtime.AfterRestoreError", &[Call::RestoreNext]);
    assert_eq!(report.text(), own);
}

#[test]
fn no_answer_in_time_is_a_failure_too() {
    for (hook, call, kind, before) in [
        ("before", Call::Init, "Runtime.BeforeSnapshotError", &[][..]),
        ("after", Call::RestoreError, "Runtime.AfterRestoreError", &[Call::RestoreNext]),
    ] {
        let function = told(&format!("exec 9> alive; {hook}() {{ sleep 1000; }}"));
        let function = function.lifeline("alive").env("HANDLER_READY_TIMEOUT_MS", "2000").start();
        let message = reported(&function, call, kind, before).error(kind);
        assert!(message.contains("2000 ms (HANDLER_READY_TIMEOUT_MS)"), "{message}");
        function.pipe("alive").wait_dead();
    }
}

#[test]
fn a_report_that_is_refused_ends_all_the_same() {
    for status in [403, 500] {
        let function = told("after() { exit 3; }").reply(Call::RestoreError, Reply::Status(status)).start();
        reported(&function, Call::RestoreError, "Runtime.AfterRestoreError", &[Call::RestoreNext]);
    }
}

#[test]
fn a_signal_while_it_is_told_is_no_failure() {
    for (hook, before) in [("before", &[][..]), ("after", &[Call::RestoreNext])] {
        let script =
            format!("trap 'echo told to stop >&2; exit 0' TERM\n{hook}() {{ echo busy >&2; sleep 1000 & wait; }}");
        let function = told(&script).start();
        function.wait_log("busy");
        function.signal(Signal::SIGTERM);
        assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
        assert!(function.stderr().contains("told to stop"), "{}", function.story());
        assert_eq!(calls(&function), before, "{}", function.story());
    }
}
