//! `HANDLER_MODE=jsonrpc`: one server process for all events. Here with servers that misbehave as they are told to; `at_once` has
//! several events, `mcp` servers and clients of the Model Context Protocol that nobody here wrote, and `bad_input` what should
//! never have come.

mod at_once;
mod bad_input;
mod mcp;

use crate::harness::calls::Call;
use crate::harness::event::Event;
use crate::harness::{Function, Shell};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A server that does what the method says, and answers `initialize` as every server of MCP does.
pub const SERVER: &str = r#"
import json, os, sys, time
def say(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    print("heard", line.strip(), file=sys.stderr, flush=True)
    method, id, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method == "initialize":
        say(id=id, result={"serverInfo": {"name": "staged"}, "protocolVersion": params["protocolVersion"]})
    elif method == "die":
        sys.exit(3)
    elif method == "hang":
        time.sleep(600)
    elif method == "print":
        print("stray text")
        print('{"half of a message')
        say(method="notifications/message", params={"data": "loud"})
        say(id=id, result="printed")
    elif method == "twice":
        say(id=id, result="first")
        say(id=id, result="second")
    elif method == "other":
        say(id=12345, result="another's")
        say(id=str(id), result="a string's")
        say(id=id, result="its own")
    elif method == "ask":
        say(id=id, method="roots/list")
        answer = json.loads(sys.stdin.readline())
        say(id=id, result=answer)
    elif method == "progress":
        say(method="notifications/progress", params={"progressToken": params["_meta"]["progressToken"], "progress": 1})
        open("go").readline()
        say(id=id, result="done")
    elif method == "pid":
        say(id=id, result=os.getpid())
    elif method == "large":
        say(id=id, result="x" * params["length"])
    elif method == "endless":
        while True:
            sys.stdout.write("x" * 65536)
    elif id is not None:
        say(id=id, result={"method": method, "params": params})
"#;

pub fn server() -> Function {
    Function::python(SERVER).mode("jsonrpc")
}

pub fn call(id: &Value, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method})
}

/// A `POST` to a function URL with this body.
pub fn post(body: &str, headers: &Value) -> String {
    let mut all = json!({"content-type": "application/json", "accept": "application/json, text/event-stream"});
    for (name, value) in headers.as_object().unwrap() {
        all[name] = value.clone();
    }
    let http = json!({"method": "POST", "path": "/mcp", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"});
    json!({"version": "2.0", "rawPath": "/mcp", "rawQueryString": "", "headers": all,
        "requestContext": {"http": http}, "body": body, "isBase64Encoded": false})
    .to_string()
}

pub fn posted(id: &Value, method: &str) -> String {
    post(&call(id, method).to_string(), &json!({}))
}

/// Status and message of an answer over HTTP.
pub fn read(answer: &Value) -> (u64, Value) {
    let body = answer["body"].as_str().unwrap();
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn messages_and_requests_are_answered_with_the_ids_that_they_came_with() {
    let running = server().start();
    for id in [json!(1), json!("1"), json!(1.5), json!("ü\"\n"), json!(u64::MAX)] {
        let answer = running.call(call(&id, "m").to_string()).json();
        assert_eq!((&answer["id"], &answer["result"]["method"]), (&id, &json!("m")));
        let (status, answer) = read(&running.call(posted(&id, "n")).json());
        assert_eq!((status, &answer["id"], &answer["result"]["method"]), (200, &id, &json!("n")));
    }
    // It was initialized for them, once.
    running.wait_log("\"initialize\"");
    running.wait_log("notifications/initialized");
    let said = running.stderr();
    assert_eq!(said.matches("\"initialize\"").count(), 1, "{said}");
    assert_eq!(said.matches("notifications/initialized").count(), 1, "{said}");
}

#[test]
fn a_batch_is_answered_by_a_list_and_a_notification_at_once() {
    let running = server().start();
    let batch = json!([call(&json!(2), "a"), {"jsonrpc": "2.0", "method": "note"}, call(&json!("x"), "b")]);
    let answer = running.call(batch.to_string()).json();
    let ids: Vec<_> = answer.as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, [json!(2), json!("x")]);
    let note = json!({"jsonrpc": "2.0", "method": "noted", "params": {"text": "one\ntwo"}});
    assert_eq!(running.call(note.to_string()).response_text(), "null");
    running.wait_log("\"noted\"");
    let answer = running.call(post(&note.to_string(), &json!({}))).json();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(202), &json!("")));
}

