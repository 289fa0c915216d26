//! Shell functions, in the convention of AWS's tutorial: `function.handler` in function.sh, the event as its argument, what
//! it prints as the answer.

use crate::harness::sandbox;
use crate::harness::{Call, Event, Function, Running, need};
use serde_json::json;
use std::time::Duration;

mod printed;

/// A function whose function.sh holds this.
fn sh(source: &str) -> Function {
    need("bash");
    Function::empty().file("function.sh", source).handler("function.handler")
}

/// The same with this as the body of its handler.
fn handling(body: &str) -> Running {
    sh(&format!("handler() {{\n{body}\n}}\n")).start()
}

// --- Calls ----------------------------------------------------------------------------------------------------------

#[test]
fn the_function_of_awss_tutorial_runs_unchanged() {
    let source = "function handler () {
  EVENT_DATA=$1
  echo \"$EVENT_DATA\" 1>&2;
  RESPONSE=\"Echoing request: '$EVENT_DATA'\"

  echo $RESPONSE
}
";
    let function = sh(source).start();
    let answer = function.call(r#"{"text":"Hello"}"#);
    assert_eq!(answer.json(), json!("Echoing request: '{\"text\":\"Hello\"}'"));
    assert_eq!(answer.0.header("Content-Type"), Some("application/json"));
    function.wait_log("{\"text\":\"Hello\"}\n");
}

#[test]
fn json_is_posted_as_it_is_and_text_as_a_string() {
    let function = handling("case $1 in *) eval \"$(cat <<<\"${1:1:-1}\")\" ;; esac");
    for (command, wanted) in [
        ("echo '{}'", "{}"),
        ("printf '{ 1: 2 }'", "\"{ 1: 2 }\""),
        ("echo 12345678901234567890.10", "12345678901234567890.10"),
        ("echo two; echo lines", "\"two\\nlines\""),
        ("printf 'tab\\tquote'", "\"tab\\tquote\""),
        ("echo Zoë 😀", "\"Zoë 😀\""),
        ("true", "null"),
        (":;", "null"),
        ("printf '[1,\\n 2]\\n\\n'", "[1,\n 2]"),
    ] {
        assert_eq!(function.call(format!("'{command}'")).value(), wanted, "{command}");
    }
}

#[test]
fn the_event_is_one_word_byte_by_byte() {
    let function = handling("printf '%s %q' $# \"$1\"");
    for (event, quoted) in [("\"a  b\\t*\"", "\"1 \\\\\\\"a\\\\ \\\\ b\\\\\\\\t\\\\*\\\\\\\"\""), ("", "\"1 ''\"")] {
        assert_eq!(function.call(event).response_text(), quoted);
    }
    let function = handling("printf %s \"$1\"");
    for event in ["{\n\r\n \"a\":\t\"\\\\n ü \\ud83d\" }", "[\"$(exit) `exit` ${x}\"]", "\"  7  \""] {
        assert_eq!(function.call(event).response_text(), event);
    }
}

#[test]
fn every_event_is_handled_by_the_same_shell() {
    let function = sh("count=0 line=before\nhandler() { line+=. event+=. status+=. body+=. name+=. ; ((++count)); cd ..; echo \"[$count, $$, \\\"$line$event$status$body$name\\\"]\"; }")
        .start();
    let first = function.call("{}").json();
    assert_eq!((&first[0], &first[2]), (&json!(1), &json!("before.....")));
    assert_eq!(function.call("{}").json(), json!([2, first[1], "before.........."]), "no name is the adapter's");
}

#[test]
fn headers_are_variables_of_this_event() {
    let function = handling(
        "env | grep -c ^LAMBDA_RUNTIME_ >&2
         echo \"$LAMBDA_RUNTIME_AWS_REQUEST_ID|$LAMBDA_RUNTIME_INVOKED_FUNCTION_ARN|${LAMBDA_RUNTIME_CLIENT_CONTEXT-none}|${_X_AMZN_TRACE_ID-unset}|$LAMBDA_RUNTIME_DIR\"",
    );
    let event = Event::new("{}")
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f")
        .header("Lambda-Runtime-Client-Context", "{\"a\": \"$(exit) ü\"}")
        .header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7");
    let id = event.id.clone();
    let wanted = format!(
        "{id}|arn:aws:lambda:eu-central-1:123456789012:function:f|{{\"a\": \"$(exit) ü\"}}|Root=1-5bef4de7|/var/runtime"
    );
    assert_eq!(function.call(event).json(), json!(wanted));
    function.wait_log("6\n");
    let event = Event::new("{}");
    let id = event.id.clone();
    assert_eq!(function.call(event).json(), json!(format!("{id}||none|unset|/var/runtime")), "nothing is left over");
}

