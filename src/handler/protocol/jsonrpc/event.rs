//! What the caller sent, read before any server sees it: each message is a request, a notification, or wrong in itself.

use std::ops::Range;

use super::mcp;
use super::message::Message;
use super::reply::{self, Http};
use crate::fault::Fault;
use crate::http_event::Request;
use crate::json;
use crate::json::{elements, members};

#[cfg(test)]
mod tests;

/// How many messages a batch may have.
const LONGEST_BATCH: usize = 10_000;

/// An event, ready for a server.
#[derive(Debug)]
pub struct Event {
    pub(super) http: Option<Http>,
    pub(super) is_batch: bool,
    pub(super) entries: Vec<Entry>,
    /// The revision for a handshake on the caller's behalf.
    pub(super) version: String,
    /// It is answered with this, and no server sees it.
    pub(super) refused: Option<Vec<u8>>,
}

/// One message of an event.
#[derive(Debug)]
pub(super) enum Entry {
    Request(Box<Asked>),
    /// The line to pass on, with its end; none where it is not for the server.
    Notification(Option<Vec<u8>>),
    /// It is answered with this, and the server does not see it.
    Refused(Vec<u8>),
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    /// The line, with the caller's id and its end.
    pub line: Vec<u8>,
    /// Where the id stands in it.
    pub id: Range<usize>,
    pub kind: Kind,
    /// What the server is to name in its reports of progress, as JSON.
    pub token: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It says its own revision of MCP.
    Stateless {
        discover: bool,
    },
    Initialize,
    /// To a server that has been initialized, where it is one of MCP.
    Other,
}

impl Event {
    /// Reads an event. `streaming`: an HTTP caller can be answered with a stream.
    /// What is neither a message nor an HTTP request is `Runtime.UnmarshalError`; messages that are wrong are answered.
    pub fn read(body: &[u8], streaming: bool) -> Result<Self, Fault> {
        let text = std::str::from_utf8(body).ok().filter(|text| json::is_value(text.as_bytes())).map(trim);
        let text = text.ok_or_else(|| unmarshal("The event is not JSON."))?;
        if text.starts_with('[') || is_message(text) {
            let mut event = Self::new(None);
            event.read_messages(text, None);
            return Ok(event);
        }
        let request = Request::read(body).map_err(|fault| {
            unmarshal(&format!("The event is neither a JSON-RPC message (or a batch) nor HTTP. {}", fault.message))
        })?;
        Ok(Self::of_http(&request, streaming))
    }

    fn new(http: Option<Http>) -> Self {
        let version = mcp::LAST_WITH_HANDSHAKE.to_owned();
        Self { http, is_batch: false, entries: Vec::new(), version, refused: None }
    }

    fn of_http(request: &Request, streaming: bool) -> Self {
        let accept = request.header("accept").unwrap_or_else(|| "*/*".to_owned()).to_ascii_lowercase();
        let takes = |types: [&str; 3]| {
            accept
                .split(',')
                .map(|one| one.split(';').next().unwrap_or_default().trim())
                .any(|one| types.contains(&one))
        };
        let takes_json = takes(["application/json", "application/*", "*/*"]);
        let takes_events = takes(["text/event-stream", "text/*", "text/event-stream"]);
        // Clients of MCP take both: JSON is the shorter answer, but only an event stream can begin before its end.
        let events = takes_events && (streaming || !takes_json);
        let http = Http { form: request.form, events, streamed: streaming, stateless: false };
        let mut event = Self::new(Some(http));
        if let Some(version) = mcp::version_header(request).filter(|version| version.as_str() < mcp::FIRST_STATELESS) {
            event.version = version;
        }
        if request.method != "POST" {
            event.refused = Some(http.status(405));
        } else if !takes_json && !takes_events {
            event.refused = Some(http.status(406));
        } else {
            match std::str::from_utf8(&request.body).ok().filter(|text| json::is_value(text.as_bytes())) {
                Some(text) => event.read_messages(trim(text), Some(request)),
                None => event.refuse(mcp::PARSE_ERROR, "Parse error: the body is not JSON"),
            }
        }
        event
    }

