//! On a shell: `bootstrap HANDLER [EVENT-FILE]...`, where the shell takes Lambda's place.

use crate::harness::Shell;
use crate::harness::files::bootstrap;
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
fn what_is_not_json_ends_its_file() {
    // Nothing of a value with a typo in it is run, and nothing behind it.
    let typo = "{\"n\":1}\n{\"action\": \"list\" \"x\",\n \"previous\":\n {\"action\": \"delete\"}}\n{\"n\":2}\n";
    let shell = echo().file("typo.json", typo).file("next.json", "{\"n\":3}");
    let output = shell.arg("typo.json").arg("next.json").run().expect_stdout("{\"n\":1}\n{\"n\":3}\n").expect_status(1);
    let output = output.expect_stderr("typo.json:2:19: ");
    assert_eq!(output.stderr.matches("[ERROR]").count(), 1, "{}", output.stderr);
    // A pipe is like a file.
    let output =
        echo().stdin("{\"a\":1}\nnot json, 1\n{\"b\":2}\n").run().expect_stdout("{\"a\":1}\n").expect_status(1);
    output.expect_stderr("stdin:2:2: ").expect_stderr("not json, 1");
    let shell = echo().file("some.json", "1\n{\"half\":").arg("some.json");
    shell.run().expect_stdout("1\n").expect_status(1).expect_stderr("some.json:2:1: ");
}

#[test]
fn on_a_terminal_the_next_line_is_a_new_beginning() {
    let script = crate::harness::need("script");
    let command = format!("{} handler", bootstrap().display());
    let shell = Shell::bare().program("handler", &format!("#!/bin/bash\n{ECHO}"));
    // What is typed is shown as well, on the same terminal as the answers and the log.
    let words = [script.as_os_str(), "-qec".as_ref(), command.as_ref(), "/dev/null".as_ref()];
    let mut typing = shell.through(&words).start();
    typing.wait_stdout("type events");
    typing.type_in("{\"a\" 1} {\"not\":\"run\"}\n");
    typing.wait_stdout("stdin:1:6: no JSON can go on like this");
    typing.type_in("{\"b\":2}\n");
    typing.wait_stdout("\"b\": 2");
    typing.type_in("\u{4}");
    let output = typing.end().expect_status(1);
    assert!(
        !output.stdout.contains("\"not\": \"run\"") && output.stdout.contains("Event: stdin:2"),
        "{}",
        output.stdout
    );
}

