//! On a shell: `bootstrap HANDLER [EVENT-FILE]...`, where the shell takes Lambda's place.

mod command_line;
mod ends;
mod events;

use crate::harness::{Shell, need};

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
fn a_function_finds_what_it_finds_on_lambda() {
    need("python3");
    let code = "def handler(event, context):
    return [context.function_name, context.invoked_function_arn, context.log_group_name, context.function_version]
";
    let shell = Shell::bare().file("greeter.py", code).arg("greeter.handler").stdin("1");
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:greeter";
    let wanted = format!("[\"greeter\",\"{arn}\",\"/aws/lambda/greeter\",\"$LATEST\"]\n");
    shell.run().expect_stdout(&wanted).expect_status(0);
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
