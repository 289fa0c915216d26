//! One event on its way: what Lambda says of it, its bytes, and the answer to it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use memchr::arch::all::is_equal;

use crate::fault::Fault;

/// Names and values, in the order in which they came. All values are in one text, and a name that Lambda is known to send is
/// not made anew for each event: of an event's cost, allocating is the largest part that can be saved.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    text: String,
    /// Each name, and where in the text its value ends.
    fields: Vec<(Cow<'static, str>, usize)>,
}

impl Headers {
    /// With room for so many fields, and so many bytes of values.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), fields: Vec::with_capacity(fields) }
    }

    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: &str) {
        self.text.push_str(value);
        self.fields.push((name.into(), self.text.len()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut begin = 0;
        self.fields.iter().map(move |(name, end)| (&**name, &self.text[std::mem::replace(&mut begin, *end)..*end]))
    }

    /// The value of the first of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let is_it = |known: &str| known.len() == name.len() && is_equal(known.as_bytes(), name.as_bytes());
        let at = self.fields.iter().position(|(known, _)| is_it(known))?;
        let begin = at.checked_sub(1).map_or(0, |before| self.fields[before].1);
        Some(&self.text[begin..self.fields[at].1])
    }
}

/// An event with its context, as `/next` (or the shell) gives it.
#[derive(Debug, Default)]
pub struct Invocation {
    /// The request id, which the answer is posted to.
    pub id: String,
    /// All that Lambda says of the event, under the names of its headers (`Lambda-Runtime-Trace-Id`). What it does not
    /// say is not there: no value is empty.
    pub headers: Headers,
    /// The event's own bytes.
    pub body: Vec<u8>,
    /// When Lambda gives up on the event, in milliseconds since 1970.
    pub deadline_ms: Option<u64>,
    /// The same on the clock that cannot be set; `None` where there is no deadline.
    pub deadline: Option<Instant>,
    /// Why it cannot be given to the handler: this is reported in place of an answer.
    pub fault: Option<Fault>,
    /// No event follows, as far as its source knows: only a shell does.
    pub is_last: bool,
    /// The pipe that a next event would come through: once whoever writes to it has left, and nothing waits in it, none will.
    pub further: Option<Arc<OwnedFd>>,
    /// Where a person finds the event: its file and line. Only a shell's events have one.
    pub place: Option<String>,
}

impl Invocation {
    /// What Lambda says under this name, as its documentation writes it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Sets the deadline. One that is not in the future is none (emulators send 1970), and so is one beyond what the
    /// clock can hold.
    pub fn set_deadline(&mut self, epoch_ms: u64) {
        self.deadline_ms = Some(epoch_ms);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.deadline = Duration::from_millis(epoch_ms)
            .checked_sub(now)
            .filter(|left| !left.is_zero())
            .and_then(|left| Instant::now().checked_add(left));
    }
}

/// What goes to `/response`.
#[derive(Debug)]
pub enum Answer {
    /// All of it, byte for byte.
    Whole(Whole),
    /// It comes piece by piece, as an `AnswerStream`, behind what is there already. `whole`: that is all of it.
    Stream { content_type: Option<String>, begun: Vec<u8>, whole: bool },
}

/// The content type of a streamed HTTP response: a prelude (status, headers, cookies) in JSON, eight NUL bytes, the body.
pub const HTTP_INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

/// An answer that is all there.
#[derive(Debug)]
pub struct Whole {
    pub body: Vec<u8>,
    /// JSON where it is not said.
    pub content_type: Option<String>,
}

impl Answer {
    /// An answer in JSON.
    pub fn json(body: Vec<u8>) -> Self {
        Self::Whole(Whole { body, content_type: None })
    }

    /// An answer of which nothing is there yet.
    pub fn stream(content_type: Option<String>) -> Self {
        Self::Stream { content_type, begun: Vec::new(), whole: false }
    }

    /// An HTTP response of which this is there.
    pub fn http_stream(begun: Vec<u8>, whole: bool) -> Self {
        Self::Stream { content_type: Some(HTTP_INTEGRATION.to_owned()), begun, whole }
    }
}

/// An answer on its way.
pub trait AnswerStream {
    /// The next bytes; 0 is the end. A fault ends the answer where it is.
    fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault>;
}

/// What was read ahead of a stream, to be passed on before the rest of it, piece by piece.
#[derive(Debug, Default)]
pub struct Ahead(VecDeque<Vec<u8>>);

impl Ahead {
    /// Adds a piece. An empty one is read as the end.
    pub fn push(&mut self, piece: Vec<u8>) {
        self.0.push_back(piece);
    }

    /// Reads on, never across the end of a piece. `None`: nothing is left.
    pub fn read(&mut self, piece: &mut [u8]) -> Option<usize> {
        let mut next = self.0.pop_front()?;
        let rest = next.split_off(next.len().min(piece.len()));
        piece[..next.len()].copy_from_slice(&next);
        if !rest.is_empty() {
            self.0.push_front(rest);
        }
        Some(next.len())
    }
}

/// The most memory of an event or an answer that is used for the next one. Memory that comes anew from the kernel costs more than
/// what is done in it, a fault for each 4 KiB, and musl gives it back as soon as nothing is left in the piece that it came in.
pub const REUSED: usize = 1024 * 1024;

/// An answer up to this size is copied, and the memory that it came in stays where it is.
pub const COPIED: usize = 32 * 1024;

/// The largest answer that Lambda takes: 6 MiB and 100 bytes.
pub const LARGEST_ANSWER: usize = 6 * 1024 * 1024 + 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deadline_in_the_future_is_one() {
        let deadline = |ms| {
            let mut invocation = Invocation::default();
            invocation.set_deadline(ms);
            invocation.deadline
        };
        assert!(deadline(600_000).is_none(), "1970");
        assert!(deadline(0).is_none());
        assert!(deadline(4_000_000_000_000).is_some(), "2096");
        // The year 300,000 either fits the clock or is no deadline: it is no panic.
        let _ = deadline(9_404_000_000_000_000);
        let _ = deadline(u64::MAX);
    }
}
