//! On a shell: `bootstrap HANDLER [EVENT-FILE]...`, where the shell takes Lambda's place.

use crate::harness::Shell;
use crate::harness::watch::Exit;
use nix::sys::signal::Signal;

const ECHO: &str = "while IFS= read -r e; do echo \"$e\"; done";

fn echo() -> Shell {
    Shell::bash(ECHO)
}

/// The `REPORT` lines, their fields separated by single spaces.
fn reports(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().filter(|line| line.starts_with("REPORT "));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn events_come_line_by_line_pretty_or_concatenated() {
    let input = "{\"a\":1}\n{\n  \"b\": [\n    2\n  ]\n}\n{\"c\":3}{\"d\":4}[5]\"six\" 7 8\ttrue\r\nnull\n\n\n-9.50";
    let wanted = "{\"a\":1}\n{\"b\":[2]}\n{\"c\":3}\n{\"d\":4}\n[5]\n\"six\"\n7\n8\ntrue\nnull\n-9.50\n";
    echo().stdin(input).run().expect_stdout(wanted).expect_status(0);
}

#[test]
fn answers_are_one_line_each_and_otherwise_untouched() {
    let answer = "{\n  \"z\": 12345678901234567890.10,\n  \"a\": [ ],\r\n\t\"s\": \"a  b \\n \\u00e4 : , {\"\n}";
    let wanted = "{\"z\":12345678901234567890.10,\"a\":[],\"s\":\"a  b \\n \\u00e4 : , {\"}\n";
    let shell = Shell::bash("while read -r e; do cat answer; echo; done").file("answer", answer);
    shell.stdin("1 2").run().expect_stdout(&wanted.repeat(2)).expect_status(0);
}

#[test]
fn answers_are_pretty_on_a_terminal() {
    let input = "{\"z\":12345678901234567890.10,\"a\":[1,{\"b\":[]}],\"e\":{}}";
    let wanted = "{\n  \"z\": 12345678901234567890.10,\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"e\": {}\n}\n";
    echo().terminal().stdin(input).run().expect_stdout(wanted).expect_status(0);
}

#[test]
fn events_come_from_files() {
    let shell = echo().file("one.json", "{\"one\":1}\n").file("two.json", "[2]\n[3]\n");
    shell
        .arg("one.json")
        .arg("two.json")
        .stdin("\"not read\"")
        .run()
        .expect_stdout("{\"one\":1}\n[2]\n[3]\n")
        .expect_status(0);
    // A value does not go on in the next file.
    let shell = echo().file("one.json", "1").file("two.json", "2");
    shell.arg("one.json").arg("two.json").run().expect_stdout("1\n2\n").expect_status(0);
    let shell = echo().file("one.json", "1");
    shell.arg("one.json").arg("-").stdin("2").run().expect_stdout("1\n2\n").expect_status(0);
}

#[test]
fn with_the_variable_all_arguments_are_files() {
    let shell = Shell::bare().program("named", &format!("#!/bin/bash\n{ECHO}")).env("_HANDLER", "named");
    shell.file("one.json", "1").arg("one.json").run().expect_stdout("1\n").expect_status(0);
}

#[test]
fn a_missing_file_is_named() {
    let output = echo().arg("no-such.json").run().expect_stdout("").expect_stderr("no-such.json");
    assert!(matches!(output.exit, Exit::Status(1 | 2)), "{:?}", output.exit);
}

#[test]
fn every_event_is_reported() {
    let script = "while read -r e; do [ $e = 2 ] && exit 3; cat \"$LAMBDA_CONTEXT_FILE\"; echo; done";
    let output = Shell::bash(script).stdin("1 2 3").run().expect_status(1);
    let reports = reports(&output.stderr);
    assert_eq!(reports.len(), 3, "{}", output.stderr);
    let ids: Vec<_> = reports.iter().map(|line| line.split(' ').nth(2).unwrap()).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    for (line, id) in reports.iter().zip(&ids) {
        let duration =
            line.strip_prefix(&format!("REPORT RequestId: {id} Duration: ")).unwrap_or_else(|| panic!("{line}"));
        let words: Vec<_> = duration.split(' ').collect();
        assert!(words[0].parse::<f64>().is_ok() && words[1] == "ms", "{line}");
        assert_eq!(line.contains("Status: error"), *id == ids[1], "{line}");
        // A UUID: what a handler takes apart on Lambda, it can take apart here.
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    }
    assert!(reports[1].contains("Error Type: Runtime.ExitError"), "{}", reports[1]);
    let contexts: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&contexts[0]["awsRequestId"], &contexts[1]["awsRequestId"]), (&ids[0].into(), &ids[2].into()));
}