    fn read_messages(&mut self, text: &str, request: Option<&Request>) {
        let Some(list) = elements(text) else {
            let entry = entry(text, request);
            match (entry, self.http) {
                (Err((id, code, problem)), Some(http)) => {
                    self.refused = Some(http.with_status(mcp::status(Some(code)), reply::error(&id, code, &problem)));
                }
                (Err((id, code, problem)), None) => self.refused = Some(reply::error(&id, code, &problem)),
                (Ok(entry), _) => self.entries.push(entry),
            }
            if let (Some(http), [Entry::Request(asked)]) = (&mut self.http, self.entries.as_slice()) {
                http.stateless = matches!(asked.kind, Kind::Stateless { .. });
            }
            return;
        };
        self.is_batch = true;
        for (number, text) in list.enumerate() {
            if number == LONGEST_BATCH {
                self.entries.clear();
                return self.refuse(mcp::INVALID_REQUEST, "Invalid Request: a batch has 10,000 messages at most");
            }
            self.entries.push(
                entry(text, request)
                    .unwrap_or_else(|(id, code, problem)| Entry::Refused(reply::error(&id, code, &problem))),
            );
        }
        if self.entries.is_empty() {
            self.refuse(mcp::INVALID_REQUEST, "Invalid Request: the batch is empty");
        }
    }

    fn refuse(&mut self, code: i64, problem: &str) {
        let error = reply::error("null", code, problem);
        self.refused = Some(match self.http {
            Some(http) => http.with_status(400, error),
            None => error,
        });
    }

    /// Whether it has a request of the stateless kind, or one of the other; `None`: it asks nothing of a server.
    pub(super) fn is_stateless(&self) -> Option<bool> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Request(asked) => Some(matches!(asked.kind, Kind::Stateless { .. })),
            _ => None,
        })
    }
}

/// A wrong message: the id, the code and the words of the error.
type Wrong = (String, i64, String);

fn entry(text: &str, request: Option<&Request>) -> Result<Entry, Wrong> {
    let invalid = |id: Option<&str>, problem: &str| {
        (id.unwrap_or("null").to_owned(), mcp::INVALID_REQUEST, format!("Invalid Request: {problem}"))
    };
    let message = Message::read(text).map_err(|problem| invalid(None, problem))?;
    if !message.says_version {
        return Err(invalid(message.usable_id(), "a message says \"jsonrpc\":\"2.0\""));
    }
    let Some(method) = message.method.as_deref() else {
        if message.is_answer() {
            // The server asked nothing of a caller: its requests were refused.
            return Ok(Entry::Notification(None));
        }
        return Err(invalid(message.usable_id(), "there is no method"));
    };
    if message.params.is_some_and(|params| !params.starts_with(['{', '['])) {
        return Err(invalid(message.usable_id(), "params is an object or an array"));
    }
    let Some(at) = message.id.clone() else {
        // Every server is initialized by us, once; and what a caller would cancel has an id that only the caller knows.
        let is_ours = matches!(method, "notifications/initialized" | "notifications/cancelled");
        return Ok(Entry::Notification((!is_ours).then(|| line(text))));
    };
    let Some(id) = message.usable_id() else {
        return Err(invalid(None, "id is a string or a number"));
    };
    if let Some(request) = request {
        mcp::check_headers(request, &message).map_err(|problem| (id.to_owned(), mcp::HEADER_MISMATCH, problem))?;
    }
    if method == "subscriptions/listen" {
        let problem = "Method not found: subscriptions/listen would hold the response open, which a function cannot";
        return Err((id.to_owned(), mcp::METHOD_NOT_FOUND, problem.to_owned()));
    }
    let kind = match method {
        _ if message.stateless_version().is_some() => Kind::Stateless { discover: method == "server/discover" },
        "initialize" => Kind::Initialize,
        _ => Kind::Other,
    };
    let token = message.meta("progressToken").map(str::to_owned);
    Ok(Entry::Request(Box::new(Asked { line: line(text), id: at, kind, token })))
}

/// A message as one line.
fn line(text: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.len() + 24);
    line.extend_from_slice(text.as_bytes());
    json::flatten(&mut line);
    line.push(b'\n');
    line
}

/// Whether an object means to be a message. None of the forms of HTTP has these members.
fn is_message(text: &str) -> bool {
    members(text).is_some_and(|mut all| all.any(|member| matches!(&*member.name, "jsonrpc" | "method")))
}

fn unmarshal(problem: &str) -> Fault {
    Fault::new(
        "Runtime.UnmarshalError",
        format!(
            "{problem} HANDLER_MODE=jsonrpc takes {{\"jsonrpc\":\"2.0\",…}}, a list of these, or an HTTP request with either"
        ),
    )
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
