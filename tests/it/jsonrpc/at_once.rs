//! Several events at once: all are in flight in one server, and none is another's business.

use super::{call, post, posted, read, server};
use crate::harness::Function;
use crate::harness::event::Event;
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;

#[test]
fn several_events_are_in_flight_in_one_server() {
    // It answers when it has two, the second first.
    let script = r#"
import json, os, sys
waiting = []
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "initialize":
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {}}), flush=True)
    elif "id" in message:
        waiting.insert(0, message)
    if len(waiting) == 2:
        for one in waiting:
            print(json.dumps({"jsonrpc": "2.0", "id": one["id"], "result": [one["params"], os.getpid()]}), flush=True)
        waiting = []
"#;
    let running = Function::python(script).mode("jsonrpc").workers(4).start();
    let event = |text: &str| json!({"jsonrpc": "2.0", "id": "same", "method": "m", "params": [text]}).to_string();
    for _ in 0..3 {
        let (one, two) = (running.send(event("one")), running.send(event("two")));
        let (one, two) = (running.answer(&one).json(), running.answer(&two).json());
        assert_eq!((&one["id"], &two["id"]), (&json!("same"), &json!("same")));
        assert_eq!((&one["result"][0], &two["result"][0]), (&json!(["one"]), &json!(["two"])));
        assert_eq!(one["result"][1], two["result"][1], "one process");
    }
    assert_eq!(running.children().len(), 1);
}

#[test]
fn a_late_or_dying_server_costs_those_in_flight_and_nobody_else() {
    let running = server().workers(3).start();
    let before = running.call(call(&json!(1), "pid").to_string()).json()["result"].clone();
    // One is late: it alone fails, and another server takes over.
    let late = Event::new(posted(&json!("late"), "hang")).deadline_in(Duration::from_millis(900));
    let (_, answer) = read(&running.call(late).json());
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("late"), &json!(-32603)));
    let after = running.call(call(&json!(2), "pid").to_string()).json()["result"].clone();
    assert_ne!(before, after);
    // It dies, and the next one is there for the next event.
    running.call(call(&json!(1), "die").to_string()).error("Runtime.ExitError");
    let (_, answer) = read(&running.call(posted(&json!(5), "die")).json());
    assert_eq!(answer["error"]["code"], -32603);
    assert_eq!(running.call(call(&json!(3), "m").to_string()).json()["id"], 3);
    running.signal(Signal::SIGTERM);
    running.exit();
}

#[test]
fn a_shared_server_s_streams_are_apart() {
    let running = server().env("HANDLER_RESPONSE", "streaming").workers(2).pipe("go").start();
    let request = |token: &str| {
        let call =
            json!({"jsonrpc": "2.0", "id": token, "method": "progress", "params": {"_meta": {"progressToken": token}}});
        post(&call.to_string(), &json!({}))
    };
    for token in ["a", "b"] {
        let id = running.send(request(token));
        running.pipe("go").ring();
        let text = running.answer(&id).response_text().to_owned();
        assert_eq!(text.matches("data: ").count(), 2, "{text}");
        assert!(text.contains(&format!("\"id\": \"{token}\"")) && text.contains("notifications/progress"), "{text}");
    }
}
