//! What the events of a storm look like, and what their answers must look like: plain, a request and a page, or JSON-RPC. The
//! event's number goes in, and is in its own answer and in no other.

use super::deeds::{Deed, Outcome};
use crate::harness::{Answer, Call, Event};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

const LARGE: usize = 400_000;

/// How long an event has for what only its time can end. The margin leaves half a second to say so, and to say so again.
const HOPELESS: Duration = Duration::from_millis(1400);
pub const MARGIN_MS: &str = "500";

/// How the events of a storm look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Plain,
    /// Requests of HTTP for a CGI program, whose pages go out whole or as they come.
    Page {
        streamed: bool,
    },
    /// Messages and batches of JSON-RPC, some of them by HTTP.
    JsonRpc,
}

/// What an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Answer,
    Error,
    BrokenStream,
}

impl Form {
    pub fn event(self, number: usize, deed: &Deed) -> Event {
        let padding = "p".repeat(if deed.large { LARGE } else { 0 });
        let name = deed.name;
        let plain = format!("{{\"n\":{number},\"do\":\"{name}\",\"p\":\"{padding}\"}}");
        let event = Event::new(match self {
            Self::Plain => plain,
            Self::Page { .. } => request("POST", &format!("n={number}&do={name}"), &plain),
            Self::JsonRpc => message(number, deed, &plain),
        });
        if deed.is_hopeless() { event.deadline_in(HOPELESS) } else { event }
    }

    /// What the answer says, which must be what is to come of the event. `shared`: what another event did may have cost
    /// this one its process.
    pub fn judge(self, number: usize, deed: &Deed, answer: &Answer, shared: bool) -> Came {
        let context = || format!("event {number} ({}): {}", deed.name, answer.0);
        let broken = answer.0.header("Lambda-Runtime-Function-Error-Type");
        if answer.0.call == Call::Error {
            let body = answer.json();
            if shared && body["errorType"] == "Runtime.ExitError" {
                return Came::Error;
            }
            let Outcome::Fault(kind) = deed.outcome else { panic!("no error was to come: {}", context()) };
            assert!(body["errorType"] == kind, "{kind} was to come: {}", context());
            let said = body["errorMessage"].as_str().unwrap();
            let says = |number: usize| said.strip_prefix(&format!("n={number}"));
            let its_own = says(number).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
            assert!(!kind.starts_with("Storm") || its_own, "{}", context());
            return Came::Error;
        }
        assert_eq!(answer.0.call, Call::Response, "{}", context());
        let right = match self {
            Self::Plain => matches!(deed.outcome, Outcome::Answer | Outcome::BrokenStream(_)) && is_own(answer, number),
            Self::Page { streamed } => is_page(number, deed, answer, streamed),
            Self::JsonRpc => is_reply(number, deed, answer, shared),
        };
        assert!(right, "{}", context());
        if let Outcome::BrokenStream(kind) = deed.outcome {
            assert_eq!(broken, Some(kind), "{}", context());
            return Came::BrokenStream;
        }
        assert_eq!(broken, None, "{}", context());
        Came::Answer
    }
}

/// Whether the answer has the event's number, and where its handler read the context file, the event's id.
fn is_own(answer: &Answer, number: usize) -> bool {
    let body = answer.json();
    body["n"] == number && (body["c"].is_null() || body["c"] == answer.0.id.as_str())
}