#[test]
fn lambdas_own_variables_are_kept() {
    let function = sh("handler() { echo $LAMBDA_RUNTIME_DIR; }").env("LAMBDA_RUNTIME_DIR", "/var/runtime").start();
    for _ in 0..2 {
        assert_eq!(function.call("{}").json(), json!("/var/runtime"));
    }
}

#[test]
fn a_file_may_be_in_a_folder_and_find_its_neighbours() {
    let function = Function::empty()
        .file("app/function.bash", "source \"${BASH_SOURCE%/*}/lib.sh\"\n[[ $0 != \"${BASH_SOURCE[0]}\" ]] || exit 1")
        .file("app/lib.sh", "go() { echo \"$PWD $*\"; }")
        .handler("app/function.go")
        .start();
    let wanted = format!("{} {{}}", sandbox::TASK_ROOT);
    assert_eq!(function.call("{}").json(), json!(wanted));
}

#[test]
fn three_megabytes_go_both_ways() {
    let function = handling("printf %s \"$1\"");
    let event = format!("\"{}\"", "ü".repeat(1_500_000));
    for _ in 0..2 {
        assert!(function.call(event.as_str()).response_text() == event);
    }
    assert_eq!(function.call("[1]").response_text(), "[1]");
}

#[test]
fn the_shells_options_are_the_functions_own() {
    for options in ["-u", "-eu -o pipefail", "-f", "-C", "-o posix", "-a", "-E", "+B -x"] {
        let source =
            format!("set {options}\nIFS=,\nshopt -s nocasematch nullglob\nhandler() {{ echo \"{{\\\"a\\\":$1}}\"; }}");
        let function = sh(&source).start();
        for _ in 0..3 {
            assert_eq!(function.call("[1]").response_text(), "{\"a\":[1]}", "{options}");
        }
    }
}