#[test]
fn a_mark_before_an_event_is_named() {
    for (content, hint) in [
        (&b"\xef\xbb\xbf{\"a\":1}"[..], "byte order mark"),
        (b"\xff\xfe{\0}\0", "UTF-16"),
        (b"\xfe\xff\0{\0}", "UTF-16"),
        (b"{\0}\0", "UTF-16"),
    ] {
        let shell = echo();
        std::fs::write(shell.folder().join("event.json"), content).unwrap();
        let output = shell.arg("event.json").run().expect_stdout("").expect_status(1);
        output.expect_stderr("event.json:1:").expect_stderr(hint);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_skipped() {
    let shell = echo().file("folder/file", "").file("one.json", "1");
    let shell = shell.arg("folder").arg("missing.json").arg("one.json").arg("folder");
    let output = shell.run().expect_stdout("1\n").expect_status(1);
    output.expect_stderr("folder is a folder").expect_stderr("missing.json");
}

#[test]
fn events_come_from_the_command_line() {
    let shell = echo().arg("--event").arg("{\"a\": 1} 2").arg("--event=[3]").stdin("\"not read\"");
    shell.run().expect_stdout("{\"a\":1}\n2\n[3]\n").expect_status(0);
    let output = echo().arg("--event").arg("{a: 1}").run().expect_stdout("").expect_status(1);
    output.expect_stderr("--event:1:2: ");
}

#[test]
fn an_error_names_the_file_and_the_line_of_its_event() {
    let events = "1\n\n{\n\"errorMessage\": \"no such user\"}\n";
    let output = echo().file("users.json", events).arg("users.json").run().expect_stdout("1\n").expect_status(1);
    let output = output.expect_stderr("[ERROR] lambda-stdio: Function.Unknown: no such user (users.json:3)\n");
    let places: Vec<_> =
        reports(&output.stderr).iter().map(|line| line.split(' ').next_back().unwrap().to_owned()).collect();
    assert_eq!(places, ["users.json:1", "users.json:3"]);
}

#[test]
fn quiet_leaves_reports_out() {
    for option in ["--quiet", "-q"] {
        let output = echo().arg(option).stdin("1").run().expect_stdout("1\n").expect_status(0);
        assert_eq!(output.stderr, "");
    }
}

#[test]
fn what_stands_behind_two_dashes_is_the_handlers() {
    let script = "while read -r e; do printf '[\"%s\",\"%s\",%s]\\n' \"$1\" \"$2\" \"$e\"; done";
    let shell = Shell::bash(script).file("one.json", "1").arg("one.json").arg("--").arg("--trace").arg("a b");
    let output = shell.run().expect_stdout("[\"--trace\",\"a b\",1]\n").expect_status(0);
    assert!(!output.stderr.contains("> 1"), "{}", output.stderr);
    // Options stand anywhere before.
    let shell = Shell::bash(script).file("one.json", "1").arg("--quiet").arg("one.json").arg("--timeout").arg("60");
    shell.arg("--").arg("x").run().expect_stdout("[\"x\",\"\",1]\n").expect_status(0);
    let shell = Shell::bash(script).env("HANDLER_ARGS", "'a  b' c\\ d").stdin("1");
    shell.run().expect_stdout("[\"a  b\",\"c d\",1]\n").expect_status(0);
    let output = Shell::bash(script).env("HANDLER_ARGS", "a").arg("--").arg("b").stdin("1").run().expect_stdout("");
    output.expect_status(1).expect_stderr("HANDLER_ARGS");
}

#[test]
fn a_function_finds_what_it_finds_on_lambda() {
    crate::harness::need("python3");
    let code = "def handler(event, context):
    return [context.function_name, context.invoked_function_arn, context.log_group_name, context.function_version]
";
    let shell = Shell::bare().file("greeter.py", code).arg("greeter.handler").stdin("1");
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:greeter";
    let wanted = format!("[\"greeter\",\"{arn}\",\"/aws/lambda/greeter\",\"$LATEST\"]\n");
    shell.run().expect_stdout(&wanted).expect_status(0);
}

#[test]
fn the_last_event_is_known() {
    // It looks at a clock, so it cannot be seen to be at rest, and waits for the end of the file.
    let code = "import select, sys, time
data = ''
while True:
    ready, _, _ = select.select([sys.stdin], [], [], 0.05)
    if ready:
        piece = sys.stdin.readline()
        if not piece: break
        data += piece
print(data.strip())
";
    let filter = || Shell::new(&format!("#!{}\n{code}", crate::harness::need("python3").display()));
    let shell = filter().file("one.json", "{\"a\":1}\n \n").file("empty.json", "\n").arg("one.json").arg("empty.json");
    shell.run().expect_stdout("{\"a\":1}\n").expect_status(0);
    // The pipe is closed while the handler works.
    let mut typing = filter().start();
    typing.type_in("{\"b\":2}\n");
    typing.wait_log("no answer for ");
    typing.close_stdin();
    typing.end().expect_stdout("{\"b\":2}\n").expect_status(0);
}

#[test]
fn a_handler_that_does_not_answer_is_looked_at_once() {
    let slow = "while read -r e; do read -r go < go; echo $e; done";
    let shell = Shell::bash(slow);
    let go = crate::harness::fifo::Fifo::line(shell.folder(), "go");
    let mut typing = shell.start();
    typing.type_in("1\n");
    typing.wait_log("no answer for 3 s: the handler ");
    go.ring();
    typing.wait_stdout("1\n");
    typing.close_stdin();
    let output = typing.end().expect_status(0);
    assert_eq!(output.stderr.matches("no answer for").count(), 1, "{}", output.stderr);
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
    for word in [
        "--timeout",
        "--trace",
        "--watch",
        "--version",
        "--event",
        "--quiet",
        "HANDLER_MODE",
        "HANDLER_ARGS",
        "FILE.FUNCTION",
        "handlers/README.md",
        "docs/shell.md",
    ] {
        assert!(output.stdout.contains(word), "{word} is missing:\n{}", output.stdout);
    }
}

#[test]
fn help_that_nobody_can_read_is_no_panic() {
    let bash = crate::harness::need("bash");
    for (redirection, status) in [("> /dev/full", "1"), ("| true", "0")] {
        // The reader has gone by then.
        let script = format!(
            "{{ sleep 0.2; \"{}\" --help; echo \"$?\" > status; }} {redirection}; cat status",
            bootstrap().display()
        );
        let output = Shell::bare().through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).run();
        assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
        assert_eq!(output.stdout.trim(), status, "{}", output.stderr);
    }
}

#[test]
fn it_goes_by_the_name_that_it_was_started_by() {
    let shell = Shell::bare();
    let named = shell.folder().join("lambda-stdio");
    std::os::unix::fs::symlink(bootstrap(), &named).unwrap();
    let output = shell.through(&[named.as_os_str()]).arg("--help").run().expect_status(0);
    assert!(
        output.stdout.contains("Usage: lambda-stdio ") && !output.stdout.contains("bootstrap ./"),
        "{}",
        output.stdout
    );
}

#[test]
fn completions_and_manual_know_every_option() {
    let page = |arguments: &[&str]| {
        let shell = arguments.iter().fold(Shell::bare(), |shell, argument| shell.arg(argument));
        shell.run().expect_status(0).stdout
    };
    let help = page(&["--help"]);
    let options: Vec<_> = help.split_whitespace().filter_map(|word| word.strip_prefix("--")).collect();
    let options: Vec<_> = options.into_iter().filter(|word| word.starts_with(char::is_alphabetic)).collect();
    assert!(options.contains(&"event") && options.contains(&"completions"), "{options:?}");
    let bash = page(&["--completions", "bash"]);
    let (zsh, fish, man) = (page(&["--completions", "zsh"]), page(&["--completions", "fish"]), page(&["--man"]));
    for option in options {
        assert!(bash.contains(&format!("--{option}")) && zsh.contains(&format!("--{option}[")), "{option}");
        assert!(fish.contains(&format!("-l {option}")) && man.contains(&format!("\\-\\-{option}")), "{option}");
    }
    // bash takes them, and they work.
    let script =
        format!("{bash}\nCOMP_WORDS=(bootstrap --ev); COMP_CWORD=1; _lambda_stdio; echo \"${{COMPREPLY[@]}}\"");
    let shell = Shell::bare().through(&[crate::harness::need("bash").as_os_str(), "-c".as_ref(), script.as_ref()]);
    shell.run().expect_stdout("--event\n").expect_status(0);
    Shell::bare().arg("--completions").arg("tcsh").run().expect_status(2).expect_stderr("bash, zsh, fish");
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
    for arguments in [&["--timeout", "1s"][..], &["--timeout=1s"], &["--timeout=1000ms"], &["--timeout", "1"]] {
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
fn a_signal_ends_it_and_takes_the_handler_along() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let script = "trap 'touch told; exit 0' INT TERM; while read -r e; do echo $e; done";
        let mut typing = Shell::bash(script).start();
        typing.type_in("1\n");
        typing.wait_stdout("1\n");
        typing.signal(signal);
        let told = typing.folder().path().join("told");
        let output = typing.end_with(|| assert!(told.exists(), "the handler was not told of {signal}"));
        // A script stops at an interrupt only if what it has started was ended by it.
        let wanted = if signal == Signal::SIGINT { Exit::Signal(Signal::SIGINT as i32) } else { Exit::Status(0) };
        assert_eq!(output.exit, wanted);
    }
}

#[test]
fn an_interrupt_ends_a_loop_around_it() {
    let script = format!(
        "for n in 1 2 3; do echo \"round $n\" >&2; \"{}\" ./handler && echo deployed; done; echo 'after the loop'",
        bootstrap().display()
    );
    let bash = crate::harness::need("bash");
    // A terminal tells all of its foreground: here it is its own group.
    let setsid = crate::harness::need("setsid");
    let shell =
        Shell::bare().program("handler", "#!/bin/bash\necho \"pid $PPID\" >&2; while read -r e; do echo $e; done");
    let shell = shell.through(&[setsid.as_os_str(), bash.as_os_str(), "-ic".as_ref(), script.as_ref()]);
    let mut typing = shell.start();
    typing.type_in("1\n");
    typing.wait_stdout("1\n");
    typing.signal_group(Signal::SIGINT);
    let output = typing.end();
    assert_eq!(output.stdout, "1\n", "{}", output.stderr);
    assert_eq!(output.stderr.matches("round").count(), 1, "{}", output.stderr);
}

#[test]
fn a_stream_that_nobody_reads_ends_quietly() {
    let script =
        format!("\"{}\" handler --event 1 2> log | head -1; echo \"${{PIPESTATUS[0]}}\"", bootstrap().display());
    let bash = crate::harness::need("bash");
    let shell = Shell::bare().program("handler", "#!/bin/bash\nwhile echo line; do :; done");
    let shell = shell.env("HANDLER_MODE", "oneshot").env("HANDLER_RESPONSE", "streaming");
    let typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).stdin("").start();
    let log = typing.folder().path().join("log");
    let output = typing.end_with(move || {
        let log = std::fs::read_to_string(log).unwrap();
        assert!(!log.contains("ERROR") && !log.contains("FATAL") && !log.contains("panicked"), "{log}");
    });
    assert_eq!(output.stdout, "line\n0\n");
}

