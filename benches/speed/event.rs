//! The events: an object with one string, of any length, behind the headers that Lambda sends.

use std::ops::Range;
use std::time::{Duration, SystemTime};

/// The place of the number in the request id.
const DIGITS: usize = 12;

/// A response to `/next`, made once. Only its request id changes from one event to the next.
pub struct Event {
    bytes: Vec<u8>,
    id: Range<usize>,
    body: usize,
    /// What stands in the answer, where that is not the event again.
    answer: Option<&'static str>,
    /// In milliseconds since 1970.
    pub deadline: u64,
}

impl Event {
    pub fn new(size: usize) -> Self {
        Self::of(&format!("{{\"data\":\"{}\"}}", "x".repeat(size.saturating_sub(11))), None)
    }

    /// With this body, and an answer that has this in it.
    pub fn of(body: &str, answer: Option<&'static str>) -> Self {
        Self::due(body, answer, Duration::from_secs(3600))
    }

    /// With so much time for it, from now on.
    pub fn due(body: &str, answer: Option<&'static str>, time: Duration) -> Self {
        let deadline = (SystemTime::now() + time).duration_since(SystemTime::UNIX_EPOCH).expect("the time");
        let deadline = u64::try_from(deadline.as_millis()).expect("the time");
        let start = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: ";
        let id = "8476a536-e9f4-11e8-9739-000000000000";
        let head = format!(
            "{start}{id}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-2:123456789012:function:echo\r\n\
             Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
             Date: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let id = start.len()..start.len() + id.len();
        Self { body: head.len(), bytes: (head + body).into_bytes(), id, answer, deadline }
    }

    /// Makes it the event of this number.
    pub fn renumber(&mut self, mut number: usize) {
        for digit in self.bytes[self.id.end - DIGITS..self.id.end].iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).expect("a digit");
            number /= 10;
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn id(&self) -> &[u8] {
        &self.bytes[self.id.clone()]
    }

    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body..]
    }

    /// Whether an answer is right: it has what it is to have in it, or is this event again, blanks aside: runtimes that parse it
    /// lay it out in their own way.
    pub fn is_answered_by(&self, answer: &[u8]) -> bool {
        if let Some(wanted) = self.answer {
            return memchr::memmem::find(answer, wanted.as_bytes()).is_some();
        }
        let visible =
            |bytes: &[u8]| bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>();
        visible(answer) == visible(self.body())
    }
}
