//! Requests that no client should send, and programs that answer as none should: each is an error or a status of its own,
//! the next request is served, and memory stays within bounds.

use super::{cgi, request, served};
use crate::harness::Running;
use crate::harness::procfs::peak_memory;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

const ECHO: &str = "printf 'Content-Type: application/octet-stream\\n\\n'; cat";

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(&request("body")).unwrap();
    change(&mut event);
    event.to_string()
}

fn goes_on(running: &Running) {
    assert_eq!(served(&running.call(request("again")).json()).0, 200);
}

#[test]
fn what_http_could_not_have_carried_is_an_error() {
    let running = cgi(ECHO).start();
    for event in [
        changed(|event| (event["body"], event["isBase64Encoded"]) = (json!("aGVsbG8gd29ybG"), json!(true))),
        changed(|event| event["headers"]["x-a"] = json!("one\ntwo: three")),
        changed(|event| event["headers"]["x\n-a"] = json!("one")),
        changed(|event| event["requestContext"]["http"]["method"] = json!("GET /")),
        changed(|event| event["body"] = json!({"no": "string"})),
        changed(|event| event["headers"] = json!([])),
    ] {
        let message = running.call(event.clone()).error("Runtime.UnmarshalError");
        assert!(!message.is_empty(), "{event}");
    }
    goes_on(&running);
}

#[test]
fn what_no_environment_can_say_is_a_status() {
    let running = cgi(ECHO).start();
    let status = |event: String| served(&running.call(event).json()).0;
    assert_eq!(status(changed(|event| event["rawPath"] = json!("/a%00b"))), 400);
    assert_eq!(status(changed(|event| event["rawQueryString"] = json!("q".repeat(200_000)))), 414);
    assert_eq!(status(changed(|event| event["headers"]["x-long"] = json!("v".repeat(200_000)))), 431);
    goes_on(&running);
}

#[test]
fn ten_thousand_headers_are_served_or_refused() {
    let running = cgi("printf 'Content-Type: text/plain\\n\\n'; env | grep -c ^HTTP_X_").start();
    let with = |count: usize, length: usize| {
        changed(|event| {
            for number in 0..count {
                event["headers"][format!("x-{number}")] = json!("v".repeat(length));
            }
        })
    };
    // "x-two" is one more.
    assert_eq!(served(&running.call(with(9_990, 1)).json()), (200, "9991\n"));
    assert_eq!(served(&running.call(with(9_990, 200)).json()).0, 431);
    assert!(running.call(with(10_000, 1)).error("Runtime.UnmarshalError").contains("headers"));
    goes_on(&running);
}

#[test]
fn a_body_of_six_megabytes_passes_both_ways_within_the_bounds() {
    let running = cgi(ECHO).start();
    // As base64 it is as much as Lambda lets an event and an answer have.
    let body: Vec<u8> = (0..4_500_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let text = BASE64_STANDARD.encode(&body);
    let event = changed(|event| (event["body"], event["isBase64Encoded"]) = (json!(text), json!(true)));
    let bound = (2 * event.len() + text.len() + 16 * 1024 * 1024) as u64;
    let answer = running.call(event).json();
    assert_eq!(BASE64_STANDARD.decode(served(&answer).1).unwrap(), body);
    let peak = peak_memory(running.pid());
    assert!(peak <= bound, "{peak} bytes, and {bound} are said to be the most");
}

#[test]
fn a_body_without_an_end_is_cut_off() {
    let running = cgi("printf 'Content-Type: text/plain\\n\\n'; exec yes").start();
    assert_eq!(served(&running.call(request("")).json()), (502, "502 Bad Gateway\n"));
    running.wait_log("HANDLER_RESPONSE=streaming");
    let peak = peak_memory(running.pid());
    assert!(peak < 40 * 1024 * 1024, "{peak}");
    running.wait_idle();
    assert!(running.children().is_empty());
}

#[test]
fn a_head_without_an_end_is_given_up() {
    let running = cgi("exec yes 'X-Header: value'").start();
    assert_eq!(served(&running.call(request("")).json()).0, 502);
    running.wait_log("no CGI response");
}

#[test]
fn a_system_that_takes_less_than_others_refuses_the_request_and_serves_on() {
    // The system lets arguments and environment have a quarter of the stack's limit.
    let running = cgi(ECHO).start_behind("ulimit -s 512");
    let large = changed(|event| {
        for number in 0..20 {
            event["headers"][format!("x-{number}")] = json!("v".repeat(20_000));
        }
    });
    for _ in 0..6 {
        assert_eq!(served(&running.call(large.clone()).json()).0, 431);
    }
    goes_on(&running);
}
