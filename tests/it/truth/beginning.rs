//! What an undecided handler printed before its event: the beginning of its answer, or text and values that are none.

use super::learned;
use crate::harness::{Event, Function};
use serde_json::json;
use std::time::Duration;

/// An envelope around the event, for each of some events.
#[track_caller]
fn wraps(script: &str) {
    let function = Function::bash(script).start();
    for event in [json!("a"), json!({"n": 2}), json!([3])] {
        let answer = function.call(Event::new(event.to_string()).deadline_in(Duration::from_secs(20)));
        answer.response();
        assert_eq!(answer.json(), json!({"statusCode": 200, "body": event}), "{script}\n{}", function.story());
    }
}

#[test]
fn the_head_of_an_object_is_not_thrown_away() {
    wraps("echo '{\"statusCode\":200,\"body\":'; cat; echo '}'");
    wraps("printf '{\"statusCode\":200,\"body\":'; cat; echo '}'");
    wraps("printf '{\\n  \"statusCode\": 200,\\n  \"body\": '; cat; printf '}\\n'");
}

#[test]
fn a_head_of_many_pieces_is_one_beginning() {
    wraps("printf '{'; sleep 0.1; printf '\"statusCode\":'; sleep 0.1; printf '200,\"body\":'; cat; echo '}'");
}

#[test]
fn the_next_processs_head_is_its_own() {
    // A loop that ends after each event: its next head was printed while nobody had asked.
    let function = Function::bash("printf '{\"e\":'; read -r e; echo \"$e,\"; echo \"\\\"pid\\\":$$}\"").start();
    let mut pids = Vec::new();
    for event in 1..=3 {
        let answer = function.call(event.to_string()).json();
        assert_eq!(answer["e"], event, "{}", function.story());
        pids.push(answer["pid"].clone());
    }
    pids.dedup();
    assert_eq!(pids.len(), 3, "{pids:?}");
}

#[test]
fn a_loops_lines_and_values_before_its_event_are_log() {
    let script = "echo Loading; echo '{\"ready\":true}'; echo 17; while read -r e; do echo \"[$e]\"; done";
    let function = Function::bash(script).start();
    for event in 1..=3 {
        assert_eq!(function.call(event.to_string()).response_text(), format!("[{event}]"), "{}", function.story());
    }
    for line in ["Loading", "{\"ready\":true}", "17"] {
        function.wait_log(line);
    }
    assert_eq!(learned(&function), 0, "{}", function.story());
}

#[test]
fn a_value_that_was_finished_before_the_event_is_never_its_answer() {
    // It is silent after that. No output for the event is an error, and not what it said of itself.
    let function = Function::bash("echo '{\"ready\":true}'; cat > /dev/null").start();
    for _ in 0..2 {
        let answer = function.call("1");
        answer.error("Runtime.ExitError");
    }
}
