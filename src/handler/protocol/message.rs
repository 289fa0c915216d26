//! Messages: header lines, an empty line, and a body, as HTTP has them. What an adapter and `bootstrap` say to each
//! other in place of lines (section "Messages" of handlers/README.md).

use crate::invocation::{Invocation, LARGEST_ANSWER};

/// What the head of a message, its trailers, and what stands in chunk-size lines besides sizes may have together.
const LONGEST_HEAD: usize = 64 * 1024;

/// What a chunk's size and its line end take.
const PLAIN_SIZE_LINE: usize = 18;

/// How far a body that is too large is read to its end, to keep the handler.
const READ_TO_END: usize = 4 * LARGEST_ANSWER;

/// A message that has come from a handler.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How long the body was, where it was too large to be kept.
    pub too_large: Option<usize>,
}

impl Message {
    /// A header's (or trailer's) value, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The message that carries an event.
pub fn encode(invocation: &Invocation, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(body.len() + 1024);
    for (name, value) in &invocation.headers {
        for part in [name, ": ", value, "\n"] {
            message.extend_from_slice(part.as_bytes());
        }
    }
    message.extend_from_slice(format!("Content-Length: {}\n\n", body.len()).as_bytes());
    message.extend_from_slice(body);
    message
}

/// What a reader has found.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole message, and whether it was begun before the event at hand.
    Message { message: Message, late: bool },
    /// The head of an answer that is to be streamed. What follows is read with `stream`, or, if nobody wants it, as a
    /// whole message all the same.
    StreamHead(Message),
}

/// How far a stream has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Stream {
    /// So many bytes were read.
    Piece(usize),
    /// More is to come.
    Waiting,
    /// That was all. The trailers are among the headers.
    End(Message),
}

#[derive(Debug, Clone, Copy)]
enum State {
    Head,
    /// A body of so many bytes.
    Body {
        left: usize,
    },
    /// The line that says how long a chunk is.
    ChunkSize,
    /// A chunk, with so many bytes of it to come, and a line end behind them.
    Chunk {
        left: usize,
    },
    Trailers,
}

/// Why a stream of messages cannot be read any further.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is none by its form.
    Malformed(String),
    /// A body is longer than what is read to its end: at least so many bytes.
    TooLarge(usize),
}

impl Broken {
    fn malformed<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Malformed(reason.into()))
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(reason) => f.write_str(reason),
            Self::TooLarge(length) => write!(f, "a body of {length} bytes or more"),
        }
    }
}

/// Reads messages out of a handler's output, piece by piece.
#[derive(Debug)]
pub struct Reader {
    state: State,
    message: Message,
    /// How much of a body was passed over, since it was too large.
    passed: usize,
    /// What of `LONGEST_HEAD` has been used up.
    head: usize,
    /// The message that is being read was begun before the event at hand was given.
    late: bool,
}

/// What is left of the output: what was read leaves it at the end, all at once.
struct Rest<'a> {
    output: &'a mut Vec<u8>,
    at: usize,
}

impl Rest<'_> {
    fn bytes(&self) -> &[u8] {
        &self.output[self.at..]
    }

    /// The next `length` bytes.
    fn take(&mut self, length: usize) -> &[u8] {
        self.at += length;
        &self.output[self.at - length..self.at]
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.output.drain(..self.at);
    }
}

impl Reader {
    pub fn new() -> Self {
        Self { state: State::Head, message: Message::default(), passed: 0, head: 0, late: false }
    }

    /// An event is about to be given: what has begun by now is no answer to it.
    pub fn begin_event(&mut self, output: &[u8]) {
        self.late = !matches!(self.state, State::Head) || !output.is_empty();
    }

