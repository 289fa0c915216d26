//! What the caller gets: a message, a list of them, or an HTTP response with these.

use super::mcp;
use crate::http_event::{Form, Response};
use crate::json::push_string;

/// How the caller wants to be answered over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    pub form: Form,
    /// As an event stream (`text/event-stream`), not as JSON.
    pub events: bool,
    /// The answer is a stream of Lambda's: a prelude, and the body as it comes.
    pub streamed: bool,
    /// The request is of the stateless kind, for which an error has a status of its own.
    pub stateless: bool,
}

/// An error as the answer to a request. `id` is JSON.
pub fn error(id: &str, code: i64, message: &str) -> Vec<u8> {
    let mut out = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":");
    push_string(&mut out, message);
    out.push_str("}}");
    out.into_bytes()
}

/// The answers to a batch, as one.
pub fn list(answers: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(answers.iter().map(|answer| answer.len() + 1).sum::<usize>() + 2);
    out.push(b'[');
    out.extend_from_slice(&answers.join(&b','));
    out.push(b']');
    out
}

/// One event of an event stream. A message has no line ends.
pub fn sse(message: &[u8]) -> Vec<u8> {
    [b"event: message\ndata: ", message, b"\n\n"].concat()
}

impl Http {
    /// An answer with a message.
    pub fn message(self, body: Vec<u8>, code: Option<i64>) -> Vec<u8> {
        let status = if self.stateless { mcp::status(code) } else { 200 };
        if self.events && status == 200 {
            return self.whole(&events(sse(&body)));
        }
        self.with_status(status, body)
    }

    /// An answer with a JSON body.
    pub fn with_status(self, status: u16, body: Vec<u8>) -> Vec<u8> {
        self.whole(&Response { status, headers: vec![content_type("application/json")], cookies: Vec::new(), body })
    }

    /// An answer without a body.
    pub fn status(self, status: u16) -> Vec<u8> {
        let allow = (status == 405).then(|| ("Allow".to_owned(), "POST".to_owned()));
        self.whole(&Response { status, headers: allow.into_iter().collect(), cookies: Vec::new(), body: Vec::new() })
    }

    fn whole(self, response: &Response) -> Vec<u8> {
        if self.streamed {
            let mut out = response.prelude();
            out.extend_from_slice(&response.body);
            return out;
        }
        response.to_json(self.form)
    }
}

/// The beginning of an event stream that goes on.
pub fn begin_events() -> Vec<u8> {
    events(Vec::new()).prelude()
}

fn events(body: Vec<u8>) -> Response {
    let headers = vec![
        content_type("text/event-stream"),
        ("Cache-Control".to_owned(), "no-cache".to_owned()),
        // Proxies in between are to pass each event on as it comes.
        ("X-Accel-Buffering".to_owned(), "no".to_owned()),
    ];
    Response { status: 200, headers, cookies: Vec::new(), body }
}

fn content_type(value: &str) -> (String, String) {
    ("Content-Type".to_owned(), value.to_owned())
}
