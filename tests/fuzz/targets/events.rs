//! The events of a shell: the same wherever a pipe cuts them, and the values that `serde_json` sees where all is JSON.

use super::{is_shallow, parts};
use crate::shell::events::{Events, Given, Read};
use nix::fcntl::OFlag;
use nix::unistd::{pipe2, write};
use serde_json::value::RawValue;
use std::os::fd::AsRawFd;

/// A pipe holds so many packets.
const PACKETS: usize = 15;
const LARGEST: usize = 4096;

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Event(Vec<u8>),
    NotJson(String),
}

/// What is read from a pipe that hands over exactly these pieces (pipe(7), `O_DIRECT`).
fn read(pieces: &[&[u8]]) -> Vec<Seen> {
    let (reading, writing) = pipe2(OFlag::O_CLOEXEC | OFlag::O_DIRECT).unwrap();
    for piece in pieces {
        assert_eq!(write(&writing, piece), Ok(piece.len()));
    }
    let name = format!("/proc/self/fd/{}", reading.as_raw_fd());
    let mut events = Events::new(vec![Given::File(name.clone().into())], false);
    // The first read opens the pipe, which must have a writer until then.
    let mut writing = Some(writing);
    let most = pieces.iter().map(|piece| piece.len()).sum::<usize>() + 1;
    let mut seen = Vec::new();
    loop {
        assert!(seen.len() <= most, "it never ends");
        drop(writing.take());
        match events.next().unwrap() {
            Read::Event { body, place } => {
                assert!(place.starts_with(&name));
                assert!(!matches!(seen.last(), Some(Seen::NotJson(_))), "what is not JSON ends its file");
                // What follows is known, or will be: asking changes nothing.
                events.look_ahead();
                seen.push(Seen::Event(body));
            }
            Read::NotJson(problem) => {
                // Its name is the pipe's number, which is another each time.
                seen.push(Seen::NotJson(problem.replace(&name, "")));
            }
            Read::End => return seen,
        }
    }
}

pub fn check(data: &[u8]) {
    let Some((_, cuts, text)) = parts(data) else { return };
    let text = &text[..text.len().min(LARGEST)];
    let mut pieces = cuts.cut(text);
    if pieces.len() > PACKETS {
        let before: usize = pieces[..PACKETS - 1].iter().map(|piece| piece.len()).sum();
        pieces.truncate(PACKETS - 1);
        pieces.push(&text[before..]);
    }
    // A pipe knows no empty packets.
    let whole = read(&[text][..usize::from(!text.is_empty())]);
    assert_eq!(read(&pieces), whole, "cut differently");
    for seen in &whole {
        if let Seen::Event(event) = seen
            && is_shallow(event)
        {
            assert!(serde_json::from_slice::<&RawValue>(event).is_ok(), "{:?}", String::from_utf8_lossy(event));
        }
    }
    if is_shallow(text) && std::str::from_utf8(text).is_ok() {
        let values: Result<Vec<&RawValue>, _> = serde_json::Deserializer::from_slice(text).into_iter().collect();
        if let Ok(values) = values {
            let wanted: Vec<_> = values.iter().map(|value| Seen::Event(value.get().as_bytes().to_vec())).collect();
            assert_eq!(whole, wanted);
        }
    }
}
