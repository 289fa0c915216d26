//! An event as it is written to a handler process's stdin: a line, a whole input, or a message.

use super::kind::Protocol;
use super::message;
use crate::invocation::Invocation;

/// An event, encoded for the way in which a process is talked with.
#[derive(Debug)]
pub struct Input {
    pub bytes: Vec<u8>,
    /// End-of-file follows.
    pub then_end: bool,
    pub frame: Frame,
}

/// Where in its input an event is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame {
    start: usize,
    length: usize,
}

impl Input {
    /// Makes of `event` what a process reads that is talked with by `protocol`.
    pub fn encode(protocol: Protocol, invocation: &Invocation, mut event: Vec<u8>) -> Self {
        let frame = Frame { start: 0, length: event.len() };
        match protocol {
            Protocol::Oneshot | Protocol::Cgi => Self { bytes: event, then_end: true, frame },
            Protocol::Loop
            | Protocol::Undecided
            | Protocol::LearnedOneshot
            | Protocol::BufferedLoop
            | Protocol::JsonRpc => {
                // Raw CR and LF are white space in JSON: as spaces they leave one line.
                crate::json::flatten(&mut event);
                event.push(b'\n');
                Self { bytes: event, then_end: protocol.is_oneshot(), frame }
            }
            Protocol::Messages => Self::message(invocation, &event, Vec::new()),
        }
    }

    /// Makes a message of `event`, in memory of which nothing is left.
    pub fn message(invocation: &Invocation, event: &[u8], memory: Vec<u8>) -> Self {
        let bytes = message::encode(invocation, event, memory);
        let frame = Frame { start: bytes.len() - event.len(), length: event.len() };
        Self { bytes, then_end: false, frame }
    }

    /// The event in it.
    pub fn event(&self) -> &[u8] {
        &self.bytes[self.frame.start..self.frame.start + self.frame.length]
    }
}

impl Frame {
    /// The event in `input`, which was encoded with this frame.
    pub fn event_of(self, mut input: Vec<u8>) -> Vec<u8> {
        input.truncate(self.start + self.length);
        input.drain(..self.start);
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_found_again_in_whatever_it_was_encoded_as() {
        for protocol in [Protocol::Loop, Protocol::Oneshot, Protocol::Messages] {
            let invocation = Invocation { id: "an-id".to_owned(), ..Invocation::default() };
            let input = Input::encode(protocol, &invocation, b"{\"a\":1}".to_vec());
            assert_eq!(input.event(), b"{\"a\":1}", "{protocol:?}");
            assert_eq!(input.then_end, protocol == Protocol::Oneshot);
            assert_eq!(input.frame.event_of(input.bytes.clone()), b"{\"a\":1}", "{protocol:?}");
        }
    }
}
