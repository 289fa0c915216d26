//! Reads messages out of a handler's output, piece by piece, wherever its bytes are cut.

pub use super::grammar::Broken;
use super::grammar::{
    LONGEST_HEAD, PLAIN_SIZE_LINE, Rest, chunk_size, number, parse_headers, quote, take_head, take_line,
};
use super::message::Message;
use crate::invocation::{COPIED, LARGEST_ANSWER};

/// How far a body that is too large is read to its end, to keep the handler.
const READ_TO_END: usize = 4 * LARGEST_ANSWER;

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

/// Reads messages out of a handler's output, piece by piece.
#[derive(Debug)]
pub struct Reader {
    state: State,
    message: Message,
    /// For the next body, so that it need not come from the kernel anew.
    memory: Vec<u8>,
    /// How much of a body was passed over, since it was too large.
    passed: usize,
    /// What of `LONGEST_HEAD` has been used up.
    head: usize,
    /// The message that is being read was begun before the event at hand was given.
    late: bool,
}

impl Reader {
    pub fn new() -> Self {
        Self { state: State::Head, message: Message::default(), memory: Vec::new(), passed: 0, head: 0, late: false }
    }

    /// The memory of something that is over is for the next body.
    pub fn reuse(&mut self, mut memory: Vec<u8>) {
        memory.clear();
        self.memory = memory;
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
        } else if self.message.body.is_empty() && here == left && here > COPIED {
            // The body is all there, and all there is: it is moved once, not copied.
            let behind = rest.output.split_off(rest.at + here);
            self.message.body = std::mem::replace(rest.output, behind);
            self.message.body.drain(..rest.at);
            rest.at = 0;
        } else {
            if self.message.body.is_empty() {
                self.message.body = std::mem::take(&mut self.memory);
                self.message.body.reserve_exact(left.min(LARGEST_ANSWER));
            }
            self.message.body.extend_from_slice(rest.take(here));
        }
        Ok(left - here)
    }
}

#[cfg(test)]
mod tests;
