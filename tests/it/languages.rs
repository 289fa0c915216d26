//! Real interpreters, each with the few lines a user would write.

use crate::harness::{Function, need};

const EVENT: &str = r#"{"name":"Ada","n":12345678901234567890}"#;

/// A loop in this language that answers `{"hello":"Ada"}`, twice by the same process.
#[track_caller]
fn greets(interpreter: &str, script: &str) {
    let answer = "{\"hello\":\"Ada\"}";
    let function = Function::of(interpreter, script).event(EVENT).expect_response(answer);
    function.event(EVENT).expect_response(answer).run();
}

#[test]
fn bash() {
    greets("bash", "while read -r e; do e=${e#*:\\\"}; echo \"{\\\"hello\\\":\\\"${e%%\\\"*}\\\"}\"; done");
}

#[test]
fn python_needs_no_flush() {
    greets(
        "python3",
        "import json, sys
for line in sys.stdin:
    print(json.dumps({'hello': json.loads(line)['name']}, separators=(',', ':')))
",
    );
}

#[test]
fn perl() {
    greets("perl", "$| = 1; while (<STDIN>) { /\"name\":\"(.*?)\"/; print \"{\\\"hello\\\":\\\"$1\\\"}\\n\" }");
}

#[test]
fn awk() {
    // Debian's awk collects its input, too, unless it is told not to.
    let script = r#"exec mawk -W interactive '{ split($0, a, "\""); print "{\"hello\":\"" a[4] "\"}"; fflush() }'"#;
    need("mawk");
    greets("bash", script);
}

#[test]
fn node() {
    greets(
        "node",
        "const lines = require('readline').createInterface({ input: process.stdin });
lines.on('line', line => console.log(JSON.stringify({ hello: JSON.parse(line).name })));
",
    );
}

#[test]
fn sbcl() {
    greets(
        "sbcl --script",
        r#"(loop for line = (read-line *standard-input* nil)
      while line
      do (let* ((start (+ 8 (search "\"name\":" line)))
                (end (position #\" line :start start)))
           (format t "{\"hello\":\"~a\"}~%" (subseq line start end))
           (finish-output)))
"#,
    );
}

#[test]
fn jq_unbuffered_is_a_loop_whose_answers_span_lines() {
    let jq = need("jq");
    let answer = "{\n  \"hello\": \"Ada\",\n  \"list\": [\n    1,\n    2\n  ]\n}";
    let script = format!("exec {} --unbuffered '{{hello: .name, list: [1, 2]}}'", jq.display());
    let function = Function::bash(&script).event(EVENT).expect_response(answer);
    let function = function.event(EVENT).expect_response(answer).run();
    assert!(!function.stderr().contains("HANDLER_MODE=oneshot"), "{}", function.story());
}

#[test]
fn jq_as_an_executable_filter_is_found_out_to_be_oneshot() {
    let function = Function::of("jq -cf", "{hello: .name}").event(EVENT);
    let function = function.expect_value("{\"hello\":\"Ada\"}").event(EVENT).expect_value("{\"hello\":\"Ada\"}");
    function.expect_log("HANDLER_MODE=oneshot").run();
}

#[test]
fn awk_that_reads_to_the_end_is_a_oneshot() {
    Function::of("awk -f", "{ n += length($0) } END { print n }")
        .mode("oneshot")
        .event("[1,2,3]")
        .expect_value("7")
        .event("[1,\n2]")
        .expect_value("5")
        .run();
}
