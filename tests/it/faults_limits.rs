//! Faults of the sandbox: few descriptors, few processes, little memory, a full disk, no `/proc`, no `/tmp`. Each is either
//! not noticed or a clear error; never is an event lost, or answered with another's answer.

use crate::harness::sandbox::Proc;
use crate::harness::watch::{Exit, LIMIT};
use crate::harness::{Call, Event, Function, Running};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const ECHO: &str = "while IFS= read -r e; do [ \"$e\" = 13 ] && exit 13; echo \"$e\"; done";

/// The ways to talk, each with a handler that echoes its event and dies of the event 13.
fn echoes() -> [(&'static str, Function); 5] {
    let python = "import os\ndef handler(event, context):\n    if event == 13: os._exit(13)\n    return event\n";
    let filter = "e=$(cat); [ \"$e\" = 13 ] && exit 13; echo \"$e\"";
    [
        ("loop", Function::bash(ECHO).mode("loop")),
        ("auto", Function::bash(ECHO)),
        ("oneshot", Function::bash(filter).mode("oneshot")),
        ("with standby", Function::bash(ECHO).env("HANDLER_STANDBY", "1")),
        ("messages", Function::empty().file("app.py", python).handler("app.handler")),
    ]
}

/// Serves events, with a death among them.
#[track_caller]
fn works(way: &str, function: &Running) {
    for number in 0..30 {
        let answer = function.call(number.to_string());
        if number == 13 {
            assert!(answer.error("Runtime.ExitError").contains("exit status 13"), "{way}");
        } else {
            assert_eq!(answer.value(), number.to_string(), "{way}");
        }
    }
}

#[test]
fn it_works_with_32_descriptors() {
    for (way, function) in echoes() {
        works(way, &function.start_behind("ulimit -n 32"));
    }
}

#[test]
fn it_works_with_64_processes() {
    for (way, function) in echoes() {
        works(way, &function.start_with_processes(64));
    }
}

#[test]
fn it_works_with_30_mb_of_memory() {
    for (way, function) in echoes() {
        works(way, &function.start_behind("ulimit -v 30720"));
    }
}

#[test]
fn it_works_without_proc() {
    for (way, function) in echoes() {
        works(way, &function.proc(Proc::Absent).start());
    }
}

#[test]
fn it_works_where_proc_hides_what_is_others() {
    for (way, function) in echoes() {
        works(way, &function.proc(Proc::Hidden).start());
    }
    // It sees enough to tell a filter from a loop.
    let function = Function::bash("wc -c").proc(Proc::Hidden).start();
    assert_eq!(function.call("1234").value(), "5");
}

#[test]
fn a_handler_may_use_up_all_processes() {
    let script = "$| = 1;
while (my $event = <STDIN>) {
    exit 3 if $event =~ /die/;
    my $count = 0;
    while ($event =~ /fill/ && defined(my $child = fork)) {
        if (!$child) { sleep 1000; exit }
        $count++;
    }
    print \"$count\\n\";
}";
    let function = Function::of("perl", script).start_with_processes(64);
    let children = function.call("\"fill\"").json().as_u64().unwrap();
    assert!((50..64).contains(&children), "{children}");
    assert_eq!(function.call("1").response(), b"0");
    function.call("\"die\"").error("Runtime.ExitError");
    assert_eq!(function.call("2").response(), b"0");
    // They were killed with it; nothing tells when the last of sixty has gone.
    let end = Instant::now() + LIMIT;
    while function.others().len() > 1 {
        assert!(Instant::now() < end, "its children were to die with it");
        std::thread::yield_now();
    }
}

/// What `bootstrap` may run out of, how it is told so, and how much it has otherwise.
const SHORTAGES: [(&str, &str, &str); 2] = [
    ("nproc=1", "as many processes and threads as there may be", "nproc=64"),
    ("nofile=8", "as many open files, pipes and connections as there may be", "nofile=64"),
];

#[test]
fn a_handler_that_finds_no_place_is_started_when_there_is_one() {
    for (shortage, says, plenty) in SHORTAGES {
        let function = Function::bash(ECHO).start_with_processes(64);
        function.wait_idle();
        function.limit(shortage);
        let first = function.send("13");
        function.answer(&first).error("Runtime.ExitError");
        function.wait_log(says);
        function.limit(plenty);
        assert_eq!(function.call("2").response(), b"2", "{shortage}");
    }
}

#[test]
fn a_handler_that_never_finds_a_place_ends_bootstrap() {
    for (shortage, says, _) in SHORTAGES {
        let function = Function::bash(ECHO).start_with_processes(64);
        function.wait_idle();
        function.limit(shortage);
        let first = function.send("13");
        let second = function.send("2");
        function.answer(&first).error("Runtime.ExitError");
        assert_eq!(function.exit(), Exit::Status(1), "{}", function.story());
        assert!(function.stderr().contains(says), "{}", function.story());
        // The second event was left to the next sandbox, or answered with an error; never fetched and forgotten.
        let fetched = function.requests_so_far(Call::Next).iter().any(|request| request.id == second);
        let answered = function.requests_so_far(Call::Error).iter().any(|request| request.id == second);
        assert_eq!(fetched, answered, "{}", function.story());
    }
}

#[test]
fn workers_that_find_no_place_leave_the_events_to_the_others() {
    for (what, limit) in [("open files", 0), ("processes and threads", 64)] {
        let function = Function::bash(ECHO).workers(60);
        let function =
            if limit == 0 { function.start_behind("ulimit -n 64") } else { function.start_with_processes(limit) };
        let ids: Vec<_> = (100..200).map(|number| (number, function.send(number.to_string()))).collect();
        for (number, id) in ids {
            assert_eq!(function.answer(&id).response_text(), number.to_string(), "{what}");
        }
        function.call("13").error("Runtime.ExitError");
        assert_eq!(function.call("14").response(), b"14", "{what}");
        assert!(function.stderr().contains(what), "{}", function.story());
        assert!(!function.stderr().contains("panicked"), "{}", function.story());
    }
}

fn large_event() -> String {
    format!("\"{}\"", "x".repeat(6_000_000))
}

#[test]
fn six_megabytes_each_way_fit_into_30_mb() {
    for (way, function) in echoes() {
        // bash reads byte by byte, and has its own needs where it is started with what is left to `bootstrap`.
        let function = if way == "messages" { function } else { function.program("handler", "#!/bin/sh\nexec cat\n") };
        let function = function.start();
        function.call("1");
        function.limit_memory(30);
        let event = large_event();
        for _ in 0..3 {
            assert!(function.call(event.clone()).value() == event, "{way}");
        }
    }
}

#[test]
fn without_memory_bootstrap_ends_and_says_why() {
    for (way, function) in echoes() {
        let function = function.start();
        function.call("1");
        // The process that stands by is started without the limit.
        function.wait_idle();
        function.limit_memory(1);
        function.send(large_event());
        assert_eq!(function.exit(), Exit::Signal(Signal::SIGABRT as i32), "{way}: {}", function.story());
        assert!(function.stderr().contains("memory allocation"), "{way}: {}", function.story());
        assert_eq!(function.requests_so_far(Call::Response).len(), 1, "{way}: {}", function.story());
    }
}

#[test]
fn adapters_work_without_proc_or_say_that_they_need_it() {
    let handlers = [
        ("app.py", "def handler(event, context):\n    return event\n"),
        ("app.rb", "def handler(event:, context:) = event\n"),
        ("app.lisp", "(defun handler (event headers) (declare (ignore headers)) event)\n"),
    ];
    for (file, source) in handlers {
        let function = Function::empty().file(file, source).handler("app.handler").proc(Proc::Absent).start();
        for number in 0..3 {
            assert_eq!(function.call(number.to_string()).value(), number.to_string(), "{file}: {}", function.story());
        }
    }
    let node = Function::empty().file("app.mjs", "export const handler = async event => event;\n");
    let node = node.handler("app.handler").proc(Proc::Absent).start();
    node.init_error("Runtime.ExitError", "node");
    assert!(node.stderr().contains("'/proc/self/fd/0'"), "{}", node.story());
    let bash = Function::empty()
        .file("app.sh", "handler() { echo \"$1\"; }\n")
        .handler("app.handler")
        .proc(Proc::Absent)
        .start();
    assert_eq!(bash.call("1").value(), "1");
}

#[test]
fn without_proc_a_filter_gets_end_of_file_when_its_time_is_nearly_up() {
    // Nobody can see what it waits for: nothing is learned from it, so that each event takes its time.
    let function = Function::bash("wc -c").proc(Proc::Absent).start();
    for _ in 0..2 {
        assert_eq!(function.call(Event::new("1").deadline_in(Duration::from_secs(1))).value(), "2");
    }
    assert!(!function.stderr().contains("HANDLER_MODE"), "{}", function.story());
    let function = Function::bash("wc -c").mode("oneshot").proc(Proc::Absent).start();
    assert_eq!(function.call("1").value(), "1");
}

#[test]
fn without_a_place_for_the_context_file_there_is_none() {
    let script = "while IFS= read -r e; do echo \"[$e, \\\"$LAMBDA_CONTEXT_FILE\\\"]\"; done";
    let function = || Function::bash(script);
    let places = [
        ("no /tmp", function().without_tmp()),
        ("a read-only /tmp", function().tmpfs("ro")),
        ("a full /tmp", function().tmpfs("size=4k").filled("/tmp/full", 4096)),
        ("a /tmp without a file to spare", function().tmpfs("nr_inodes=1")),
    ];
    for (what, function) in places {
        let function = function.start();
        for number in 0..3 {
            assert_eq!(function.call(number.to_string()).json(), serde_json::json!([number, ""]), "{what}");
        }
        function.wait_log("LAMBDA_CONTEXT_FILE");
    }
}

/// Fills `/tmp` when it is told to, and answers with the context file, if there is anything in it.
const FILLS: &str = "while IFS= read -r e; do
    [ \"$e\" = 1 ] && head -c 100000 /dev/zero > /tmp/full
    [ \"$e\" = 3 ] && rm /tmp/full
    context=$(cat \"$LAMBDA_CONTEXT_FILE\")
    echo \"${context:-null}\"
done";

#[test]
fn a_disk_that_fills_up_costs_the_context_and_no_event() {
    let function = Function::bash(FILLS).tmpfs("size=32k").start();
    for number in 0..6 {
        // One does not fit into the page that the file has had before.
        let large = format!("{{\"custom\":\"{}\"}}", "c".repeat(20_000));
        let event = Event::new(number.to_string());
        let event = if number == 2 { event.header("Lambda-Runtime-Client-Context", &large) } else { event };
        let id = event.id.clone();
        let answer = function.call(event).json();
        if number == 2 {
            assert_eq!(answer, serde_json::Value::Null);
            function.wait_log("LAMBDA_CONTEXT_FILE could not be brought up to date");
        } else if number != 3 || answer != serde_json::Value::Null {
            assert_eq!(answer["awsRequestId"], id.as_str(), "{number}");
        }
    }
}

#[test]
fn where_one_folder_is_full_the_context_file_is_in_another() {
    let script = "while read -r e; do cat \"$LAMBDA_CONTEXT_FILE\"; done";
    let function = Function::bash(script).tmpfs("size=4k").filled("/tmp/full", 4096).shm("size=1m").start();
    let answer = function.call("1");
    assert_eq!(answer.json()["awsRequestId"], answer.0.id.as_str());
}