#[test]
fn a_failed_event_is_told_and_the_others_are_served() {
    let error = r#"{"errorMessage":"no such user","errorType":"User.Missing"}"#;
    let input = format!("1\n{error}\n3\n");
    let output = echo().stdin(input).run().expect_stdout("1\n3\n").expect_status(1);
    let output = output.expect_stderr("[ERROR] lambda-stdio: User.Missing: no such user");
    assert!(reports(&output.stderr)[1].contains("Error Type: User.Missing"));
}

#[test]
fn what_is_not_json_is_named_and_reading_goes_on() {
    let input = "{\"a\":1}\nnot json, 1\n{\"b\":2}\n  {\"c\": tru}\n3\n";
    let output = echo().stdin(input).run().expect_stdout("{\"a\":1}\n{\"b\":2}\n3\n").expect_status(1);
    let numbers = |line: &str| {
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()
    };
    let told: Vec<_> = output.stderr.lines().filter(|line| line.contains("stdin")).map(numbers).collect();
    assert_eq!(told.len(), 2, "{}", output.stderr);
    // Line and column.
    assert!(told[0].starts_with(&[2]) && told[0].len() >= 2, "{}", output.stderr);
    assert!(told[1].starts_with(&[4]) && told[1][1] >= 3, "{}", output.stderr);

    let shell = echo().file("some.json", "1\n{\"half\":").arg("some.json");
    shell.run().expect_stdout("1\n").expect_status(1).expect_stderr("some.json");
}

#[test]
fn an_answer_comes_before_the_input_ends() {
    let mut typing = echo().start();
    typing.type_in("{\"first\":1}\n");
    typing.wait_stdout("{\"first\":1}\n");
    // A number might go on: it ends with its line.
    typing.type_in("42\n");
    typing.wait_stdout("42\n");
    typing.type_in("{\"half\":");
    typing.type_in("1}");
    typing.wait_stdout("{\"half\":1}\n");
    typing.close_stdin();
    typing.end().expect_status(0);
}

#[test]
fn no_events_are_a_hint() {
    for input in ["", " \n\n"] {
        let output = echo().stdin(input).run().expect_stdout("").expect_status(0);
        assert!(!output.stderr.is_empty(), "nothing was said");
    }
}

#[test]
fn nothing_at_all_tells_what_to_type() {
    let output = Shell::bare().run().expect_stdout("").expect_status(2);
    assert!(output.stderr.contains("bootstrap ") && output.stderr.contains("--help"), "{}", output.stderr);
}

#[test]
fn help_teaches_with_examples() {
    let output = Shell::bare().arg("--help").run().expect_status(0);
    let examples = output.stdout.lines().filter(|line| line.starts_with(' ') && line.contains("bootstrap ")).count();
    assert!(examples >= 3, "{}", output.stdout);
    for word in ["--timeout", "--trace", "--watch", "--version", "HANDLER_MODE"] {
        assert!(output.stdout.contains(word), "{word} is missing:\n{}", output.stdout);
    }
}

