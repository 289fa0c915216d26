//! Finds the answer in what a loop handler prints: the first JSON value that starts at the start of a line. What
//! cannot be one is text, up to the end of its line.
//!
//! An undecided handler is scanned from its start. What it prints before its event is either finished (a line of text, a
//! value), and goes to the log, or the beginning of its answer.

mod text;
mod unfinished;

use std::ops::Range;

use text::{Keep, QUOTED, Text};

use crate::invocation::LARGEST_ANSWER;
use crate::json::{Finder, Scalars, Step};
use crate::log::Lines;

/// How far an answer that is too large is read to its end, to keep the handler.
const READ_TO_END: usize = 4 * LARGEST_ANSWER;

/// What the scan came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The answer is this part of the output; `rest` is where what follows it begins.
    Answer { value: Range<usize>, rest: usize },
    /// A value larger than Lambda takes, of `length` bytes, or of more if it was not read to its end.
    TooLarge { length: usize, complete: bool },
}

#[derive(Debug)]
enum Line {
    /// It may be an answer.
    Candidate(Finder),
    Text,
    /// A candidate longer than any answer: counted, not kept.
    Oversize {
        finder: Finder,
        length: usize,
    },
}

/// One event's output on its way through.
#[derive(Debug)]
pub struct Scan {
    line: Line,
    /// Where in the output the current line starts, and up to where it was looked at.
    start: usize,
    seen: usize,
    keep: Keep,
    text: Text,
}

impl Default for Scan {
    fn default() -> Self {
        Self::new()
    }
}

impl Scan {
    /// For the output of one event.
    pub fn new() -> Self {
        Self {
            line: Line::Candidate(Finder::new(Scalars::EndAtLine)),
            start: 0,
            seen: 0,
            keep: Keep::Nothing,
            text: Text::default(),
        }
    }

    /// For a process whose event is still to come: text that has no end yet is kept.
    pub fn before_event() -> Self {
        Self { keep: Keep::Unfinished, ..Self::new() }
    }

    /// The event is given: what has no end yet is the beginning of its answer. From now on text is kept back where it
    /// may be part of one, and goes to the log where not.
    pub fn begin_event(&mut self, keep_text: bool) {
        self.keep = if keep_text { Keep::All } else { Keep::Nothing };
    }

    /// Sends lines of text that are finished before the event to the log, up to the next value that is. That leaves
    /// `output`, and is returned.
    pub fn next_finished(&mut self, output: &mut Vec<u8>, log: &mut Lines) -> Option<Vec<u8>> {
        let found = self.advance(output, log, false)?;
        // What stands behind a value on its last line is text.
        self.line = Line::Text;
        (self.start, self.seen) = (0, 0);
        match found {
            Found::Answer { value, rest } => {
                let finished = output[value].to_vec();
                output.drain(..rest);
                Some(finished)
            }
            Found::TooLarge { length, .. } => {
                output.clear();
                Some(format!("({length} bytes of JSON)").into_bytes())
            }
        }
    }

    /// Looks at what `output` has grown by; text leaves it for the log. `at_end`: nothing more will come, which ends
    /// the last line.
    pub fn advance(&mut self, output: &mut Vec<u8>, log: &mut Lines, at_end: bool) -> Option<Found> {
        // Text is passed on in one piece, however many lines it has.
        let mut text = self.start;
        let found = loop {
            match &mut self.line {
                Line::Candidate(finder) => match finder.push(&output[self.seen..]) {
                    Step::End(used) => {
                        let rest = self.seen + used;
                        let value = self.start..rest - finder.trailing();
                        break Some(if value.len() > LARGEST_ANSWER {
                            Found::TooLarge { length: value.len(), complete: true }
                        } else {
                            Found::Answer { value, rest }
                        });
                    }
                    Step::Bad(at) => self.demote(output, self.seen + at),
                    Step::More => {
                        self.seen = output.len();
                        if at_end && finder.finish() {
                            break Some(Found::Answer {
                                value: self.start..self.seen - finder.trailing(),
                                rest: self.seen,
                            });
                        }
                        if at_end && self.start < self.seen {
                            self.demote(output, self.seen);
                        } else if self.seen - self.start > LARGEST_ANSWER {
                            self.text.push(&output[text..self.start], self.keep, log);
                            text = 0;
                            self.oversize(output);
                            break None;
                        } else {
                            break None;
                        }
                    }
                },
                Line::Text => {
                    let Some(end) = memchr::memchr(b'\n', &output[self.seen..]) else {
                        if self.keep == Keep::Unfinished && output.len() - self.start <= LARGEST_ANSWER {
                            self.seen = output.len();
                            break None;
                        }
                        self.start = output.len();
                        self.seen = output.len();
                        break None;
                    };
                    self.begin_line(self.seen + end + 1);
                }
                Line::Oversize { .. } => {
                    text = usize::MAX;
                    break self.count(output, log);
                }
            }
        };
        if text < self.start {
            self.text.push(&output[text..self.start], self.keep, log);
        }
        if found.is_none() && self.start > 0 {
            output.drain(..self.start);
            self.seen -= self.start;
            self.start = 0;
        }
        found
    }

