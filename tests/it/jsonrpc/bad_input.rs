//! Events that no caller should send: each is an error of its own, the next one is answered, and memory stays within bounds.

use super::{call, post, read, server};
use crate::harness::Running;
use crate::harness::procfs::peak_memory;
use serde_json::{Value, json};

fn goes_on(running: &Running) {
    assert_eq!(running.call(call(&json!("next"), "m").to_string()).json()["id"], "next");
}

#[test]
fn what_is_no_message_is_an_error() {
    let running = server().start();
    for event in ["{}", "1", "\"text\"", r#"{"Records":[]}"#] {
        let message = running.call(event).error("Runtime.UnmarshalError");
        assert!(message.contains("HANDLER_MODE=jsonrpc takes"), "{message}");
    }
    for (event, code) in [
        (r#"{"jsonrpc":"2.0","id":{"a":1},"method":"m"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"m"}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"text"}"#, -32600),
        ("[]", -32600),
    ] {
        assert_eq!(running.call(event).json()["error"]["code"], code, "{event}");
        let (status, error) = read(&running.call(post(event, &json!({}))).json());
        assert_eq!((status, &error["error"]["code"]), (400, &json!(code)), "{event}");
    }
    let (status, error) = read(&running.call(post("{\"jsonrpc\":", &json!({}))).json());
    assert_eq!((status, &error["error"]["code"]), (400, &json!(-32700)));
    goes_on(&running);
}

#[test]
fn what_http_could_not_have_carried_is_an_error() {
    let running = server().start();
    let mut event: Value = serde_json::from_str(&post(&call(&json!(1), "m").to_string(), &json!({}))).unwrap();
    event["headers"]["x-a"] = json!("one\ntwo: three");
    running.call(event.to_string()).error("Runtime.UnmarshalError");
    event["headers"] = json!({});
    (event["body"], event["isBase64Encoded"]) = (json!("eyJqc29ucnBjI"), json!(true));
    running.call(event.to_string()).error("Runtime.UnmarshalError");
    goes_on(&running);
}

#[test]
fn a_batch_of_a_thousand_is_answered_in_its_order() {
    let running = server().start();
    let batch: Vec<_> = (0..1000).map(|number| call(&json!(number % 10), &format!("m{number}"))).collect();
    let answer = running.call(json!(batch).to_string()).json();
    let answers = answer.as_array().unwrap();
    assert_eq!(answers.len(), 1000);
    for (number, one) in answers.iter().enumerate() {
        assert_eq!((&one["id"], &one["result"]["method"]), (&json!(number % 10), &json!(format!("m{number}"))));
    }
    let batch: Vec<_> = (0..10_001).map(|number| call(&json!(number), "m")).collect();
    assert_eq!(running.call(json!(batch).to_string()).json()["error"]["code"], -32600);
    goes_on(&running);
}

#[test]
fn a_message_of_six_megabytes_passes_both_ways_within_the_bounds() {
    let running = server().start();
    goes_on(&running);
    let event = json!({"jsonrpc": "2.0", "id": 1, "method": "m", "params": ["x".repeat(6_000_000)]}).to_string();
    let bound = (3 * event.len() + 16 * 1024 * 1024) as u64;
    let answer = running.call(event).json();
    assert_eq!(answer["result"]["params"][0].as_str().unwrap().len(), 6_000_000);
    let peak = peak_memory(running.pid());
    assert!(peak <= bound, "{peak} bytes, and {bound} are said to be the most");
}

#[test]
fn a_server_that_asks_without_end_and_does_not_listen_is_replaced() {
    let script = r#"
import json, sys
line = sys.stdin.readline()
while True:
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "roots/list"}))
"#;
    let running = crate::harness::Function::python(script).mode("jsonrpc").env("AWS_LAMBDA_LOG_LEVEL", "ERROR").start();
    let message = running.call(call(&json!(1), "m").to_string()).error("Runtime.MarshalError");
    assert!(message.contains("asks and asks"), "{message}");
    let peak = peak_memory(running.pid());
    assert!(peak < 24 * 1024 * 1024, "{peak}");
}
