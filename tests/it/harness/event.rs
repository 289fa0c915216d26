//! What goes over the Runtime API: events with their headers, and what `bootstrap` sends back.

use super::calls::Call;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One event, as the server will hand it out. With no more said, its deadline is a minute away.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: String,
    pub body: Vec<u8>,
    pub headers: Vec<(String, String)>,
    deadline: Deadline,
    pub content_type: bool,
    pub chunked: bool,
}

#[derive(Clone, Debug)]
enum Deadline {
    In(Duration),
    Header(String),
    Absent,
}

impl Event {
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            id: format!("8476a536-e9f4-11e8-9739-{number:012x}"),
            body: body.into(),
            headers: Vec::new(),
            deadline: Deadline::In(Duration::from_secs(60)),
            content_type: true,
            chunked: false,
        }
    }

    /// The deadline lies this far behind the moment at which the event is handed out.
    pub fn deadline_in(mut self, time: Duration) -> Self {
        self.deadline = Deadline::In(time);
        self
    }

    /// Exactly this text as `Lambda-Runtime-Deadline-Ms`.
    pub fn deadline_header(mut self, text: impl Into<String>) -> Self {
        self.deadline = Deadline::Header(text.into());
        self
    }

    pub fn without_deadline(mut self) -> Self {
        self.deadline = Deadline::Absent;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without_content_type(mut self) -> Self {
        self.content_type = false;
        self
    }

    /// The body in chunks instead of behind a `Content-Length`.
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The invocation id, which answers must repeat.
    pub fn nonce(&self) -> Option<String> {
        let header = self.headers.iter().find(|(name, _)| name == "Lambda-Runtime-Invocation-Id");
        header.map(|(_, value)| value.clone())
    }

    /// All headers, as they are at this moment.
    pub fn headers_now(&self) -> Vec<(String, String)> {
        let mut headers = vec![("Lambda-Runtime-Aws-Request-Id".to_owned(), self.id.clone())];
        let deadline = match &self.deadline {
            Deadline::In(time) => {
                Some((SystemTime::now() + *time).duration_since(UNIX_EPOCH).unwrap().as_millis().to_string())
            }
            Deadline::Header(text) => Some(text.clone()),
            Deadline::Absent => None,
        };
        headers.extend(deadline.map(|ms| ("Lambda-Runtime-Deadline-Ms".to_owned(), ms)));
        if self.content_type {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        headers.extend(self.headers.iter().cloned());
        headers
    }
}

impl<T: Into<Vec<u8>>> From<T> for Event {
    fn from(body: T) -> Self {
        Self::new(body)
    }
}

/// Bytes as hexadecimal digits, for handlers that show exactly what they were given.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One request that `bootstrap` made.
#[derive(Clone, Debug)]
pub struct Request {
    /// Requests are counted from 1.
    pub number: usize,
    pub call: Call,
    /// The event that it is about, or, for `/next`, the event that was given out.
    pub id: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Connections are counted from 1.
    pub connection: usize,
    pub at: Instant,
    /// What the test's probe saw when the request came in.
    pub probe: String,
    /// What it was answered with; 0 while it waits, or where the connection was closed instead.
    pub status: u16,
    /// The server took it, as far as a test about events is concerned.
    pub counts: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {} -> {}", self.connection, self.method, self.path, self.status)?;
        if self.call == Call::Next {
            return write!(f, " {}", self.id);
        }
        let shown = &self.body[..self.body.len().min(400)];
        write!(f, " [{} bytes] {}", self.body.len(), String::from_utf8_lossy(shown))
    }
}

/// The answer to one event: a `/response` or an `/error`.
#[derive(Clone, Debug)]
pub struct Answer(pub Request);

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0.body).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text()))
    }

    /// The answer's bytes, which must have come as a response.
    #[track_caller]
    pub fn response(&self) -> &[u8] {
        assert!(self.0.call == Call::Response, "a response was expected: {}", self.0);
        &self.0.body
    }

    /// The same as text.
    #[track_caller]
    pub fn response_text(&self) -> &str {
        std::str::from_utf8(self.response()).unwrap()
    }

    /// The same less the white space around it: an answer that is all of stdout may keep its last newline or lose it.
    #[track_caller]
    pub fn value(&self) -> &str {
        self.response_text().trim_ascii()
    }

    /// The answer must be an error of this type; gives its message.
    #[track_caller]
    pub fn error(&self, kind: &str) -> String {
        assert!(self.0.call == Call::Error, "an error was expected: {}", self.0);
        let body = self.json();
        assert_eq!(body["errorType"], kind, "{}", self.0);
        assert_eq!(self.0.header("Lambda-Runtime-Function-Error-Type"), Some(kind), "{}", self.0);
        body["errorMessage"].as_str().expect("errorMessage is a string").to_owned()
    }

    /// The lines of `stackTrace`, or of `trace`, which is its name in Node.js.
    pub fn stack(&self) -> Vec<String> {
        let body = self.json();
        let lines = body["stackTrace"]
            .as_array()
            .or(body["trace"].as_array())
            .unwrap_or_else(|| panic!("no stackTrace: {}", self.0));
        lines.iter().map(|line| line.as_str().expect("stackTrace holds strings").to_owned()).collect()
    }
}
