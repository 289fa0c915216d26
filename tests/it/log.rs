//! Everything that is not the answer: it reaches the log, whole lines at a time, and never gets in the way.

use crate::harness::{Event, Function, Running, Shell, need};
use serde_json::Value;

const CUT: usize = 256 * 1024;

/// Starts the function with `bootstrap`'s stderr in a file, of which every request's probe is a copy: what had been logged
/// when the request came in.
fn with_log_in_a_file(function: Function) -> Running {
    let log = function.tmp().join("log");
    let running = function.start_behind("exec 2> /tmp/log");
    running.server().probe(Box::new(move || std::fs::read_to_string(&log).unwrap_or_default()));
    running
}

/// The log's lines, each of which must be a JSON object.
#[track_caller]
fn objects(log: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON ({e}): {line}"));
    let objects: Vec<Value> = log.lines().map(parse).collect();
    assert!(objects.iter().all(Value::is_object), "{log}");
    objects
}

/// Is this the time of day as RFC 3339 has it, with milliseconds, in UTC?
fn is_timestamp(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[test]
fn what_was_written_before_the_answer_is_logged_before_it_is_posted() {
    let script =
        "while read -r e; do for i in 1 2 3; do echo \"line $i of $e\" >&2; done; echo stray $e; echo $e; done";
    let function = with_log_in_a_file(Function::bash(script));
    for number in 0..30 {
        let answer = function.call(number.to_string());
        for line in [format!("line 1 of {number}\n"), format!("line 3 of {number}\n"), format!("stray {number}\n")] {
            assert!(
                answer.0.probe.contains(&line),
                "{line:?} was not logged when the answer came:\n{}",
                answer.0.probe
            );
        }
    }
}

#[test]
fn a_lot_that_was_written_before_the_answer_is_logged_before_it_is_posted() {
    // As much as a pipe holds, so that the handler has answered before the first of it was read.
    let script = "while read -r e; do cat much >&2; echo $e; done";
    let much = format!("{}last of it\n", "a line that says nothing much\n".repeat(2000));
    let function = with_log_in_a_file(Function::bash(script).file("much", &much));
    for number in 1..=20 {
        let probe = function.call(number.to_string()).0.probe;
        assert_eq!(probe.matches("last of it\n").count(), number);
    }
}

#[test]
fn what_a_crash_left_is_logged_before_its_error_is_posted() {
    let script = "while read -r e; do printf 'half a line' >&2; printf 'half an' ; exit 1; done";
    let answer = with_log_in_a_file(Function::bash(script)).call("1");
    for part in ["half a line\n", "half an\n", "[ERROR] lambda-stdio: Runtime.ExitError: "] {
        assert!(answer.0.probe.contains(part), "{part:?} was not logged when the error came:\n{}", answer.0.probe);
    }
}

#[test]
fn lines_pass_unchanged() {
    let lines = "plain\n[WARN] mine\n{\"level\":\"INFO\"}\n\ttab \u{e4}\u{1f600} \u{1b}[31mred\u{1b}[0m\n";
    let script = "while read -r e; do cat lines >&2; echo $e; done";
    let function = Function::bash(script).file("lines", lines).event("1").expect_response("1").run();
    function.wait_idle();
    function.wait_log(lines);
}

#[test]
fn what_is_written_between_events_is_read() {
    // A pipe holds 64 KiB: the handler gets to ring its bell only if all of this was read, with no event in sight.
    let script = "while read -r e; do echo $e; head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2;
        for i in $(seq 20000); do echo \"late line $i\"; done; echo done > bell; done";
    let function = Function::bash(script).mode("loop").pipe("bell").start();
    assert_eq!(function.call("1").response(), b"1");
    function.pipe("bell").hear();
    assert_eq!(function.call("2").response(), b"2");
    function.wait_log("late line 20000\n");
}

#[test]
fn a_long_line_is_cut_and_nothing_behind_it_is_lost() {
    let script = "import sys
for line in sys.stdin:
    sys.stderr.write('a' * 1000000 + '\\nnext\\n')
    print('b' * 1000000)
    print(line)
";
    let function = Function::python(script).event("1").expect_response("1").event("2").expect_response("2").run();
    function.wait_idle();
    let log = function.stderr();
    assert_eq!(log.matches("next\n").count(), 2);
    assert_eq!(log.matches("[cut: the log takes 256 KiB a line]\n").count(), 4);
    for letter in ['a', 'b'] {
        let of_letter = |line: &str| line.chars().filter(|c| *c == letter).count();
        let longest = log.lines().map(of_letter).max().unwrap();
        assert!((CUT..=CUT + 40).contains(&longest), "{longest} bytes of a line that was to be cut at {CUT}");
    }
}

#[test]
fn a_line_just_short_enough_is_not_cut() {
    let script = format!("while read -r e; do head -c {CUT} /dev/zero | tr '\\0' x >&2; echo >&2; echo $e; done");
    let function = Function::bash(&script).event("1").expect_response("1").run();
    function.wait_log(&format!("{}\n", "x".repeat(CUT)));
}

#[test]
fn every_reported_error_is_logged() {
    let error = r#"{"errorMessage":"no such user","errorType":"User.Missing","stackTrace":["in f","in g"]}"#;
    let script = format!("while read -r e; do [ $e = 1 ] && exit 3; echo '{error}'; done");
    let function = Function::bash(&script).event("0").expect_error("User.Missing", "no such user");
    let function = function.event("1").expect_error("Runtime.ExitError", "").run();
    // With its stack it is one entry.
    function.wait_log("[ERROR] lambda-stdio: User.Missing: no such user\r    in f\r    in g\n");
    function.wait_log("[ERROR] lambda-stdio: Runtime.ExitError: ");
}

#[test]
fn events_and_answers_are_not_logged() {
    let script = "while read -r e; do [ $e = 4 ] && exit 1; echo \"[$e]\"; done";
    let function = Function::bash(script).start();
    function.call("\"secret-event\"");
    function.call("4").error("Runtime.ExitError");
    function.call("\"secret-event\"");
    function.signal(nix::sys::signal::Signal::SIGTERM);
    function.exit();
    let log = function.stderr();
    assert!(!log.contains("secret-event"), "{log}");
}

#[test]
fn trace_prints_every_exchange() {
    let script = "while read -r e; do printf '[\\n1\\n]\\n'; done";
    let function =
        Function::bash(script).env("HANDLER_TRACE", "1").event("{\"an\":\"event\"}").expect_response("[\n1\n]");
    let function = function.expect_log("> {\"an\":\"event\"}\n").run();
    function.wait_log("< [\n< 1\n< ]\n");
    Function::bash("cat")
        .mode("oneshot")
        .env("HANDLER_TRACE", "1")
        .event("{\n}")
        .expect_response("{\n}")
        .expect_log("> {\n> }\n")
        .run();
}

#[test]
fn json_format_makes_every_line_an_object() {
    let script = "echo starting >&2
while read -r e; do
    [ $e = 2 ] && { echo 'the end' >&2; exit 3; }
    printf 'plain \"quoted\" \\xff\\n' >&2
    echo '{\"level\":\"DEBUG\",\"message\":\"mine\",\"n\":1.50}' >&2
    echo 'stray text'
    echo $e
done";
    let function = Function::bash(script).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    let (first, second) = (Event::new("1"), Event::new("2"));
    let (first_id, second_id) = (first.id.clone(), second.id.clone());
    function.call(first);
    function.call(second).error("Runtime.ExitError");
    function.wait_idle();
    function.signal(nix::sys::signal::Signal::SIGTERM);
    function.exit();

    let log = function.stderr();
    assert!(
        log.contains("{\"level\":\"DEBUG\",\"message\":\"mine\",\"n\":1.50}\n"),
        "an object passes unchanged:\n{log}"
    );
    let objects = objects(&log);
    let find = |message: &str| {
        let found = objects.iter().find(|object| object["message"].as_str().is_some_and(|text| text.contains(message)));
        found.unwrap_or_else(|| panic!("no object with the message {message:?}:\n{log}"))
    };
    for object in objects.iter().filter(|object| object["message"] != "mine") {
        assert!(is_timestamp(&object["timestamp"]), "{object}");
        assert!(object["level"].is_string() && object["message"].is_string(), "{object}");
    }
    assert_eq!(find("starting").get("requestId"), None);
    assert_eq!(find("plain \"quoted\" \u{fffd}")["requestId"], first_id);
    assert_eq!(find("stray text")["requestId"], first_id);
    assert_eq!(find("the end")["requestId"], second_id);
    let error = objects.iter().find(|object| object["errorType"] == "Runtime.ExitError").expect("the error is logged");
    assert_eq!((&error["level"], &error["requestId"]), (&"ERROR".into(), &second_id.into()));
    assert_eq!(error["stackTrace"], serde_json::json!(["the end"]));
}

#[test]
fn json_format_keeps_a_long_line_an_object() {
    let script = "while read -r e; do head -c 1000000 /dev/zero | tr '\\0' '\"' >&2; echo >&2; echo $e; done";
    let function = Function::bash(script).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    function.call("1");
    function.wait_idle();
    function.wait_log("\\\"\\\"");
    function.signal(nix::sys::signal::Signal::SIGTERM);
    function.exit();
    let log = objects(&function.stderr());
    let is_cut = |entry: &Value| {
        entry["message"].as_str().is_some_and(|text| text.ends_with("[cut: the log takes 256 KiB a line]"))
    };
    assert_eq!(log.iter().filter(|entry| is_cut(entry)).count(), 1);
}

#[test]
fn one_happening_is_one_entry() {
    // A stack that comes in one piece; what is not indented is the next happening.
    let script = "import os, sys
for line in sys.stdin:
    os.write(2, b'ValueError: no\\n  at f\\n\\tat g\\nanother\\n')
    print(line, flush=True)";
    let function = Function::python(script).start();
    function.call("1");
    function.wait_log("ValueError: no\r  at f\r\tat g\nanother\n");
    let function = Function::python(script).env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    function.call("1");
    function.wait_log("another");
    let messages: Vec<_> = objects(&function.stderr()).into_iter().map(|entry| entry["message"].clone()).collect();
    assert_eq!(messages, ["ValueError: no\n  at f\n\tat g", "another"]);
    // On a shell, a person reads them.
    let output = Shell::new(&format!("#!{}\n{script}", need("python3").display())).stdin("1").run();
    assert!(output.stderr.contains("ValueError: no\n  at f\n\tat g\nanother\n"), "{}", output.stderr);
}

#[test]
fn the_level_filters_bootstraps_own_lines_alone() {
    // A script without its executable bit is a warning.
    let script = "#!/bin/bash\nwhile read -r e; do echo '[DEBUG] mine' >&2; echo $e; done";
    for (level, shown) in [("WARN", true), ("ERROR", false), ("FATAL", false), ("INFO", true), ("DEBUG", true)] {
        let function = Function::empty().file("handler", script).handler("handler").env("AWS_LAMBDA_LOG_LEVEL", level);
        let function = function.event("1").expect_response("1").expect_log("[DEBUG] mine").run();
        assert_eq!(function.stderr().contains("[WARN] lambda-stdio: "), shown, "{level}: {}", function.story());
    }
}

#[test]
fn the_tenant_is_named_wherever_the_request_is() {
    let function = Function::bash("while read -r e; do echo \"told $e\" >&2; [ $e = 2 ] && exit 3; echo $e; done");
    let function = function.env("AWS_LAMBDA_LOG_FORMAT", "JSON").start();
    let tenant = |event: &str| Event::new(event).header("Lambda-Runtime-Aws-Tenant-Id", "blue \"team\"");
    function.call(tenant("1"));
    function.call(tenant("2")).error("Runtime.ExitError");
    function.call("3");
    function.wait_log("told 3");
    let stderr = function.stderr();
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let message = line["message"].as_str().unwrap();
        let tenant = if message == "told 3" { &Value::Null } else { &Value::from("blue \"team\"") };
        assert_eq!(&line["tenantId"], tenant, "{line}");
        assert!(line["requestId"].is_string(), "{line}");
    }
    assert_eq!(lines.len(), 4, "{stderr}");
}
