//! Messages: header lines, an empty line, and a body, as HTTP has them. What an adapter and `bootstrap` say to each
//! other in place of lines (section "Messages" of handlers/README.md).

use crate::invocation::{Invocation, LARGEST_ANSWER};

/// Where the head of a message must have ended.
const LONGEST_HEAD: usize = 64 * 1024;

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
    /// So many bytes were read; they belong to one chunk.
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
pub struct Broken(pub String);

/// Reads messages out of a handler's output, piece by piece.
#[derive(Debug)]
pub struct Reader {
    state: State,
    message: Message,
    /// How much of a body was passed over, since it was too large.
    passed: usize,
    /// The message that is being read was begun before the event at hand was given.
    late: bool,
}

impl Reader {
    pub fn new() -> Self {
        Self { state: State::Head, message: Message::default(), passed: 0, late: false }
    }

    /// An event is about to be given: what has begun by now is no answer to it.
    pub fn begin_event(&mut self, output: &[u8]) {
        self.late = !matches!(self.state, State::Head) || !output.is_empty();
    }

    /// The next message, if all of it is there (it leaves `output`), or the head of a stream.
    pub fn next(&mut self, output: &mut Vec<u8>) -> Result<Option<Item>, Broken> {
        loop {
            match self.state {
                State::Head => {
                    let blank = output.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                    output.drain(..blank);
                    let Some(head) = take_head(output)? else { return Ok(None) };
                    self.message = Message { headers: parse_headers(&head)?, ..Message::default() };
                    self.passed = 0;
                    self.state = self.body_state()?;
                    if self.is_stream() && !self.late {
                        let head = Message { headers: self.message.headers.clone(), ..Message::default() };
                        return Ok(Some(Item::StreamHead(head)));
                    }
                }
                State::Body { left } => {
                    let left = self.take_body(output, left)?;
                    self.state = State::Body { left };
                    if left > 0 {
                        return Ok(None);
                    }
                    return Ok(Some(self.finish()));
                }
                State::Chunk { left } if left > 0 => {
                    let left = self.take_body(output, left)?;
                    self.state = State::Chunk { left };
                    if left > 0 {
                        return Ok(None);
                    }
                }
                State::Chunk { .. } | State::ChunkSize | State::Trailers => match self.between_chunks(output)? {
                    None => return Ok(None),
                    Some(false) => {}
                    Some(true) => return Ok(Some(self.finish())),
                },
            }
        }
    }

    /// Reads on in a stream whose head was given.
    pub fn stream(&mut self, output: &mut Vec<u8>, piece: &mut [u8]) -> Result<Stream, Broken> {
        loop {
            match self.state {
                State::Chunk { left } if left > 0 => {
                    let here = left.min(output.len()).min(piece.len());
                    if here == 0 {
                        return Ok(Stream::Waiting);
                    }
                    piece[..here].copy_from_slice(&output[..here]);
                    output.drain(..here);
                    self.state = State::Chunk { left: left - here };
                    return Ok(Stream::Piece(here));
                }
                State::Head | State::Body { .. } => return Err(Broken("no stream is under way".to_owned())),
                State::Chunk { .. } | State::ChunkSize | State::Trailers => match self.between_chunks(output)? {
                    None => return Ok(Stream::Waiting),
                    Some(false) => {}
                    Some(true) => {
                        let Item::Message { message, .. } = self.finish() else { return Ok(Stream::Waiting) };
                        return Ok(Stream::End(message));
                    }
                },
            }
        }
    }

    /// The lines between chunks and behind them. `None`: a line is not all there yet; `true`: that was the last.
    fn between_chunks(&mut self, output: &mut Vec<u8>) -> Result<Option<bool>, Broken> {
        let Some(line) = take_line(output)? else { return Ok(None) };
        match self.state {
            State::ChunkSize => {
                let size = line.split(';').next().unwrap_or_default().trim();
                let left = usize::from_str_radix(size, 16).map_err(|_| Broken(format!("{line:?} is no chunk size")))?;
                self.state = if left == 0 { State::Trailers } else { State::Chunk { left } };
            }
            State::Trailers if line.is_empty() => return Ok(Some(true)),
            State::Trailers => self.message.headers.append(&mut parse_headers(line.as_bytes())?),
            _ if line.is_empty() => self.state = State::ChunkSize,
            _ => return Err(Broken(format!("{line:?} stands where a chunk ends"))),
        }
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
        let Some(length) = self.message.header("Content-Length") else {
            return Err(Broken("a message has neither Content-Length nor Transfer-Encoding: chunked".to_owned()));
        };
        let left = length.parse().map_err(|_| Broken(format!("Content-Length: {length} is no length")))?;
        if left > READ_TO_END {
            return Err(Broken(format!("Content-Length: {length} is more than any answer may have")));
        }
        Ok(State::Body { left })
    }

    /// Moves up to `left` bytes of the body out of `output`; says how many are still to come. What no answer can have
    /// is counted, not kept.
    fn take_body(&mut self, output: &mut Vec<u8>, left: usize) -> Result<usize, Broken> {
        let here = left.min(output.len());
        if self.passed > 0 || self.message.body.len() + here > LARGEST_ANSWER {
            self.passed += here + std::mem::take(&mut self.message.body).len();
            output.drain(..here);
            if self.passed > READ_TO_END {
                return Err(Broken(format!("a body of more than {READ_TO_END} bytes")));
            }
        } else if self.message.body.is_empty() && here == left {
            // Mostly the body is all there, and all there is: it is not copied.
            let rest = output.split_off(here);
            self.message.body = std::mem::replace(output, rest);
        } else {
            self.message.body.extend(output.drain(..here));
        }
        Ok(left - here)
    }
}

/// The lines of a head, up to the empty line that ends it.
fn take_head(output: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Broken> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', &output[from..]) {
        let next = from + at + 1;
        let end = match &output[next..] {
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
        let head = output[..next].to_vec();
        output.drain(..end);
        return Ok(Some(head));
    }
    if output.len() > LONGEST_HEAD {
        return Err(Broken("a message's head has no empty line within 64 KiB".to_owned()));
    }
    Ok(None)
}

fn take_line(output: &mut Vec<u8>) -> Result<Option<String>, Broken> {
    match memchr::memchr(b'\n', output) {
        Some(end) => {
            let line =
                String::from_utf8_lossy(output[..end].strip_suffix(b"\r").unwrap_or(&output[..end])).into_owned();
            output.drain(..=end);
            Ok(Some(line))
        }
        None if output.len() > LONGEST_HEAD => Err(Broken("a line of a stream has no end within 64 KiB".to_owned())),
        None => Ok(None),
    }
}

fn parse_headers(lines: &[u8]) -> Result<Vec<(String, String)>, Broken> {
    let text = String::from_utf8_lossy(lines);
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| match line.split_once(':') {
            Some((name, value)) if is_token(name) => Ok((name.to_owned(), value.trim().to_owned())),
            _ => Err(Broken(format!("{:?} is no header line", line.chars().take(200).collect::<String>()))),
        })
        .collect()
}

/// What HTTP lets a header be called (RFC 9110, section 5.6.2): a line of JSON is none, though it has a colon.
fn is_token(name: &str) -> bool {
    let extra = b"!#$%&'*+-.^_`|~";
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
}

#[cfg(test)]
mod tests;
