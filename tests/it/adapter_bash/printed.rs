//! Where a function's output is kept until it is the answer: a file that nobody else has, in any sandbox, whole or not at all.

use super::{handling, sh};
use crate::harness::Event;
use crate::harness::sandbox::Proc;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

#[test]
fn anybody_may_run_a_function() {
    // A here-document's file, say, may be opened again by root alone.
    let source = "handler() { ((EUID)) || exit 9; echo \"$1\"; echo again; [[ $1 != 0 ]]; }";
    let function = sh(source).start_with_processes(64);
    for event in ["1", "2"] {
        assert_eq!(function.call(event).json(), json!(format!("{event}\nagain")));
    }
    assert_eq!(function.call("0").error("Function.ExitError"), "handler: exit status 1");
}

#[test]
fn a_root_to_read_with_a_little_tmp_and_no_proc_will_do() {
    for proc in [Proc::Absent, Proc::All] {
        let function = sh("handler() { echo \"[$1, $(ls -A /tmp | grep -vc ^lambda-context-)]\"; }")
            .proc(proc)
            .tmpfs("size=64k")
            .start();
        for _ in 0..3 {
            assert_eq!(function.call("1").response_text(), "[1, 0]", "nothing of ours is in /tmp");
        }
    }
}

#[test]
fn what_there_is_no_room_for_is_an_error_and_not_half_an_answer() {
    // The last command, which decides, succeeds.
    let source = "handler() { echo 1; printf \"%$1.d\" 0 | tr ' ' 1; true; }";
    let function = sh(source).proc(Proc::Absent).tmpfs("size=64k").start();
    assert_eq!(function.call("3").json(), json!("1\n111"));
    let error = function.call("2000000").error("Function.ExitError");
    assert_eq!(error, "handler: what it printed could not be kept: is there room in /tmp?");
    assert_eq!(function.call("2").json(), json!("1\n11"), "it lives on, and has its room back");
}

#[test]
fn every_byte_counts() {
    let function = handling(
        "case $1 in 1) printf 'a\\0b\\0\\n\\n' ;; 2) printf '\\0' ;; 3) printf '\\n\\n' ;; 4) echo 'é' ;; esac",
    );
    for (event, wanted) in [("1", "\"a\\u0000b\\u0000\""), ("2", "\"\\u0000\""), ("3", "null"), ("4", "\"é\"")] {
        assert_eq!(function.call(event).value(), wanted);
    }
}

#[test]
fn dev_stdout_is_the_output_too() {
    let source = "handler() { echo one >/dev/stdout; echo two >/dev/stdout; echo three; [[ $1 != 0 ]] || exit 3; }";
    let function = sh(source).start();
    for event in ["1", "0", "2"] {
        if event == "0" {
            assert_eq!(function.call(event).error("Function.ExitError"), "handler: exit status 3");
            function.wait_log("one\ntwo\nthree\n");
        } else {
            assert_eq!(function.call(event).json(), json!("one\ntwo\nthree"));
        }
    }
    // Where it is not seen in the source, what is lost is no success.
    let function = handling("out=/dev/std; out+=out; echo one; [[ $1 == 1 ]] || echo two >$out");
    assert_eq!(function.call("1").json(), json!("one"));
    function.call("2").error("Function.ExitError");
    assert_eq!(function.call("1").json(), json!("one"));
}

#[test]
fn a_function_may_use_the_history_itself() {
    let source = "set -o history\nhandler() { history -c; [[ $1 == 1 ]] || history -s mine; fc -l 2>&1; echo; }";
    let function = sh(source).start();
    for event in ["1", "2", "1", "2"] {
        let printed = function.call(event).text();
        assert_eq!(printed.contains("mine"), event == "2", "{printed}");
    }
}

#[test]
fn a_bash_without_a_history_will_do() {
    let function = sh("enable -n fc history\nhandler() { echo \"[$1]\"; }").start();
    for event in ["1", "2"] {
        assert_eq!(function.call(event).response_text(), format!("[{event}]"));
    }
}

#[test]
fn what_a_preload_prints_is_log() {
    let preload = "echo preloaded; echo '{\"a\":1}'; unset BASH_ENV; bash -c 'echo from a child'";
    let function = sh("echo loading\nhandler() { echo \"[$1]\"; }").file("preload.sh", preload);
    let path = Path::new("/var/task/preload.sh");
    let function = function.env("BASH_ENV", path).start();
    for event in ["1", "2"] {
        assert_eq!(function.call(event).response_text(), format!("[{event}]"));
    }
    for line in ["preloaded\n", "{\"a\":1}\n", "from a child\n", "loading\n"] {
        function.wait_log(line);
    }
}

#[test]
fn a_preload_that_hangs_in_the_middle_of_a_line_costs_its_event_and_no_more() {
    let preload = "unset BASH_ENV; printf 'half a line'; exec sleep 600";
    let function = sh("handler() { echo 1; }").file("preload.sh", preload);
    let function =
        function.env("BASH_ENV", Path::new("/var/task/preload.sh")).env("HANDLER_READY_TIMEOUT_MS", "200").start();
    for event in ["1", "2"] {
        let event = Event::new(event).deadline_in(Duration::from_millis(900));
        function.call(event).error("Runtime.InvokeTimeout");
    }
}
