//! Messages: read the same wherever their bytes are cut, as a whole or as a stream; and an event's own is read as it was meant.

use super::parts;
use crate::handler::protocol::message::{Message, encode};
use crate::handler::protocol::reader::{Broken, Item, Reader, Stream};
use crate::invocation::Invocation;

/// What was read, in order; the pieces of a stream put together.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Message(Message, bool),
    Stream(Message, Vec<u8>, Message),
    /// What follows it cannot be read.
    Broken(String),
    /// A stream's head and beginning, where the end is missing or broken.
    Begun(Message, Vec<u8>),
}

fn read(pieces: &[&[u8]], late: bool, streams: bool) -> Vec<Seen> {
    let (mut reader, mut output, mut seen) = (Reader::new(), Vec::new(), Vec::new());
    if late {
        reader.begin_event(b"x");
    }
    let mut stream: Option<(Message, Vec<u8>)> = None;
    let mut step = |reader: &mut Reader, output: &mut Vec<u8>, seen: &mut Vec<Seen>| -> Result<bool, Broken> {
        if let Some((head, mut body)) = stream.take() {
            let mut piece = [0; 7];
            match reader.stream(output, &mut piece)? {
                Stream::Piece(length) => {
                    assert!(length > 0 && length <= piece.len());
                    body.extend_from_slice(&piece[..length]);
                    stream = Some((head, body));
                }
                Stream::Waiting => {
                    stream = Some((head, body));
                    return Ok(false);
                }
                Stream::End(trailers) => seen.push(Seen::Stream(head, body, trailers)),
            }
            return Ok(true);
        }
        match reader.next(output)? {
            Some(Item::Message { message, late }) => seen.push(Seen::Message(message, late)),
            Some(Item::StreamHead(head)) if streams => stream = Some((head, Vec::new())),
            Some(Item::StreamHead(_)) => {}
            None => return Ok(false),
        }
        Ok(true)
    };
    for piece in pieces {
        output.extend_from_slice(piece);
        loop {
            match step(&mut reader, &mut output, &mut seen) {
                Ok(true) => {}
                Ok(false) => break,
                Err(broken) => {
                    seen.push(Seen::Broken(broken.to_string()));
                    return seen;
                }
            }
        }
    }
    seen.extend(stream.map(|(head, body)| Seen::Begun(head, body)));
    seen
}

pub fn check(data: &[u8]) {
    let Some((choice, cuts, bytes)) = parts(data) else { return };
    let (late, streams) = (choice & 1 == 1, choice & 2 == 2);
    let whole = read(&[bytes], late, streams);
    assert_eq!(read(&cuts.cut(bytes), late, streams), whole, "cut differently");
    for seen in &whole {
        if let Seen::Message(message, _) = seen {
            assert!(message.too_large.is_some() || message.body.len() <= bytes.len());
            let _ = message.header("Content-Type");
        }
    }
    // The server's own words, as HTTP lets them be: no line ends.
    let value: String = String::from_utf8_lossy(bytes).chars().filter(|character| !character.is_control()).collect();
    let value = value.trim();
    let mut invocation = Invocation { id: value.to_owned(), ..Invocation::default() };
    invocation.headers.push("Lambda-Runtime-Aws-Request-Id", value);
    if value.is_empty() || value.len() > 32 * 1024 {
        return;
    }
    let mut output = encode(&invocation, bytes, Vec::new());
    let mut reader = Reader::new();
    let Ok(Some(Item::Message { message, late: false })) = reader.next(&mut output) else {
        panic!("an event's message cannot be read")
    };
    assert_eq!(message.body, bytes);
    assert_eq!(message.header("lambda-runtime-aws-request-id"), Some(value));
    assert!(output.is_empty());
}
