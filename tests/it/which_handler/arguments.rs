//! What is said beside the name: arguments, a wrapper, a language.

use super::{INVALID, NOT_FOUND, named};
use crate::harness::{Function, need};

/// Answers with its arguments.
const ARGUMENTS: &str = "while read -r e; do printf '[%s' $#; printf ',\"%s\"' \"$@\"; echo ']'; done";

#[test]
fn the_words_behind_a_handler_are_its_arguments() {
    // As a container image has them: none is an option.
    let function = Function::bash(ARGUMENTS).without_env("_HANDLER").arg("handler").arg("--help").arg("-c").arg(".a b");
    function.event("1").expect_response("[3,\"--help\",\"-c\",\".a b\"]").run();
    let function = Function::empty().arg("jq").arg("-c").arg(".a").mode("oneshot");
    need("jq");
    function.event("{\"a\":[1]}").expect_response("[1]").run();
    let function = Function::empty().file("app.py", "import sys\nfor line in sys.stdin: print(line)\n");
    need("python3");
    function.arg("python3").arg("app.py").event("[2]").expect_response("[2]").run();
    // An emulator names the last word in the variable.
    let function = Function::bash(ARGUMENTS).arg("handler").arg("last").handler("last");
    function.event("1").expect_response("[1,\"last\"]").run();
}

#[test]
fn a_variable_has_arguments_too() {
    let function = Function::bash(ARGUMENTS).env("HANDLER_ARGS", "-c '.a | .b' \"\\$x\" e\\ f $HOME *");
    function.event("1").expect_response("[6,\"-c\",\".a | .b\",\"$x\",\"e f\",\"$HOME\",\"*\"]").run();
    let function = Function::bash(ARGUMENTS).env("HANDLER_ARGS", "'open");
    function.expect_init_error("Runtime.InvalidConfiguration", "HANDLER_ARGS").run();
    let function = Function::bash(ARGUMENTS).without_env("_HANDLER").arg("handler").arg("x").env("HANDLER_ARGS", "y");
    function.expect_init_error("Runtime.InvalidConfiguration", "twice").run();
    need("python3");
    let function = || Function::empty().file("app.py", "def f(event, context): return [1]").handler("app.f");
    function().env("HANDLER_ARGS", "x").expect_init_error("Runtime.InvalidConfiguration", "no arguments").run();
}

#[test]
fn a_wrapper_is_started_in_the_handlers_place() {
    let content = "#!/bin/bash\nexport WRAPPED=\"$*\"\nexec \"$@\"\n";
    let script = "while read -r e; do echo \"\\\"$WRAPPED\\\"\"; done";
    let wrapped =
        |function: Function| function.program("wrapper", content).env("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/wrapper");
    let function = wrapped(Function::bash(script).env("HANDLER_ARGS", "x"));
    function.event("1").expect_response("\"/var/task/handler x\"").run();
    need("python3");
    let code = "import os\ndef f(event, context): return os.environ['WRAPPED'][-5:]";
    let function = wrapped(Function::empty().file("app.py", code).handler("app.f"));
    function.event("1").expect_response("\".py f\"").run();
    let function = Function::bash(script).env("AWS_LAMBDA_EXEC_WRAPPER", "/no/such/wrapper");
    function.expect_init_error(INVALID, "AWS_LAMBDA_EXEC_WRAPPER").run();
    let function = Function::bash(script).program("wrapper", "#!/no/such\n").env("AWS_LAMBDA_EXEC_WRAPPER", "wrapper");
    function.expect_init_error(INVALID, "/no/such").run();
}

#[test]
fn a_language_can_be_forced() {
    need("python3");
    let function =
        Function::empty().file("app.py", "def f(event, context): return ['py']").program("app.f", named("program"));
    function.handler("app.f").env("HANDLER_LANGUAGE", "python").event("1").expect_response("[\"py\"]").run();
    // What is installed is where the language itself finds it.
    let function = Function::empty().handler("operator.ne").env("HANDLER_LANGUAGE", "python");
    function.event("1").expect_response("true").run();
    need("node");
    let function = Function::empty().handler("util.inspect").env("HANDLER_LANGUAGE", "node");
    function.event("1").expect_response("\"1\"").run();
    let function = Function::empty().handler("no-such.f").env("HANDLER_LANGUAGE", "bash");
    function.expect_init_error(NOT_FOUND, "no-such.sh").run();
    let function = Function::bash(ARGUMENTS).env("HANDLER_LANGUAGE", "cobol");
    function.expect_init_error("Runtime.InvalidConfiguration", "python, node, ruby, bash, lisp").run();
}
