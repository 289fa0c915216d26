//! A server's output, cut into lines for its `Session`, and what these come to until somebody takes it.

use std::collections::VecDeque;

use super::session::{Call, Note, Output, Session};
use crate::fault::Fault;
use crate::invocation::{Ahead, LARGEST_ANSWER};
use crate::log;

/// How long a line may be: an answer, and an id.
const LONGEST_LINE: usize = LARGEST_ANSWER + 64 * 1024;

/// A server that leaves so many bytes of refusals unread asks for nothing but memory.
const MOST_REFUSED: usize = 1024 * 1024;

/// The talk with one server process.
#[derive(Debug, Default)]
pub struct Talk {
    pub session: Session,
    /// Lines for the server, which its own lines have brought about.
    pub write: Vec<u8>,
    outputs: VecDeque<Output>,
    /// How much of the output is known to have no line end.
    looked: usize,
    /// Bytes of refusals since the server was last known to have read all.
    refused: usize,
    broken: Option<Fault>,
    /// The event whose answer is being streamed, and what of that was not passed on yet.
    pub streamed: Option<Call>,
    pub ahead: Ahead,
}

impl Talk {
    /// Takes the lines out of the output.
    pub fn hear(&mut self, output: &mut Vec<u8>) {
        let mut start = 0;
        while self.broken.is_none()
            && let Some(length) = memchr::memchr(b'\n', &output[self.looked..])
        {
            let end = self.looked + length + 1;
            let line = if start == 0 && end * 2 > output.capacity() {
                // A large one is not copied.
                let rest = output.split_off(end);
                self.looked = 0;
                std::mem::replace(output, rest)
            } else {
                let line = output[start..end].to_vec();
                (start, self.looked) = (end, end);
                line
            };
            self.on_line(line);
        }
        output.drain(..start);
        self.looked = output.len();
        if output.len() > LONGEST_LINE {
            self.broken.get_or_insert_with(|| Fault::too_large(LARGEST_ANSWER, LONGEST_LINE, false));
        }
        if self.broken.is_some() {
            output.clear();
            self.looked = 0;
        }
    }

    /// The server has ended: a line without an end is one.
    pub fn hear_last(&mut self, output: &mut Vec<u8>) {
        self.hear(output);
        self.looked = 0;
        if !output.is_empty() {
            self.on_line(std::mem::take(output));
        }
    }

    /// The line that has begun is gone from the output.
    pub fn forget_beginning(&mut self) {
        self.looked = 0;
    }

    fn on_line(&mut self, line: Vec<u8>) {
        let step = self.session.on_line(line);
        match step.note {
            Some(Note::Debug(note)) => log::debug(note),
            Some(Note::Warn(note)) => log::warn(note),
            None => {}
        }
        self.write.extend_from_slice(&step.write);
        self.outputs.extend(step.outputs);
        self.refused += step.refused;
        if self.refused > MOST_REFUSED {
            let words = "The server asks and asks, and does not read that it is refused; it was replaced";
            self.broken.get_or_insert_with(|| Fault::marshal(words));
        }
    }

    /// Whether the server was refused something, and may not have read it.
    pub fn has_refused(&self) -> bool {
        self.refused > 0
    }

    /// The server has read all that was for it.
    pub fn all_was_read(&mut self) {
        self.refused = 0;
    }

    /// Why nothing more that it says can be read, if so.
    pub fn broken(&self) -> Option<&Fault> {
        self.broken.as_ref()
    }

    /// The next of what came of the events.
    pub fn next(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;

    fn opened() -> Talk {
        let mut talk = Talk::default();
        let event = Event::read(br#"{"jsonrpc":"2.0","id":"a","method":"initialize"}"#, false).expect("an event");
        talk.session.open(event);
        talk
    }

    #[test]
    fn lines_are_found_however_they_are_cut() {
        for size in [1, 7, 1000] {
            let mut talk = opened();
            let mut output = Vec::new();
            for piece in b"text\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n{".chunks(size) {
                output.extend_from_slice(piece);
                talk.hear(&mut output);
            }
            let answer = talk.next().expect("an answer").bytes.expect("no fault");
            assert_eq!(answer, br#"{"jsonrpc":"2.0","id":"a","result":{}}"#);
            assert_eq!(output, b"{");
        }
    }

    #[test]
    fn a_line_without_an_end_is_one_where_the_server_ended() {
        let mut talk = opened();
        talk.hear_last(&mut br#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_vec());
        assert!(talk.next().is_some());
    }

    #[test]
    fn a_line_longer_than_any_answer_breaks_the_talk_and_is_not_kept() {
        let mut talk = opened();
        let mut output = Vec::new();
        for _ in 0..120 {
            output.resize(output.len() + 64 * 1024, b' ');
            talk.hear(&mut output);
        }
        assert_eq!(talk.broken().expect("broken").error_type, "Function.ResponseSizeTooLarge");
        assert!(output.is_empty());
    }

    #[test]
    fn a_server_that_reads_its_refusals_may_go_on() {
        let mut talk = opened();
        for _ in 0..3 {
            talk.hear(&mut b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}\n".repeat(5_000));
            assert!(talk.has_refused() && talk.broken().is_none());
            talk.all_was_read();
            assert!(!talk.has_refused());
        }
    }

    #[test]
    fn a_server_that_does_not_read_its_refusals_is_given_up() {
        let mut talk = opened();
        let mut output = b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}\n".repeat(20_000);
        assert!(!talk.has_refused());
        talk.hear(&mut output);
        assert!(talk.broken().is_some() && talk.has_refused());
        assert!(talk.write.len() < 2 * MOST_REFUSED);
    }
}
