//! The variables: what cannot be read is an init error, and the handler sees the whole environment.

use crate::harness::Function;
use serde_json::Value;

const ECHO: &str = "while read -r e; do echo \"$e\"; done";

#[test]
fn a_value_that_cannot_be_read_is_an_init_error_that_names_it() {
    for (name, value, takes) in [
        ("HANDLER_MODE", "banana", "oneshot"),
        ("HANDLER_DEADLINE_MARGIN_MS", "soon", "milliseconds"),
        ("HANDLER_DEADLINE_MARGIN_MS", "-1", "milliseconds"),
        ("HANDLER_READY_TIMEOUT_MS", "1.5", "milliseconds"),
        ("HANDLER_READY_TIMEOUT_MS", "99999999999999999999999", "milliseconds"),
        ("HANDLER_STANDBY", "perhaps", "0"),
        ("HANDLER_SHUTDOWN", "perhaps", "graceful"),
        ("HANDLER_TRACE", "perhaps", "1"),
        ("HANDLER_LANGUAGE", "cobol", "ruby"),
        ("HANDLER_ARGS", "'open", "quotes"),
    ] {
        let function = Function::bash(ECHO).env(name, value).start();
        function.init_error("Runtime.InvalidConfiguration", name);
        function.init_error("Runtime.InvalidConfiguration", takes);
        function.init_error("Runtime.InvalidConfiguration", value);
    }
}

#[test]
fn every_documented_value_is_taken() {
    for (name, value) in [
        ("HANDLER_MODE", "auto"),
        ("HANDLER_MODE", "loop"),
        ("HANDLER_DEADLINE_MARGIN_MS", "0"),
        ("HANDLER_DEADLINE_MARGIN_MS", "250"),
        ("HANDLER_READY_TIMEOUT_MS", "9000"),
        ("HANDLER_STANDBY", "0"),
        ("HANDLER_STANDBY", "1"),
        ("HANDLER_SHUTDOWN", "graceful"),
        ("HANDLER_SHUTDOWN", "none"),
        ("HANDLER_TRACE", "0"),
        ("HANDLER_TRACE", "1"),
        ("HANDLER_ARGS", "-x 'y z'"),
    ] {
        Function::bash(ECHO).env(name, value).event("1").expect_response("1").run();
    }
    Function::bash("cat").mode("oneshot").event("1").expect_response("1").run();
}

/// The handler's environment, with what was set for `bootstrap`.
fn environment(set: &[(&str, &str)]) -> Value {
    let script = "import json, os, sys
for line in sys.stdin:
    print(json.dumps(dict(os.environ)))
";
    let mut function = Function::python(script);
    for (name, value) in set {
        function = function.env(name, *value);
    }
    function.start().call("1").json()
}

#[test]
fn the_handler_inherits_the_environment() {
    let set = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LANG", "en_US.UTF-8"),
        ("LD_LIBRARY_PATH", "/opt/lib"),
        ("TZ", ":UTC"),
        ("AWS_LAMBDA_LOG_FORMAT", "Text"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("MINE", "with = and \u{e4} \" $HOME"),
        ("EMPTY", ""),
    ];
    let seen = environment(&set);
    for (name, value) in set {
        assert_eq!(seen[name], value, "{name}");
    }
    for name in ["PATH", "LAMBDA_TASK_ROOT", "_HANDLER", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_CONTEXT_FILE"] {
        assert!(seen[name].as_str().is_some_and(|value| !value.is_empty()), "{name} is missing: {seen}");
    }
    assert_eq!(seen["PYTHONUNBUFFERED"], "1");
}

#[test]
fn pythonunbuffered_is_left_alone_where_it_is_set() {
    let seen = environment(&[("PYTHONUNBUFFERED", "yes")]);
    assert_eq!(seen["PYTHONUNBUFFERED"], "yes");
}

#[test]
fn the_telemetry_descriptor_is_not_passed_on() {
    let seen = environment(&[("_LAMBDA_TELEMETRY_LOG_FD", "3")]);
    assert_eq!(seen.get("_LAMBDA_TELEMETRY_LOG_FD"), None);
}

#[test]
fn a_handler_named_by_the_argument_sees_its_variables_too() {
    let function = Function::empty()
        .program("named", "#!/bin/bash\nwhile read -r e; do echo \"\\\"$_HANDLER $LAMBDA_TASK_ROOT\\\"\"; done");
    let function = function.without_env("LAMBDA_TASK_ROOT").in_task_root().arg("named");
    function.event("1").expect_response("\"named /var/task\"").run();
}