    /// The next message, if all of it is there (it leaves `output`), or the head of a stream.
    pub fn next(&mut self, output: &mut Vec<u8>) -> Result<Option<Item>, Broken> {
        let mut rest = Rest { output, at: 0 };
        loop {
            match self.state {
                State::Head => {
                    let blank = rest.bytes().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                    rest.take(blank);
                    let Some(head) = take_head(&mut rest)? else { return Ok(None) };
                    self.head = head.len();
                    self.message = Message { headers: parse_headers(head)?, ..Message::default() };
                    self.passed = 0;
                    self.state = self.body_state()?;
                    if self.is_stream() && !self.late {
                        let head = Message { headers: self.message.headers.clone(), ..Message::default() };
                        return Ok(Some(Item::StreamHead(head)));
                    }
                }
                State::Body { left } => {
                    let left = self.take_body(&mut rest, left)?;
                    self.state = State::Body { left };
                    if left > 0 {
                        return Ok(None);
                    }
                    return Ok(Some(self.finish()));
                }
                State::Chunk { left } if left > 0 => {
                    let left = self.take_body(&mut rest, left)?;
                    self.state = State::Chunk { left };
                    if left > 0 {
                        return Ok(None);
                    }
                }
                State::Chunk { .. } | State::ChunkSize | State::Trailers => match self.between_chunks(&mut rest)? {
                    None => return Ok(None),
                    Some(false) => {}
                    Some(true) => return Ok(Some(self.finish())),
                },
            }
        }
    }

    /// Reads on in a stream whose head was given, as far as `piece` has room.
    pub fn stream(&mut self, output: &mut Vec<u8>, piece: &mut [u8]) -> Result<Stream, Broken> {
        let mut rest = Rest { output, at: 0 };
        let mut filled = 0;
        loop {
            match self.state {
                State::Chunk { left } if left > 0 => {
                    let here = left.min(rest.bytes().len()).min(piece.len() - filled);
                    piece[filled..filled + here].copy_from_slice(rest.take(here));
                    filled += here;
                    self.state = State::Chunk { left: left - here };
                    if here == 0 {
                        break;
                    }
                }
                State::Head | State::Body { .. } => return Broken::malformed("no stream is under way"),
                // Its end is told by itself.
                State::Trailers if filled > 0 => break,
                State::Chunk { .. } | State::ChunkSize | State::Trailers => {
                    let start = rest.at;
                    match self.between_chunks(&mut rest) {
                        Ok(Some(false)) => {}
                        Ok(Some(true)) => {
                            let Item::Message { message, .. } = self.finish() else { break };
                            return Ok(Stream::End(message));
                        }
                        Ok(None) => break,
                        // What came before the fault is passed on first. Whoever asks again hears of it.
                        Err(_) if filled > 0 => {
                            rest.at = start;
                            break;
                        }
                        Err(broken) => return Err(broken),
                    }
                }
            }
        }
        Ok(if filled > 0 { Stream::Piece(filled) } else { Stream::Waiting })
    }

    /// The lines between chunks and behind them. `None`: a line is not all there yet; `true`: that was the last.
    fn between_chunks(&mut self, rest: &mut Rest<'_>) -> Result<Option<bool>, Broken> {
        let room = (LONGEST_HEAD + PLAIN_SIZE_LINE).saturating_sub(self.head);
        let Some(line) = take_line(rest, room)? else { return Ok(None) };
        let mut state = None;
        match self.state {
            State::ChunkSize => {
                let left = chunk_size(line)?;
                self.head += (line.len() + 1).saturating_sub(PLAIN_SIZE_LINE);
                state = Some(if left == 0 { State::Trailers } else { State::Chunk { left } });
            }
            State::Trailers if line.is_empty() => return Ok(Some(true)),
            State::Trailers => {
                self.head += line.len() + 1;
                self.message.headers.append(&mut parse_headers(line)?);
            }
            _ if line.is_empty() => state = Some(State::ChunkSize),
            _ => return Broken::malformed(format!("{:?} stands where a chunk ends", quote(line))),
        }
        if self.head > LONGEST_HEAD {
            return Broken::malformed("the lines of a message's head, chunk sizes and trailers exceed 64 KiB");
        }
        self.state = state.unwrap_or(self.state);
        Ok(Some(false))
    }

    fn finish(&mut self) -> Item {
        self.state = State::Head;
        let mut message = std::mem::take(&mut self.message);
        message.too_large = (self.passed > 0).then(|| self.passed + message.body.len());
        Item::Message { message, late: std::mem::take(&mut self.late) }
    }

    fn is_stream(&self) -> bool {
        let mode = self.message.header("Lambda-Runtime-Function-Response-Mode");
        matches!(self.state, State::ChunkSize) && mode.is_some_and(|mode| mode.eq_ignore_ascii_case("streaming"))
    }

