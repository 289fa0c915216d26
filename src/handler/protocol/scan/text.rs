//! What a loop handler prints that is no answer: log text, unless it turns out to be part of one.

use crate::invocation::LARGEST_ANSWER;
use crate::log::Lines;

/// How much of the text an error quotes.
pub const QUOTED: usize = 400;

/// What becomes of text while a scan goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It goes to the log as it comes.
    Nothing,
    /// No event was given yet: a line of text goes to the log once it is finished.
    Unfinished,
    /// It is kept back, since it may turn out to be part of an answer.
    All,
}

/// What is printed and no answer.
#[derive(Debug, Default)]
pub struct Text {
    /// Kept back while it may still be part of an answer.
    pub held: Vec<u8>,
    /// How much there was when it was more than any answer may have. It is gone: an answer is never a log line.
    pub lost: usize,
    /// Its end.
    pub quote: Vec<u8>,
}

impl Text {
    pub fn push(&mut self, text: &[u8], keep: Keep, log: &mut Lines) {
        let end = &text[text.len().saturating_sub(QUOTED)..];
        if !end.trim_ascii().is_empty() {
            let drop = (self.quote.len() + end.len()).saturating_sub(QUOTED);
            self.quote.drain(..drop.min(self.quote.len()));
            self.quote.extend_from_slice(end);
        }
        if keep != Keep::All {
            log.push(text);
        } else if self.lost > 0 || self.held.len() + text.len() > LARGEST_ANSWER {
            self.lost += std::mem::take(&mut self.held).len() + text.len();
        } else {
            self.held.extend_from_slice(text);
        }
    }

    pub fn release(&mut self, log: &mut Lines) {
        log.push(&std::mem::take(&mut self.held));
    }
}
