//! Where events come from: files, the command line, stdin. What is none is named, and nothing of it is run.

use super::{ECHO, echo, reports};
use crate::harness::files::bootstrap;
use crate::harness::watch::Exit;
use crate::harness::{Shell, need};

#[test]
fn events_come_line_by_line_pretty_or_concatenated() {
    let input = "{\"a\":1}\n{\n  \"b\": [\n    2\n  ]\n}\n{\"c\":3}{\"d\":4}[5]\"six\" 7 8\ttrue\r\nnull\n\n\n-9.50";
    let wanted = "{\"a\":1}\n{\"b\":[2]}\n{\"c\":3}\n{\"d\":4}\n[5]\n\"six\"\n7\n8\ntrue\nnull\n-9.50\n";
    echo().stdin(input).run().expect_stdout(wanted).expect_status(0);
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
    let script = need("script");
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
    let filter = || Shell::new(&format!("#!{}\n{code}", need("python3").display()));
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
fn no_events_are_a_hint() {
    for input in ["", " \n\n"] {
        let output = echo().stdin(input).run().expect_stdout("").expect_status(0);
        assert!(!output.stderr.is_empty(), "nothing was said");
    }
}

#[test]
fn a_large_event_passes() {
    let event = format!("\"{}\"\n", "x".repeat(6_000_000));
    let shell = Shell::new(&format!(
        "#!{}\nimport sys\nfor line in sys.stdin: sys.stdout.write(line)\n",
        need("python3").display()
    ));
    let output = shell.stdin(event.clone()).run().expect_status(0);
    assert!(output.stdout == event);
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
    let shell = Shell::new(&format!("#!{}\n{code}", need("python3").display()));
    let output = shell.file("large.json", &event).arg("large.json").run().expect_status(0);
    let peak: usize = output.stdout.trim().parse().unwrap();
    assert!(peak >> 10 < 3 * MEGABYTES, "{} MB", peak >> 10);
}