    fn body_state(&self) -> Result<State, Broken> {
        if self.message.header("Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Ok(State::ChunkSize);
        }
        let mut length = None;
        for (name, value) in &self.message.headers {
            if name.eq_ignore_ascii_case("Content-Length") {
                if length.is_some_and(|known| known != value) {
                    return Broken::malformed("a message has two different Content-Lengths");
                }
                length = Some(value);
            }
        }
        let Some(length) = length else {
            return Broken::malformed("a message has neither Content-Length nor Transfer-Encoding: chunked");
        };
        let left = number(length.as_bytes(), 10)
            .ok_or_else(|| Broken::Malformed(format!("Content-Length: {length} is no length")))?;
        if left > READ_TO_END {
            return Err(Broken::TooLarge(left));
        }
        Ok(State::Body { left })
    }

    /// Moves up to `left` bytes of the body out of the output; says how many are still to come. What no answer can have
    /// is counted, not kept.
    fn take_body(&mut self, rest: &mut Rest<'_>, left: usize) -> Result<usize, Broken> {
        // A chunk's size is known before it has come.
        let total = (self.passed + self.message.body.len()).saturating_add(left);
        if total > READ_TO_END {
            return Err(Broken::TooLarge(total));
        }
        let here = left.min(rest.bytes().len());
        if self.passed > 0 || self.message.body.len() + here > LARGEST_ANSWER {
            self.passed += here + std::mem::take(&mut self.message.body).len();
            rest.take(here);
        } else if self.message.body.is_empty() && here == left {
            // Mostly the body is all there, and all there is: it is moved once, not copied.
            let behind = rest.output.split_off(rest.at + here);
            self.message.body = std::mem::replace(rest.output, behind);
            self.message.body.drain(..rest.at);
            rest.at = 0;
        } else {
            self.message.body.extend_from_slice(rest.take(here));
        }
        Ok(left - here)
    }
}

/// The lines of a head, up to the empty line that ends it.
fn take_head<'a>(rest: &'a mut Rest<'_>) -> Result<Option<&'a [u8]>, Broken> {
    let mut from = 0;
    let bytes = rest.bytes();
    while let Some(at) = memchr::memchr(b'\n', &bytes[from..]) {
        let next = from + at + 1;
        let end = match &bytes[next..] {
            [b'\n', ..] => next + 1,
            [b'\r', b'\n', ..] => next + 2,
            _ => {
                from = next;
                continue;
            }
        };
        if end > LONGEST_HEAD {
            break;
        }
        return Ok(Some(&rest.take(end)[..next]));
    }
    if bytes.len() > LONGEST_HEAD {
        return Broken::malformed("a message's head has no empty line within 64 KiB");
    }
    Ok(None)
}

/// The next line without its end, which must come within `room` bytes.
fn take_line<'a>(rest: &'a mut Rest<'_>, room: usize) -> Result<Option<&'a [u8]>, Broken> {
    let bytes = rest.bytes();
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(room + 1)]) {
        Some(end) => {
            let line = &rest.take(end + 1)[..end];
            Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
        }
        None if bytes.len() > room => {
            Broken::malformed("the lines of a message's head, chunk sizes and trailers exceed 64 KiB")
        }
        None => Ok(None),
    }
}

/// The number at the start of a chunk-size line (RFC 9112, section 7.1).
fn chunk_size(line: &[u8]) -> Result<usize, Broken> {
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    number(size, 16).ok_or_else(|| Broken::Malformed(format!("{:?} is no chunk size", quote(line))))
}

/// Digits and nothing else. What does not fit is as large as can be.
fn number(digits: &[u8], radix: u32) -> Option<usize> {
    let mut number = 0_usize;
    for &digit in digits {
        let digit = char::from(digit).to_digit(radix)?;
        number = number.saturating_mul(radix as usize).saturating_add(digit as usize);
    }
    (!digits.is_empty()).then_some(number)
}

fn parse_headers(lines: &[u8]) -> Result<Vec<(String, String)>, Broken> {
    let text = String::from_utf8_lossy(lines);
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, value)) if is_token(name) => Ok((name.to_owned(), value.trim().to_owned())),
            _ => Broken::malformed(format!("{:?} is no header line", quote(line.as_bytes()))),
        })
        .collect()
}

fn quote(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}

/// What HTTP lets a header be called (RFC 9110, section 5.6.2): a line of JSON is none, though it has a colon.
fn is_token(name: &str) -> bool {
    let extra = b"!#$%&'*+-.^_`|~";
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
}

#[cfg(test)]
mod tests;