    /// The answer has come, or never will: what was held back goes to the log.
    pub fn release(&mut self, log: &mut Lines) {
        self.text.release(log);
    }

    /// What was printed for this event, and its beginning before it, is no text after all but one whole output. `None` if
    /// it is longer than any answer.
    pub fn into_whole(self, output: &mut Vec<u8>) -> Option<Vec<u8>> {
        let mut whole = self.text.held;
        whole.append(output);
        (whole.len() <= LARGEST_ANSWER && self.text.lost == 0).then_some(whole)
    }

    /// How much text was kept back, if that is more than any answer may have: then it is too large an answer.
    pub fn overflow(&self) -> Option<usize> {
        (self.text.lost > 0).then_some(self.text.lost)
    }

    /// The end of the text that was printed, for an error to quote; `None` if there was none.
    pub fn text_seen(&self) -> Option<String> {
        let quote = String::from_utf8_lossy(&self.text.quote);
        let quote = quote.trim();
        (!quote.is_empty()).then(|| quote.to_owned())
    }

    /// The beginning of a JSON value that has no end yet.
    pub fn begun(&self, output: &[u8]) -> Option<String> {
        match self.line {
            Line::Candidate(_) if self.start < output.len() => {
                let begun = &output[self.start..];
                Some(String::from_utf8_lossy(&begun[..begun.len().min(QUOTED)]).into_owned())
            }
            Line::Oversize { length, .. } => Some(format!("({length} bytes of JSON)")),
            _ => None,
        }
    }

    fn begin_line(&mut self, start: usize) {
        self.line = Line::Candidate(Finder::new(Scalars::EndAtLine));
        self.start = start;
        self.seen = start;
    }

    /// The candidate is no JSON, as its byte at `wrong` shows: its first line is text, and the next may be an answer. Lines
    /// that are known to be none are passed over with it.
    fn demote(&mut self, output: &[u8], wrong: usize) {
        self.line = Line::Text;
        let next = unfinished::next_candidate(&output[self.start..wrong]);
        // The line feed before it.
        self.seen = next.map_or(wrong, |next| self.start + next - 1);
    }

    fn oversize(&mut self, output: &mut Vec<u8>) {
        let Line::Candidate(finder) = std::mem::replace(&mut self.line, Line::Text) else { return };
        self.line = Line::Oversize { finder, length: self.seen - self.start };
        output.clear();
        self.start = 0;
        self.seen = 0;
    }

    fn count(&mut self, output: &mut Vec<u8>, log: &mut Lines) -> Option<Found> {
        let Line::Oversize { finder, length } = &mut self.line else { return None };
        match finder.push(output) {
            Step::End(used) => {
                let length = *length + used;
                self.start = used;
                Some(Found::TooLarge { length, complete: true })
            }
            Step::More => {
                *length += output.len();
                let length = *length;
                output.clear();
                (length > READ_TO_END).then_some(Found::TooLarge { length, complete: false })
            }
            Step::Bad(at) => {
                let lost = *length + at;
                let words = format!("({lost} bytes that began like JSON)");
                self.text.push(words.as_bytes(), self.keep, log);
                output.drain(..at);
                self.line = Line::Text;
                self.seen = 0;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