#[test]
fn what_a_server_says_besides_is_not_the_answer() {
    let running = server().env("AWS_LAMBDA_LOG_LEVEL", "DEBUG").start();
    for (method, result) in [("print", "printed"), ("other", "its own"), ("twice", "first"), ("m", "m")] {
        let answer = running.call(call(&json!(7), method).to_string()).json();
        let result = if method == "m" { json!({"method": result, "params": {}}) } else { json!(result) };
        assert_eq!((&answer["id"], &answer["result"]), (&json!(7), &result), "{method}");
    }
    for log in ["stray text", "half of a message", "loud", "12345", "Nobody waits"] {
        running.wait_log(log);
    }
    // Its own request is refused, though its id is one of ours.
    let answer = running.call(call(&json!("q"), "ask").to_string()).json();
    assert_eq!((&answer["id"], &answer["result"]["error"]["code"]), (&json!("q"), &json!(-32601)));
}

#[test]
fn a_question_beside_the_answer_does_not_hold_up_the_next_event() {
    // Both come in one piece, and that the one was refused is written behind the other.
    let script = r#"
import json, os, sys
for line in sys.stdin:
    message = json.loads(line)
    id, own = message.get("id"), {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}
    if "method" in message and id is not None:
        question = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "roots/list"})
        os.write(1, (question + "\n" + json.dumps({"jsonrpc": "2.0", "id": id, "result": own}) + "\n").encode())
"#;
    let running = Function::python(script).mode("jsonrpc").start();
    running.call(call(&json!(0), "m").to_string());
    let began = Instant::now();
    for id in 1..=12 {
        assert_eq!(running.call(call(&json!(id), "m").to_string()).json()["id"], id);
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[test]
fn a_server_that_dies_fails_the_event_and_is_started_again() {
    let running = server().start();
    let message = running.call(call(&json!(1), "die").to_string()).error("Runtime.ExitError");
    assert!(message.contains("exit status 3"), "{message}");
    // An HTTP caller gets an error with its id, and nothing of the inside.
    let (status, answer) = read(&running.call(posted(&json!("a"), "die")).json());
    assert_eq!((status, &answer["id"], &answer["error"]["code"]), (200, &json!("a"), &json!(-32603)));
    assert!(!answer.to_string().contains("exit"), "{answer}");
    assert_eq!(running.call(call(&json!(2), "m").to_string()).json()["id"], 2);
    assert_eq!(running.stderr().matches("Runtime.ExitError").count(), 2, "{}", running.stderr());
}

#[test]
fn a_server_that_hangs_is_replaced_and_its_late_answer_lost() {
    let running = server().start();
    let event = Event::new(posted(&json!(1), "hang")).deadline_in(Duration::from_millis(900));
    let (status, answer) = read(&running.call(event).json());
    assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32603)));
    running.wait_log("Runtime.InvokeTimeout");
    let event = Event::new(call(&json!(1), "hang").to_string()).deadline_in(Duration::from_millis(900));
    running.call(event).error("Runtime.InvokeTimeout");
    assert_eq!(running.call(call(&json!(2), "m").to_string()).json()["id"], 2);
}

#[test]
fn an_answer_that_is_too_large_is_an_error_and_an_endless_line_ends_the_server() {
    let running = server().start();
    let large = |length: usize| json!({"jsonrpc": "2.0", "id": 1, "method": "large", "params": {"length": length}});
    assert_eq!(running.call(large(6_000_000).to_string()).json()["result"].as_str().unwrap().len(), 6_000_000);
    let answer = running.call(large(6_300_000).to_string()).json();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32603)));
    running.call(call(&json!(1), "endless").to_string()).error("Function.ResponseSizeTooLarge");
    assert_eq!(running.call(call(&json!(2), "m").to_string()).json()["id"], 2);
}

#[test]
fn other_methods_of_http_are_refused_and_so_is_what_would_never_end() {
    let running = server().start();
    let mut event: Value = serde_json::from_str(&posted(&json!(1), "m")).unwrap();
    for method in ["GET", "DELETE", "PUT"] {
        event["requestContext"]["http"]["method"] = json!(method);
        let answer = running.call(event.to_string()).json();
        assert_eq!((&answer["statusCode"], &answer["headers"]["Allow"]), (&json!(405), &json!("POST")), "{method}");
    }
    let answer = running.call(call(&json!(1), "subscriptions/listen").to_string()).json();
    assert_eq!(answer["error"]["code"], -32601);
}

