//! Traps that supervisors of processes fall into, each as a scenario that has gone wrong somewhere.

use crate::harness::{Event, Function};
use serde_json::Value;
use std::time::Duration;

#[test]
fn a_handler_that_answers_while_it_reads_does_not_deadlock() {
    // Both directions are far larger than a pipe, and the handler does not read on while nobody reads its answer.
    let script = "import os
while True:
    chunk = os.read(0, 10000)
    if not chunk:
        break
    while chunk:
        chunk = chunk[os.write(1, chunk):]
";
    let event = format!("\"{}\"", "0123456789".repeat(200_000));
    for mode in ["loop", "oneshot", "auto"] {
        let function = Function::python(script).mode(mode).start();
        for _ in 0..2 {
            let answer = function.call(event.clone());
            assert!(answer.response_text().trim_end() == event, "{mode}: {} bytes", answer.0.body.len());
        }
    }
}

#[test]
fn a_handler_that_fills_stderr_before_it_reads_does_not_deadlock() {
    let script = "import sys
while True:
    sys.stderr.write(('e' * 99 + '\\n') * 5000)
    line = sys.stdin.readline()
    sys.stderr.write(('f' * 99 + '\\n') * 5000)
    sys.stdout.write(line)
    sys.stdout.flush()
";
    let event = format!("\"{}\"", "x".repeat(300_000));
    let function = Function::python(script).mode("loop").event(event.clone()).expect_response(event);
    function.event("2").expect_response("2").run();
}

#[test]
fn the_handler_gets_clean_signals() {
    // Neither a blocked mask nor an ignored SIGPIPE may be inherited: a pipeline in the handler relies on both.
    let script = "mask() { sed -n \"s/^$1:.//p\" /proc/self/status; }
while read -r e; do echo \"[\\\"$(mask SigBlk)\\\",\\\"$(mask SigIgn)\\\"]\"; done";
    let function = Function::bash(script).start();
    let seen = function.call("1").json();
    for field in 0..2 {
        let mask = u64::from_str_radix(seen[field].as_str().unwrap(), 16).unwrap();
        // 32 and 33 belong to the C library, which ignores them on its own account.
        assert_eq!(mask & !(3 << 31), 0, "{seen}");
    }
}

#[test]
fn the_handler_inherits_no_descriptors() {
    let script = "import os, sys
for line in sys.stdin:
    print([int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)], flush=True)
";
    // What the tests themselves were started with is nobody's fault here.
    let given = crate::harness::procfs::inheritable();
    let function = Function::python(script).mode("loop").start();
    for _ in 0..3 {
        let seen = function.call("1").json();
        let extra: Vec<_> =
            seen.as_array().unwrap().iter().filter_map(Value::as_i64).filter(|fd| !given.contains(fd)).collect();
        // The listing itself may hold one, but it is closed again when `exists` looks.
        assert!(extra.is_empty(), "{seen}");
    }
}

#[test]
fn the_handler_leads_a_process_group_of_its_own() {
    let script = "import os, sys
for line in sys.stdin:
    print([os.getpid(), os.getpgid(0), os.getpgid(os.getppid())], flush=True)
";
    let seen = Function::python(script).start().call("1").json();
    assert_eq!(seen[0], seen[1], "{seen}");
    assert_ne!(seen[1], seen[2], "{seen}");
}

#[test]
fn no_proxy_is_asked() {
    let mut function = Function::bash("while read -r e; do echo \"$e\"; done");
    // Nobody listens there.
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        function = function.env(name, "http://127.0.0.1:9");
    }
    function.event("1").expect_response("1").run();
}

#[test]
fn an_event_may_be_larger_than_an_http_client_likes() {
    let function = Function::bash("wc -c").mode("oneshot").start();
    let event = format!("\"{}\"", "x".repeat(11_000_000));
    assert_eq!(function.call(event).value(), "11000002");
}

#[test]
fn numbers_and_keys_survive() {
    let body = r#"{"z":12345678901234567890.10,"a":0.1e+1,"z":1E400,"b":-0}"#;
    for mode in ["loop", "auto"] {
        Function::bash("while IFS= read -r e; do echo \"$e\"; done").mode(mode).event(body).expect_response(body).run();
    }
    Function::bash("cat").mode("oneshot").event(body).expect_response(body).run();
}

#[test]
fn an_answer_after_a_time_out_never_reaches_the_next_event() {
    // A child of the handler answers for it, long after the handler was given up.
    let script = "while read -r e; do
    if [ $e = 1 ]; then (read -r x < go; echo '\"late\"') & wait; wait; sleep 1000; fi
    echo $e
done";
    let function = Function::bash(script).pipe("go").start();
    function.call(Event::new("1").deadline_in(Duration::from_secs(1))).error("Runtime.InvokeTimeout");
    let second = function.send("2");
    function.pipe("go").ring();
    assert_eq!(function.answer(&second).response(), b"2");
    assert_eq!(function.call("3").response(), b"3");
    assert!(!function.stderr().contains("late"), "{}", function.story());
}

#[test]
fn end_of_stdout_is_not_death() {
    // The answer is complete, stdout is closed by all, and the handler still has something to do.
    let script = "read -r e; echo $e; exec >&-; read -r x < go; echo finished >&2; exit 0";
    let function = Function::bash(script).mode("oneshot").pipe("go").start();
    let id = function.send("1");
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).value(), "1");
    function.wait_log("finished");
}

#[test]
fn unknown_and_empty_headers_do_no_harm() {
    let event = Event::new("1").header("Lambda-Runtime-Trace-Id", "").header("X-Unknown", "a: b: c");
    Function::bash("while read -r e; do echo $e; done").event(event).expect_response("1").run();
}

#[test]
fn a_handler_may_start_and_end_children_of_its_own() {
    // Nobody's children but its own are reaped: each command's status must reach the handler.
    let script = "while read -r e; do (exit 7); a=$?; true & wait $!; echo \"[$a,$?]\"; done";
    let function = Function::bash(script).start();
    for _ in 0..10 {
        assert_eq!(function.call("1").json(), serde_json::json!([7, 0]));
    }
    let states: Vec<char> = function.children().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states.len(), 1, "{states:?}");
}

#[test]
fn stdin_stays_open_between_events() {
    let script = "import os, select, sys
for line in sys.stdin:
    # An end-of-file would be readable at once.
    print([len(select.select([0], [], [], 0.3)[0])], flush=True)
";
    let function = Function::python(script).mode("loop").start();
    for _ in 0..2 {
        assert_eq!(function.call("1").json(), Value::from(vec![0]));
    }
}