/// A request to a function URL.
fn request(method: &str, query: &str, body: &str) -> String {
    json!({
        "version": "2.0", "rawPath": "/storm", "rawQueryString": query,
        "headers": {"host": "page.example", "content-type": "application/json", "accept": "application/json"},
        "requestContext": {"http": {"method": method, "path": "/storm", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
        "body": body, "isBase64Encoded": false
    })
    .to_string()
}

/// Whether this is the page that was to come: its own body begins with the event's number, a redirection names it, and a
/// status that stands for a failure has no page of the program's.
fn is_page(number: usize, deed: &Deed, answer: &Answer, streamed: bool) -> bool {
    let bytes = answer.response();
    let (head, body) = if streamed {
        let at = memchr::memmem::find(bytes, &[0; 8]).expect("a prelude");
        (serde_json::from_slice(&bytes[..at]).unwrap(), bytes[at + 8..].to_vec())
    } else {
        let page = answer.json();
        let text = page["body"].as_str().unwrap().to_owned();
        let encoded = page["isBase64Encoded"] == true;
        let body = if encoded { BASE64_STANDARD.decode(text).unwrap() } else { text.into_bytes() };
        (page, body)
    };
    let status = head["statusCode"].as_u64().unwrap();
    let own = body.starts_with(format!("{{\"n\":{number}}}").as_bytes());
    match (deed.outcome, deed.name) {
        (Outcome::Answer, "redirect") => {
            status == 302 && head["headers"]["Location"].as_str() == Some(&format!("/n/{number}"))
        }
        (Outcome::Answer, "missing") => status == 404 && own,
        (Outcome::Answer, _) => status == 200 && own,
        (Outcome::Status(502), _) => status == 502 && body == b"502 Bad Gateway\n",
        (Outcome::Status(_), _) => status == 504 && body == b"504 Gateway Timeout\n",
        (Outcome::BrokenStream(_), _) => status == 200 && (own || body.is_empty()),
        (Outcome::Fault(_), _) => false,
    }
}

/// The four ways in which a message comes.
struct Way {
    http: bool,
    batch: bool,
}

impl Way {
    fn of(number: usize, deed: &Deed) -> Self {
        // Behind these, the server is not there for the rest of a batch.
        let last = deed.name.starts_with("last");
        Self { http: number % 2 == 1, batch: number % 4 >= 2 && !last }
    }
}

/// A call, or a batch of two with a notification between them; the second call has the number as a string.
fn message(number: usize, deed: &Deed, params: &str) -> String {
    let way = Way::of(number, deed);
    let params: Value = serde_json::from_str(params).unwrap();
    let call = json!({"jsonrpc": "2.0", "id": number, "method": deed.name, "params": params});
    let body = if way.batch {
        let note = json!({"jsonrpc": "2.0", "method": "notifications/storm"});
        let second = json!({"jsonrpc": "2.0", "id": number.to_string(), "method": "answer", "params": {"n": number}});
        json!([call, note, second])
    } else {
        call
    };
    if way.http { request("POST", "", &body.to_string()) } else { body.to_string() }
}

/// Whether this is the reply that was to come, by HTTP or without.
fn is_reply(number: usize, deed: &Deed, answer: &Answer, shared: bool) -> bool {
    let way = Way::of(number, deed);
    let mut reply = answer.json();
    if way.http {
        if reply["statusCode"] != 200 {
            return false;
        }
        reply = serde_json::from_str(reply["body"].as_str().unwrap()).unwrap();
    }
    let replies = match reply {
        Value::Array(replies) if way.batch => replies,
        one if !way.batch => vec![one],
        _ => return false,
    };
    // What is too large fails alone, and its caller is told so in the protocol's own way.
    let may_fail = way.http || deed.name == "toobig";
    let fails = |reply: &Value| may_fail && reply["error"]["code"] == -32603;
    let first = |reply: &Value| match deed.outcome {
        Outcome::Answer if shared && fails(reply) => true,
        Outcome::Answer if deed.name == "error" => reply["error"]["message"] == format!("n={number}"),
        Outcome::Answer => reply["result"]["n"] == number,
        _ => fails(reply),
    };
    let second = |reply: &Value| {
        reply["result"]["n"] == number || fails(reply) && (shared || !matches!(deed.outcome, Outcome::Answer))
    };
    replies.len() == if way.batch { 2 } else { 1 }
        && replies[0]["id"] == number
        && first(&replies[0])
        && replies.get(1).is_none_or(|reply| reply["id"].as_str() == Some(&number.to_string()) && second(reply))
}