#[test]
fn version_is_told() {
    let output = Shell::bare().arg("--version").run().expect_status(0);
    assert!(output.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", output.stdout);
    assert_eq!(output.stdout.lines().count(), 1);
}

#[test]
fn wrong_usage_is_2() {
    for arguments in
        [&["--no-such"][..], &["--timeout"], &["--timeout", "soon", "handler"], &["--timeout=-3s", "handler"]]
    {
        let shell = arguments
            .iter()
            .fold(Shell::bare().program("handler", "#!/bin/cat"), |shell, argument| shell.arg(argument));
        let output = shell.run().expect_stdout("").expect_status(2);
        assert!(output.stderr.contains(arguments[0].split('=').next().unwrap()), "{}", output.stderr);
    }
}

#[test]
fn the_time_out_is_an_option() {
    let script = "#!/bin/bash\nwhile read -r e; do [ $e = 1 ] && sleep 1000; echo $e; done";
    for arguments in [&["--timeout", "1s"][..], &["--timeout=1s"], &["--timeout=1000ms"]] {
        let shell =
            arguments.iter().fold(Shell::bare().program("handler", script), |shell, argument| shell.arg(argument));
        let output = shell.arg("handler").stdin("0 1 2").run().expect_stdout("0\n2\n").expect_status(1);
        output.expect_stderr("Runtime.InvokeTimeout");
    }
}

#[test]
fn trace_is_an_option() {
    let output = echo().arg("--trace").stdin("{\"a\":1}").run().expect_stdout("{\"a\":1}\n").expect_status(0);
    output.expect_stderr("> {\"a\":1}\n").expect_stderr("< {\"a\":1}\n");
}

#[test]
fn the_handlers_log_goes_to_stderr() {
    let script = "while read -r e; do echo \"stray\"; echo 'to stderr' >&2; echo $e; done";
    let output = Shell::bash(script).stdin("1").run().expect_stdout("1\n").expect_status(0);
    output.expect_stderr("stray\n").expect_stderr("to stderr\n");
}

#[test]
fn an_init_error_is_told() {
    let output = Shell::bare().arg("no-such").stdin("1").run().expect_stdout("").expect_status(1);
    output.expect_stderr("Runtime.HandlerNotFound");
    let output = Shell::bash("echo 'no database' >&2; exit 7").stdin("1").run().expect_stdout("").expect_status(1);
    output.expect_stderr("no database").expect_stderr("exit status 7");
    let output = echo().env("HANDLER_MODE", "banana").stdin("1").run().expect_stdout("").expect_status(1);
    output.expect_stderr("HANDLER_MODE");
}

#[test]
fn oneshot_and_auto_work_as_on_lambda() {
    let shell = Shell::bash("tr a-z A-Z").env("HANDLER_MODE", "oneshot");
    shell.stdin("\"ada\"\n[\"b\"]").run().expect_stdout("\"ADA\"\n[\"B\"]\n").expect_status(0);
    Shell::bash("tr a-z A-Z").stdin("\"ada\"\n[\"b\"]").run().expect_stdout("\"ADA\"\n[\"B\"]\n").expect_status(0);
    Shell::bare().arg("sort").stdin("{ \"a\": 1 }").run().expect_stdout("{\"a\":1}\n").expect_status(0);
}

#[test]
fn a_large_event_passes() {
    let event = format!("\"{}\"\n", "x".repeat(6_000_000));
    let shell = Shell::new(&format!(
        "#!{}\nimport sys\nfor line in sys.stdin: sys.stdout.write(line)\n",
        crate::harness::need("python3").display()
    ));
    let output = shell.stdin(event.clone()).run().expect_status(0);
    assert!(output.stdout == event);
}

#[test]
fn interrupting_it_ends_it_with_0_and_takes_the_handler_along() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let script = "trap 'touch told; exit 0' INT TERM; while read -r e; do echo $e; done";
        let mut typing = Shell::bash(script).start();
        typing.type_in("1\n");
        typing.wait_stdout("1\n");
        typing.signal(signal);
        let told = typing.folder().path().join("told");
        let output = typing.end_with(|| assert!(told.exists(), "the handler was not told of {signal}"));
        output.expect_status(0);
    }
}

#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    // As `bootstrap handler | head -1` does. Who reads no more wants no complaint.
    let script = format!(
        "\"{}\" handler < events 2> log | head -1; echo \"${{PIPESTATUS[0]}}\"",
        crate::harness::files::bootstrap().display()
    );
    let shell =
        Shell::bare().program("handler", &format!("#!/bin/bash\n{ECHO}")).file("events", &"\"x\"\n".repeat(20_000));
    let bash = crate::harness::need("bash");
    let typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).stdin("").start();
    let log = typing.folder().path().join("log");
    let output = typing.end_with(move || assert!(!std::fs::read_to_string(log).unwrap().contains("panicked")));
    assert!(output.stdout.starts_with("\"x\"\n"), "{}", output.stdout);
}
