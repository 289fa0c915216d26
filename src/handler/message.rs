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
        message.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    message.extend_from_slice(format!("Content-Length: {}\n\n", body.len()).as_bytes());
    message.extend_from_slice(body);
    message
}

#[derive(Debug)]
enum State {
    Head,
    /// A body of so many bytes.
    Body {
        left: usize,
    },
    /// The line that says how long a chunk is.
    ChunkSize,
    /// A chunk, with so many bytes of it and of the line end behind it to come.
    Chunk {
        left: usize,
        line_end: bool,
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

    /// The next message, if all of it is there; it leaves `output`. With it: whether it was begun before the event.
    pub fn next(&mut self, output: &mut Vec<u8>) -> Result<Option<(Message, bool)>, Broken> {
        loop {
            let done = match self.state {
                State::Head => {
                    let blank = output.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                    output.drain(..blank);
                    let Some(head) = take_head(output)? else { return Ok(None) };
                    self.message = Message { headers: parse_headers(&head)?, ..Message::default() };
                    self.passed = 0;
                    self.state = self.body_state()?;
                    false
                }
                State::Body { left } => match self.take_body(output, left)? {
                    0 => true,
                    left => {
                        self.state = State::Body { left };
                        return Ok(None);
                    }
                },
                State::ChunkSize => {
                    let Some(line) = take_line(output)? else { return Ok(None) };
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let left =
                        usize::from_str_radix(size, 16).map_err(|_| Broken(format!("{line:?} is no chunk size")))?;
                    self.state = if left == 0 { State::Trailers } else { State::Chunk { left, line_end: true } };
                    false
                }
                State::Chunk { left: 0, .. } => {
                    let Some(line) = take_line(output)? else { return Ok(None) };
                    if !line.is_empty() {
                        return Err(Broken(format!("{line:?} stands where a chunk ends")));
                    }
                    self.state = State::ChunkSize;
                    false
                }
                State::Chunk { left, line_end } => {
                    let left = self.take_body(output, left)?;
                    self.state = State::Chunk { left, line_end };
                    if left > 0 {
                        return Ok(None);
                    }
                    false
                }
                State::Trailers => {
                    let Some(line) = take_line(output)? else { return Ok(None) };
                    if !line.is_empty() {
                        self.message.headers.append(&mut parse_headers(line.as_bytes())?);
                    }
                    line.is_empty()
                }
            };
            if done {
                self.state = State::Head;
                let mut message = std::mem::take(&mut self.message);
                message.too_large = (self.passed > 0).then(|| self.passed + message.body.len());
                return Ok(Some((message, std::mem::take(&mut self.late))));
            }
        }
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
            Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
            _ => Err(Broken(format!("{:?} is no header line", line.chars().take(200).collect::<String>()))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All messages in `stream`, fed in pieces of `size`.
    fn read(stream: &[u8], size: usize) -> Result<Vec<Message>, Broken> {
        let (mut reader, mut output, mut messages) = (Reader::new(), Vec::new(), Vec::new());
        for piece in stream.chunks(size) {
            output.extend_from_slice(piece);
            while let Some((message, _)) = reader.next(&mut output)? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    fn messages(stream: &str) -> Result<Vec<Message>, Broken> {
        let whole = read(stream.as_bytes(), usize::MAX);
        for size in [1, 2, 7] {
            assert_eq!(read(stream.as_bytes(), size), whole, "{stream:?} in pieces of {size}");
        }
        whole
    }

    #[test]
    fn messages_follow_one_another_with_either_line_end() {
        let all = messages("Content-Length: 2\n\n{}content-length:3\r\nX: a:b \r\n\r\n[1]\r\nContent-Length: 0\n\n");
        let all = all.expect("messages");
        assert_eq!(all.iter().map(|message| message.body.as_slice()).collect::<Vec<_>>(), [&b"{}"[..], b"[1]", b""]);
        assert_eq!(all[1].header("x"), Some("a:b"));
    }

    #[test]
    fn chunks_are_put_together_and_trailers_are_headers() {
        let all =
            messages("Transfer-Encoding: chunked\n\n3\nabc\r\nA;x=y\r\n0123456789\n0\nError: late\n\n").expect("one");
        assert_eq!(all[0].body, b"abc0123456789");
        assert_eq!(all[0].header("error"), Some("late"));
    }

    #[test]
    fn what_is_broken_is_told() {
        for (stream, word) in [
            ("hello\n\n", "hello"),
            ("X: y\n\n", "Content-Length"),
            ("Content-Length: -1\n\n", "-1"),
            ("Content-Length: 99999999999\n\n", "99999999999"),
            ("Transfer-Encoding: chunked\n\nzz\n", "zz"),
            ("Transfer-Encoding: chunked\n\n1\nab\n", "b"),
        ] {
            let Broken(reason) = messages(stream).expect_err(stream);
            assert!(reason.contains(word), "{stream:?}: {reason}");
        }
        assert!(read(&vec![b'x'; LONGEST_HEAD + 1], 1000).is_err());
    }

    #[test]
    fn a_body_that_is_too_large_is_counted_and_the_next_message_is_read() {
        let mut stream = format!("Content-Length: {}\n\n", LARGEST_ANSWER + 1).into_bytes();
        stream.resize(stream.len() + LARGEST_ANSWER + 1, b'x');
        stream.extend_from_slice(b"Content-Length: 1\n\n7");
        let all = read(&stream, 1 << 20).expect("messages");
        assert_eq!(all[0].too_large, Some(LARGEST_ANSWER + 1));
        assert_eq!((all[1].body.as_slice(), all[1].too_large), (&b"7"[..], None));
    }
}
