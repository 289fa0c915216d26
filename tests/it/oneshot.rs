//! Oneshot: one process per event, which reads to end-of-file and whose whole output is the answer.

use crate::harness::{Call, Event, Function};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn oneshot(script: &str) -> Function {
    Function::bash(script).mode("oneshot")
}

#[test]
fn the_event_comes_exactly_as_it_is_and_ends() {
    for event in ["{}", "{\r\n \"a\": 1\n}\n\n", "\n", "[\n12345678901234567890.10 ]"] {
        let script = "import sys; print('\"' + sys.stdin.buffer.read().hex() + '\"', end='')";
        let wanted = crate::harness::hex(event.as_bytes());
        Function::python(script).mode("oneshot").event(event).expect_value(&format!("\"{wanted}\"")).run();
    }
    Function::bash("wc -c").mode("oneshot").event("").expect_value("0").run();
}

#[test]
fn json_is_posted_as_it_was_printed() {
    for output in
        ["{\"z\":12345678901234567890.10,\"a\":1}", "[1,\n2]", "\"text\"", "-1", "null", " {\"indented\": true} "]
    {
        let function = oneshot("cat output").file("output", output);
        function.event("{}").expect_value(output.trim()).run();
    }
}

#[test]
fn what_is_not_json_is_posted_as_a_string_less_one_newline() {
    for (output, string) in [
        ("hello", "hello"),
        ("hello\n", "hello"),
        ("hello\n\n", "hello\n"),
        ("\n", ""),
        ("a \"quoted\" \\ \t \u{1} \u{7f} \u{e4} \u{1f600}\n", "a \"quoted\" \\ \t \u{1} \u{7f} \u{e4} \u{1f600}"),
        ("two\r\nlines", "two\r\nlines"),
        ("{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}\n{\"b\":2}"),
        ("{\"half\":", "{\"half\":"),
        ("NaN\n", "NaN"),
    ] {
        let function = oneshot("cat output").file("output", output).start();
        let answer = function.call("{}");
        answer.response();
        // Compared as a value: how a string is escaped is nobody's business.
        assert_eq!(answer.json(), string);
    }
}

#[test]
fn what_was_printed_before_the_event_counts() {
    let function = oneshot("echo hello; cat > /dev/null; echo world").start();
    for _ in 0..5 {
        assert_eq!(function.call("{}").json(), "hello\nworld");
        function.wait_idle();
    }
}

#[test]
fn no_output_is_null() {
    oneshot("cat > /dev/null").event("{}").expect_response("null").event("{}").expect_response("null").run();
}

#[test]
fn neither_json_nor_utf8_is_an_error() {
    for output in [b"\xff\xfe".as_slice(), b"{\"a\":\"\xff\"}\n", b"text \xc3\n"] {
        let function = oneshot("cat output").file("output", output);
        function
            .event("{}")
            .expect_error("Runtime.MarshalError", "")
            .event("{}")
            .expect_error("Runtime.MarshalError", "")
            .run();
    }
}

