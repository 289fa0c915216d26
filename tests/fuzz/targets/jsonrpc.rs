//! JSON-RPC: whatever a caller sends and a server says, each event gets one answer, with the ids that it came with.

use super::{is_shallow, parts};
use crate::fault::Fault;
use crate::handler::protocol::jsonrpc::{Call, Event, Output, Session};
use crate::json;
use serde_json::Value;

/// What the server is to read: messages, a line each.
fn lines(write: &[u8]) -> Vec<&[u8]> {
    assert!(write.is_empty() || write.ends_with(b"\n"));
    let lines: Vec<_> = write.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
    for line in &lines {
        assert!(json::is_value(line) && !line.contains(&b'\r'));
    }
    lines
}

/// A member of a message. `serde_json` does not read all that is valid: it has no lone surrogates, and no number above its
/// largest.
fn member<'a>(message: &'a [u8], name: &str) -> Option<&'a str> {
    assert!(json::is_value(message));
    let members = json::members(std::str::from_utf8(message).unwrap())?;
    members.filter(|member| member.name == name).last().map(|member| member.value)
}

/// An answer: JSON, once for each call.
fn take(outputs: Vec<Output>, open: &mut Vec<Call>, answers: &mut Vec<Vec<u8>>, streamed: bool) {
    for output in outputs {
        let at = open.iter().position(|call| *call == output.call).expect("a call in flight");
        if let Ok(bytes) = &output.bytes {
            assert!(streamed || json::is_value(bytes));
            answers.push(bytes.clone());
        }
        if output.last {
            open.remove(at);
        } else {
            assert!(streamed);
        }
    }
}

pub fn check(data: &[u8]) {
    let Some((choice, _, bytes)) = parts(data) else { return };
    // The event, and what the server says to it.
    let mut texts = bytes.split(|&byte| byte == 0);
    let (event, said) = (texts.next().unwrap_or_default(), texts);
    let streaming = choice & 1 == 1;
    let mut session = Session::default();
    let (mut open, mut answers, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    // Two events with the same ids.
    for _ in 0..2 {
        let Ok(event) = Event::read(event, streaming) else { return };
        let _ = session.needs_fresh_server(&event);
        let opened = session.open(event);
        sent.extend(lines(&opened.write).into_iter().map(<[u8]>::to_vec));
        open.push(opened.call);
        take(opened.output.into_iter().collect(), &mut open, &mut answers, opened.streamed);
    }
    for line in said {
        let step = session.on_line(line.to_vec());
        sent.extend(lines(&step.write).into_iter().map(<[u8]>::to_vec));
        take(step.outputs, &mut open, &mut answers, streaming);
    }
    // A server that answers all that it is asked.
    let mut at = 0;
    while at < sent.len() {
        if let (Some(id), Some(_)) = (member(&sent[at], "id"), member(&sent[at], "method")) {
            assert!(id.parse::<u64>().is_ok(), "an id of ours");
            let answer = format!(r#"{{"jsonrpc": "2.0", "id": {id}, "result": "staged"}}"#);
            let step = session.on_line(answer.into_bytes());
            sent.extend(lines(&step.write).into_iter().map(<[u8]>::to_vec));
            take(step.outputs, &mut open, &mut answers, streaming);
        }
        at += 1;
    }
    assert!(open.is_empty(), "all was answered");
    if is_shallow(event) {
        check_ids(event, &answers);
    }
    for call in open.clone() {
        let output = session.fail(call, &Fault::exit("staged"));
        take(output.into_iter().collect(), &mut open, &mut answers, streaming);
    }
    assert!(open.is_empty());
}

/// A caller's ids come back, in their order.
fn check_ids(event: &[u8], answers: &[Vec<u8>]) {
    let Ok(asked) = serde_json::from_slice::<Value>(event) else { return };
    let is_request = |message: &Value| {
        message["method"].is_string() && message.get("id").is_some_and(|id| id.is_string() || id.is_number())
    };
    if asked.get("jsonrpc").is_none() && asked.get("method").is_none() || !is_request(&asked) {
        return;
    }
    for answer in answers {
        let id: Value = member(answer, "id").map_or(Value::Null, |id| serde_json::from_str(id).expect("an id"));
        // One that is wrong in itself may have been answered without its id.
        let is_refusal = || {
            let answer: Value = serde_json::from_slice(answer).expect("JSON of ours");
            answer["error"]["code"] == -32600
        };
        assert!(id == asked["id"] || id.is_null() && is_refusal());
    }
}
