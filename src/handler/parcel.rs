//! An event as it is written to a handler's stdin: a line, a whole input, or a message.

use super::Talk;
use super::message;
use crate::invocation::Invocation;

/// An event, wrapped for the way a process talks. It can be unwrapped, should the process never have seen it.
#[derive(Debug, Default)]
pub struct Parcel {
    pub bytes: Vec<u8>,
    /// Where in them the event is.
    start: usize,
    length: usize,
    /// End-of-file follows.
    pub last: bool,
}

impl Parcel {
    /// Makes of `event` what a process that talks in the way of `talk` reads.
    pub fn wrap(talk: Talk, invocation: &Invocation, mut event: Vec<u8>) -> Self {
        let length = event.len();
        match talk {
            Talk::Oneshot => Self { bytes: event, start: 0, length, last: true },
            Talk::Loop | Talk::Undecided => {
                // Raw CR and LF are white space in JSON: as spaces they leave one line.
                crate::json::flatten(&mut event);
                event.push(b'\n');
                Self { bytes: event, start: 0, length, last: false }
            }
            Talk::Messages => {
                let bytes = message::encode(invocation, &event);
                Self { start: bytes.len() - length, bytes, length, last: false }
            }
        }
    }

    /// The event in it.
    pub fn event(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.length]
    }

    /// The event again.
    pub fn unwrap(mut self) -> Vec<u8> {
        self.bytes.truncate(self.start + self.length);
        self.bytes.drain(..self.start);
        self.bytes
    }
}
