//! What is told of an error is so: its type, its words, and where it happened.

use crate::harness::{Event, Function, need};
use serde_json::Value;
use std::time::Duration;

const TOO_LARGE: &str = "Function.ResponseSizeTooLarge";

#[test]
fn an_answer_of_whatever_size_is_too_large_and_nothing_else() {
    // Above four times the limit it is not read to its end any more.
    need("python3");
    let code = "def f(event, context): return 'x' * event\n";
    let function = Function::empty().file("app.py", code).handler("app.f").start();
    need("node");
    let code = "exports.f = async (event) => 'x'.repeat(event);\n";
    let other = Function::empty().file("app.js", code).handler("app.f").start();
    for function in [function, other] {
        for size in ["7000000", "26000000"] {
            function.call(size).error(TOO_LARGE);
        }
        assert_eq!(function.call("1").response(), b"\"x\"");
    }
}

#[test]
fn who_sent_nothing_is_not_said_to_have_sent_a_part() {
    need("python3");
    let code = "import os, time\ndef f(event, context): time.sleep(1000) if event else os._exit(3)\n";
    let function = Function::empty().file("app.py", code).handler("app.f").start();
    let message = function.call("0").error("Runtime.ExitError");
    assert!(message.contains("exit status 3") && !message.contains("complete"), "{message}");
    let slow = Event::new("1").deadline_in(Duration::from_secs(1));
    let message = function.call(slow).error("Runtime.InvokeTimeout");
    assert!(!message.contains("complete"), "{message}");
}

#[test]
fn the_place_of_an_error_is_told() {
    let function = Function::python("import sys\nfor line in sys.stdin:\n    raise ValueError(line)\n").start();
    let answer = function.answer(&function.send("1"));
    answer.error("Runtime.ExitError");
    let cause: Value =
        serde_json::from_str(answer.0.header("Lambda-Runtime-Function-XRay-Error-Cause").unwrap()).unwrap();
    let stack = cause["exceptions"][0]["stack"].as_array().unwrap();
    let frame = |frame: &&Value| frame["path"] == "/var/task/handler" && frame["line"] == 4;
    assert!(stack.iter().any(|one| frame(&one)), "{cause:#}");
}

/// The frames that X-Ray is told of an event's error: path, line, label.
#[track_caller]
fn frames(function: Function) -> Vec<(String, u64, String)> {
    let function = function.start();
    let answer = function.answer(&function.send("1"));
    let cause = answer.0.header("Lambda-Runtime-Function-XRay-Error-Cause").unwrap_or_else(|| panic!("{}", answer.0));
    let cause: Value = serde_json::from_str(cause).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let frame = |frame: &Value| (text(&frame["path"]), frame["line"].as_u64().unwrap(), text(&frame["label"]));
    cause["exceptions"][0]["stack"].as_array().unwrap().iter().map(frame).collect()
}

#[test]
fn the_place_is_told_in_languages_whose_stacks_do_not_name_it() {
    let bash = |body: &str| {
        Function::empty().file("f.sh", format!("# A note.\nhandler() {{\n  {body}\n}}\n")).handler("f.handler")
    };
    assert_eq!(
        frames(bash("no_such_command")).last().map(|(path, line, _)| (path.as_str(), *line)),
        Some(("/var/task/f.sh", 3))
    );
    // It fails without a word.
    let place = |path: &str, line: u64, label: &str| (path.to_owned(), line, label.to_owned());
    assert_eq!(frames(bash("return 3")), [place("/var/task/f.sh", 2, "handler")]);
    assert_eq!(frames(Function::bash("read -r e; exit 3")), [place("/var/task/handler", 1, "handler")]);
    need("sbcl");
    let lisp = "(defun pick-apples (n)
  (list (error \"too few for ~A\" n)))

(defun handler (event headers)
  (declare (ignore headers))
  (list (pick-apples event)))
";
    let told = frames(Function::empty().file("fruit.lisp", lisp).handler("fruit.handler"));
    assert!(told.contains(&place("/var/task/fruit.lisp", 1, "PICK-APPLES")), "{told:?}");
    assert!(told.contains(&place("/var/task/fruit.lisp", 4, "HANDLER")), "{told:?}");
}

#[test]
fn in_json_every_line_is_an_object_and_an_error_has_its_message() {
    let function = Function::bash("while read -r e; do [ $e = 1 ] && exit 3; echo $e; done");
    let function = function.env("AWS_LAMBDA_LOG_FORMAT", "JSON").env("HANDLER_TRACE", "1").start();
    function.call("2").value();
    let told = function.call("1").error("Runtime.ExitError");
    function.wait_idle();
    let log = function.stderr();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert!(
        lines.iter().any(|line| line["message"] == "> 2") && lines.iter().any(|line| line["message"] == "< 2"),
        "{log}"
    );
    assert!(
        lines.iter().any(|line| line["errorMessage"] == *told && line["errorType"] == "Runtime.ExitError"),
        "{log}"
    );
}