#[test]
fn a_streamed_answer_has_the_server_s_reports_before_it() {
    let running = server().env("HANDLER_RESPONSE", "streaming").pipe("go").start();
    let request =
        json!({"jsonrpc": "2.0", "id": "p", "method": "progress", "params": {"_meta": {"progressToken": "t"}}});
    let id = running.send(post(&request.to_string(), &json!({})));
    running.watch().wait("the report of progress", |seen| {
        seen.chunks.iter().any(|chunk| memchr::memmem::find(chunk, b"notifications/progress").is_some()).then_some(())
    });
    running.pipe("go").ring();
    let text = running.answer(&id).response_text().to_owned();
    let (prelude, body) = text.split_once("\0\0\0\0\0\0\0\0").unwrap();
    let prelude: Value = serde_json::from_str(prelude).unwrap();
    assert_eq!(prelude["headers"]["Content-Type"], "text/event-stream");
    let data: Vec<Value> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!((data.len(), &data[1]["id"], &data[1]["result"]), (2, &json!("p"), &json!("done")), "{body}");
    // A client that takes JSON alone gets that, and one whose server dies in the middle hears of it.
    let plain = running.call(post(&call(&json!(3), "m").to_string(), &json!({"accept": "application/json"})));
    assert!(plain.response_text().contains("application/json") && plain.response_text().contains("\"id\": 3"));
    let dying = running.call(posted(&json!("d"), "die"));
    assert!(dying.response_text().contains("-32603"), "{}", dying.0);
}

#[test]
fn a_server_that_cannot_start_is_an_init_error_and_one_that_stops_being_startable_tells_http_callers() {
    let dead = Function::python("import sys\nsys.exit(4)").mode("jsonrpc");
    dead.expect_init_error("Runtime.ExitError", "exit status 4").run();
    let once = Function::empty();
    let mark = once.folder().join("started");
    let script = format!("import os, sys\nif os.path.exists('/var/task/started'): sys.exit(4)\n{SERVER}");
    let once = once.program("handler", format!("#!/usr/bin/env python3\n{script}")).handler("handler").mode("jsonrpc");
    let running = once.start();
    assert_eq!(running.call(call(&json!(1), "m").to_string()).json()["id"], 1);
    std::fs::write(mark, "").unwrap();
    read(&running.call(posted(&json!(2), "die")).json());
    running.exit();
    assert!(running.stderr().contains("5 times in a row"), "{}", running.stderr());
}

#[test]
fn it_serves_messages_from_files_on_a_shell() {
    let shell = Shell::new(&format!("#!/usr/bin/env python3\n{SERVER}")).env("HANDLER_MODE", "jsonrpc");
    let messages = format!("{}\n{}\n", call(&json!(1), "a"), call(&json!("x"), "b"));
    let output = shell.file("events.json", &messages).arg("events.json").run().expect_status(0);
    let ids: Vec<_> =
        output.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!("x")]);
}

#[test]
fn a_process_that_ended_while_idle_costs_no_event() {
    let running = server().start();
    let pid = running.call(call(&json!(1), "pid").to_string()).json()["result"].as_i64().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    assert_eq!(running.call(call(&json!(2), "m").to_string()).json()["id"], 2);
    assert!(running.requests_so_far(Call::Error).is_empty());
}

#[test]
fn exchanges_are_printed_where_that_is_asked_for() {
    for workers in [1, 2] {
        let running = server().workers(workers).env("HANDLER_TRACE", "1").start();
        running.call(json!({"jsonrpc": "2.0", "id": "traced", "method": "m", "params": ["there"]}).to_string());
        running.wait_log("> {\"id\":\"traced\"");
        running.wait_log("< {\"jsonrpc\": \"2.0\", \"id\": \"traced\"");
    }
}

#[test]
fn a_server_that_stands_by_takes_over_and_is_initialized_in_its_turn() {
    let running = server().env("HANDLER_STANDBY", "1").start();
    let before = running.call(call(&json!(1), "pid").to_string()).json()["result"].clone();
    assert_eq!(running.children().len(), 2);
    running.call(call(&json!(2), "die").to_string()).error("Runtime.ExitError");
    let after = running.call(call(&json!(3), "pid").to_string()).json();
    assert!(after["id"] == 3 && after["result"] != before, "{after}");
    running.watch().wait("both to be initialized", |seen| {
        (memchr::memmem::find_iter(&seen.stderr, b"\"method\":\"initialize\"").count() == 2).then_some(())
    });
}