#[test]
fn descriptors_and_locale_are_the_functions_own() {
    let source = "exec 3>/tmp/log 4</dev/null 9>&1\nexport LC_ALL=C LANG=C
handler() { echo to 3 >&3; exec 5>/tmp/other; [[ -t 0 ]] || cat; printf '[%d]' ${#1}; }";
    let function = sh(source).start();
    for count in 1..3 {
        assert_eq!(function.call("\"ü\"").response_text(), "[4]");
        assert_eq!(function.tmp().read("log"), "to 3\n".repeat(count));
    }
}

#[test]
fn children_see_no_messages() {
    let function = handling("read -r line; readlink /proc/self/fd/0 /proc/self/fd/50 >&2; echo \"[$?]\"");
    assert_eq!(function.call("{}").response_text(), "[1]");
    function.wait_log("/dev/null\n");
    assert!(!function.stderr().contains("pipe"), "{}", function.story());
}

#[test]
fn what_is_printed_too_late_is_nobodys_answer() {
    let source = "handler() {
  echo \"$1\"
  { read -r <go; echo late; printf 'x%.0s' {1..100}; echo done >ready; } 2>&1 &
}";
    let function = sh(source).pipe("go").pipe("ready").start();
    for event in ["[1]", "[2]", "[3]"] {
        assert_eq!(function.call(event).response_text(), event);
        function.pipe("go").ring();
        function.pipe("ready").hear();
    }
}

// --- Errors ---------------------------------------------------------------------------------------------------------

#[test]
fn another_status_than_0_is_an_error_with_stderr_as_the_stack() {
    let function = sh("handler() { echo partial; printf 'one\\ntwo\\n' >&2; return \"$1\"; }").start();
    let answer = function.call("3");
    assert_eq!(answer.error("Function.ExitError"), "handler: exit status 3");
    assert_eq!(answer.stack()[..2], ["one", "two"]);
    function.wait_log("partial\n");
    assert_eq!(function.call("0").json(), json!("partial"), "it lives on");
}

#[test]
fn a_command_that_fails_last_is_an_error_too() {
    let function = handling("no-such-command \"$1\"");
    let answer = function.call("{}");
    assert_eq!(answer.error("Function.ExitError"), "handler: exit status 127");
    assert!(answer.stack()[0].contains("no-such-command: command not found"), "{:?}", answer.stack());
}

#[test]
fn the_function_may_print_its_own_error() {
    let error = r#"{"errorMessage":"no \"kiwis\"","errorType":"Order.Empty"}"#;
    let function = handling(&format!("echo '{error}'; return 1"));
    for _ in 0..2 {
        let answer = function.call("{}");
        assert_eq!(answer.error("Order.Empty"), "no \"kiwis\"");
        assert_eq!(answer.text(), error);
    }
}

#[test]
fn exit_is_a_return_after_which_another_shell_goes_on() {
    let function =
        sh("handler() { echo \"[$$]\"; [[ $1 == 1 ]] && return; echo why >&2; exit \"${1//\\\"/}\"; }").start();
    let first = function.call("1").json();
    assert_eq!(function.call("\"0\"").json(), first, "what was printed before exit 0 is the answer");
    let second = function.call("1").json();
    assert_ne!(first, second);
    let answer = function.call("\"7\"");
    assert_eq!(answer.error("Function.ExitError"), "handler: exit status 7");
    assert_eq!(answer.stack()[0], "why");
    assert_ne!(function.call("1").json(), second);
}

#[test]
fn with_set_e_the_first_failure_is_the_error() {
    let function = sh("set -e\nhandler() { [[ $1 == 1 ]] || false; echo '[1]'; }").start();
    for event in ["1", "0", "1", "0"] {
        let answer = function.call(event);
        if event == "1" {
            assert_eq!(answer.response_text(), "[1]");
        } else {
            assert_eq!(answer.error("Function.ExitError"), "handler: exit status 1");
        }
    }
}

#[test]
fn a_trap_of_the_functions_own_is_kept() {
    let source = "trap 'echo cleaned up >&2' EXIT\nhandler() { echo \"[$1]\"; [[ $1 == 1 ]] || exit 3; }";
    let function = sh(source).start();
    assert_eq!(function.call("1").response_text(), "[1]");
    let answer = function.call("0");
    assert!(answer.error("Runtime.ExitError").contains("exit status 3"));
    assert_eq!(answer.stack(), ["cleaned up"]);
}

#[test]
fn what_cannot_be_loaded_is_an_init_error() {
    for (source, kind, contains) in [
        ("handler() {\n  if\n}\n", "Runtime.UserCodeSyntaxError", "function.sh: line 3: syntax error"),
        ("handler() { :; }\necho \"unclosed", "Runtime.UserCodeSyntaxError", "unexpected EOF"),
        ("other() { :; }", "Runtime.HandlerNotFound", "handler"),
        ("handler='a variable'", "Runtime.HandlerNotFound", "handler"),
        ("echo 'why' >&2\nexit 3", "Runtime.ExitError", "exit status 3"),
        ("set -e\nfalse", "Runtime.ExitError", "exit status 1"),
    ] {
        let function = sh(source).expect_init_error(kind, contains).run();
        assert_eq!(function.requests_so_far(Call::Init).len(), 1, "{source}");
    }
}

#[test]
fn what_is_loaded_may_print_and_fail() {
    let function = sh("echo loading\nhandler() { echo 1; }\ncat\n[[ -n $DEBUG ]] && set -x").start();
    function.wait_log("loading\n");
    assert_eq!(function.call("{}").response_text(), "1");
}

#[test]
fn output_that_is_not_utf_8_is_a_marshal_error() {
    let function = handling("if [[ $1 == 1 ]]; then printf '\\xff'; else echo 1; fi");
    function.call("1").error("Runtime.MarshalError");
    assert_eq!(function.call("2").response_text(), "1");
}

#[test]
fn the_time_out_kills_it_and_the_next_event_finds_another() {
    let function = handling("[[ $1 == 1 ]] || sleep 1000; echo \"[$$]\"");
    let before = function.call("1").json();
    function.call(Event::new("2").deadline_in(Duration::from_millis(600))).error("Runtime.InvokeTimeout");
    assert_ne!(function.call("1").json(), before);
}