#[test]
fn an_exit_other_than_0_is_an_error() {
    let script = "read -r e; echo \"about $e\" >&2; echo '{\"an\":\"answer\"}'; [ $e = 1 ] && exit 3; [ $e = 2 ] && kill -SEGV $$; [ $e = 4 ] && kill -RTMIN $$; exit 0";
    let function = oneshot(script).start();
    assert_eq!(function.call("0").value(), "{\"an\":\"answer\"}");
    let answer = function.call("1");
    assert!(answer.error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(answer.stack(), ["about 1"]);
    let answer = function.call("2");
    assert!(answer.error("Runtime.ExitError").contains("signal SIGSEGV (11)"));
    assert!(function.call("4").error("Runtime.ExitError").contains("signal real-time (34)"));
    assert_eq!(function.call("0").value(), "{\"an\":\"answer\"}");
}

#[test]
fn an_error_object_with_a_bad_exit_is_that_error() {
    let object = r#"{"errorMessage":"no such user","errorType":"UserMissing"}"#;
    let script = format!("read -r e; echo '{object}'; exit $e");
    let function = oneshot(&script).start();
    assert_eq!(function.call("1").error("UserMissing"), "no such user");
    // With 0 the output is the answer, whatever it says.
    assert_eq!(function.call("0").json()["errorMessage"], "no such user");
    assert_eq!(function.requests_so_far(Call::Response).len(), 1);
}

#[test]
fn every_event_has_a_process_of_its_own() {
    let function = oneshot("cat > /dev/null; echo $$").start();
    let mut pids: Vec<_> = (0..6).map(|_| function.call("{}").text()).collect();
    pids.sort();
    pids.dedup();
    assert_eq!(pids.len(), 6, "{pids:?}");
}

#[test]
fn the_next_process_stands_by_before_the_next_event_is_asked_for() {
    let function = oneshot("echo $$ >> /tmp/starts; cat");
    let starts = function.tmp().join("starts");
    let function = function.start();
    // Only the probes of later requests are asked about: the first may have come before this line.
    let read = move || std::fs::read_to_string(&starts).unwrap_or_default().lines().count().to_string();
    function.server().probe(Box::new(read));
    for _ in 0..3 {
        function.call("{}");
    }
    let asked = function.requests(Call::Next, 4);
    let counts: Vec<_> = asked[1..].iter().map(|request| request.probe.as_str()).collect();
    assert_eq!(counts, ["2", "3", "4"], "processes started when the next event was asked for");
}

#[test]
fn without_standby_nothing_starts_before_its_event() {
    let function = oneshot("echo $$ >> /tmp/starts; cat").env("HANDLER_STANDBY", "0").start();
    function.wait_idle();
    assert_eq!(function.tmp().read("starts"), "");
    for count in 1..=3 {
        function.call("{}");
        function.wait_idle();
        assert_eq!(function.tmp().read("starts").lines().count(), count);
    }
}

#[test]
fn a_program_that_ends_without_reading_is_not_an_error() {
    let function = oneshot("echo run >> /tmp/runs").start();
    for _ in 0..3 {
        assert_eq!(function.call("{}").value(), "null");
    }
    function.wait_log("[INFO] lambda-stdio: ");
    // By now it is known not to wait: each event has exactly one run, and none stands by.
    function.wait_idle();
    let before = function.tmp().read("runs").lines().count();
    for _ in 0..3 {
        function.call("{}");
    }
    function.wait_idle();
    assert_eq!(function.tmp().read("runs").lines().count(), before + 3);
    Function::empty()
        .handler("true")
        .mode("oneshot")
        .event("{}")
        .expect_response("null")
        .event("{}")
        .expect_response("null")
        .run();
}

#[test]
fn a_program_that_fails_before_its_first_event_is_an_init_error() {
    oneshot("echo 'no configuration' >&2; exit 3")
        .expect_init_error("Runtime.ExitError", "exit status 3")
        .expect_log("no configuration")
        .run();
}

#[test]
fn a_program_that_never_reads_does_not_mind_a_large_event() {
    // The event does not fit into the pipe, so that writing it ends in EPIPE.
    let event = format!("\"{}\"", "x".repeat(3_000_000));
    oneshot("exec < /dev/null; echo 7").event(event.clone()).expect_value("7").event(event).expect_value("7").run();
}

#[test]
fn children_that_hold_the_pipes_are_not_waited_for() {
    let script = "exec 9> alive; read -r e; sleep 1000 & echo 1; exit $e";
    let function = oneshot(script).lifeline("alive").start();
    assert_eq!(function.call("0").value(), "1");
    function.call("3").error("Runtime.ExitError");
    // The standby process holds the line as well: it goes with the last event.
    function.signal(Signal::SIGTERM);
    function.exit();
    function.pipe("alive").wait_dead();
}

#[test]
fn a_standby_process_that_dies_is_replaced() {
    // The second process, which stands by for the second event, holds the line.
    let script = "echo $$ >> /tmp/pids; [ $(wc -l < /tmp/pids) = 2 ] && exec 9> alive; exec cat";
    let function = oneshot(script).lifeline("alive").start();
    function.call("1");
    function.wait_idle();
    let standby = function.children();
    assert_eq!(standby.len(), 1, "{standby:?}");
    kill(Pid::from_raw(standby[0].0), Signal::SIGKILL).unwrap();
    function.pipe("alive").wait_dead();
    assert_eq!(function.call("2").value(), "2");
    assert_eq!(function.call("3").value(), "3");
    assert!(function.requests_so_far(Call::Error).is_empty());
}

#[test]
fn a_hanging_process_is_killed_and_the_next_event_is_served() {
    let script = "e=$(cat); [ $e = 3 ] && printf abc; [ $e != 2 ] && sleep 1000; echo $e";
    let function = oneshot(script).start();
    for (event, seen) in [("1", "there was no output;"), ("3", "it had printed 3 bytes;")] {
        let event = Event::new(event).deadline_in(std::time::Duration::from_millis(1500));
        let message = function.call(event).error("Runtime.InvokeTimeout");
        assert!(message.contains(seen) && message.contains("HANDLER_MODE=loop"), "{message}");
    }
    assert_eq!(function.call("2").value(), "2");
}
