//! The context file: what a plain program can know about the event that it works on.

use crate::harness::{Event, Function, Running};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Answers every event with the context file that is there when it arrives.
const SHOW: &str = "while read -r e; do cat \"$LAMBDA_CONTEXT_FILE\"; echo; done";

fn context(function: &Running, event: Event) -> Value {
    let id = event.id.clone();
    let answer = function.call(event).json();
    assert_eq!(answer["awsRequestId"], id.as_str());
    answer
}

#[test]
fn every_field_is_there() {
    let function = Function::bash(SHOW).start();
    let event = Event::new("{}")
        .deadline_header("4102444800123")
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f")
        .header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1")
        .header("Lambda-Runtime-Client-Context", "{\"client\":{\"app_title\":\"t\"},\"n\":1.50}")
        .header("Lambda-Runtime-Cognito-Identity", "{\"cognitoIdentityId\":\"i\",\"cognitoIdentityPoolId\":\"p\"}")
        .header("Lambda-Runtime-Aws-Tenant-Id", "tenant \"7\"");
    let wanted = json!({
        "awsRequestId": event.id,
        "deadlineMs": 4_102_444_800_123_u64,
        "invokedFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
        "traceId": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",
        "clientContext": {"client": {"app_title": "t"}, "n": 1.50},
        "identity": {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"},
        "tenantId": "tenant \"7\"",
    });
    assert_eq!(context(&function, event), wanted);
}

#[test]
fn what_the_event_does_not_have_is_absent() {
    let function = Function::bash(SHOW).start();
    // First one with everything, of which nothing may be left over.
    context(
        &function,
        Event::new("{}").header("Lambda-Runtime-Client-Context", "{}").header("Lambda-Runtime-Aws-Tenant-Id", "t"),
    );
    let event = Event::new("{}")
        .without_deadline()
        .header("Lambda-Runtime-Client-Context", "")
        .header("Lambda-Runtime-Cognito-Identity", "");
    let wanted = json!({"awsRequestId": event.id});
    assert_eq!(context(&function, event), wanted);
}

#[test]
fn what_is_not_json_is_a_string() {
    let function = Function::bash(SHOW).start();
    let event = Event::new("{}")
        .header("Lambda-Runtime-Client-Context", "eyJjbGllbnQiOnt9fQ==")
        .header("Lambda-Runtime-Cognito-Identity", "{broken");
    let seen = context(&function, event);
    assert_eq!(seen["clientContext"], "eyJjbGllbnQiOnt9fQ==");
    assert_eq!(seen["identity"], "{broken");
}

#[test]
fn it_is_up_to_date_for_every_event() {
    let function = Function::bash(SHOW).start();
    for _ in 0..100 {
        context(&function, Event::new("{}"));
    }
}

#[test]
fn it_is_removed_at_the_end() {
    let script = "while read -r e; do echo \"\\\"$LAMBDA_CONTEXT_FILE\\\"\"; done";
    let function = Function::bash(script).start();
    let path = function.call("1").json();
    let path = function.outside(path.as_str().unwrap());
    assert!(path.exists(), "{}", path.display());
    function.signal(Signal::SIGTERM);
    function.exit();
    assert!(!path.exists(), "{}", path.display());
}

#[test]
fn a_oneshot_has_it_too() {
    let function = Function::bash("cat > /dev/null; cat \"$LAMBDA_CONTEXT_FILE\"").mode("oneshot").start();
    for _ in 0..5 {
        context(&function, Event::new("{}"));
    }
}

#[test]
fn a_handler_that_was_started_again_has_it_too() {
    let script = "while read -r e; do [ $e = 1 ] && exit 1; cat \"$LAMBDA_CONTEXT_FILE\"; echo; done";
    let function = Function::bash(script).start();
    context(&function, Event::new("0"));
    function.call("1").error("Runtime.ExitError");
    context(&function, Event::new("0"));
}