#[test]
fn a_large_event_costs_no_more_than_three_times_its_size() {
    const MEGABYTES: usize = 50;
    let event = format!("\"{}\"\n", "x".repeat(MEGABYTES << 20));
    let code = "import os, sys
ppid = os.getppid()
for line in sys.stdin:
    peak = [line for line in open(f'/proc/{ppid}/status') if line.startswith('VmHWM')][0].split()[1]
    print(peak, flush=True)
";
    let shell = Shell::new(&format!("#!{}\n{code}", crate::harness::need("python3").display()));
    let output = shell.file("large.json", &event).arg("large.json").run().expect_status(0);
    let peak: usize = output.stdout.trim().parse().unwrap();
    assert!(peak >> 10 < 3 * MEGABYTES, "{} MB", peak >> 10);
}

#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    // As `bootstrap handler | head -1` does. Who reads no more wants no complaint.
    let script =
        format!("\"{}\" handler < events 2> log | head -1; echo \"${{PIPESTATUS[0]}}\"", bootstrap().display());
    let shell =
        Shell::bare().program("handler", &format!("#!/bin/bash\n{ECHO}")).file("events", &"\"x\"\n".repeat(20_000));
    let bash = crate::harness::need("bash");
    let typing = shell.through(&[bash.as_os_str(), "-c".as_ref(), script.as_ref()]).stdin("").start();
    let log = typing.folder().path().join("log");
    let output = typing.end_with(move || assert!(!std::fs::read_to_string(log).unwrap().contains("panicked")));
    assert!(output.stdout.starts_with("\"x\"\n"), "{}", output.stdout);
}
