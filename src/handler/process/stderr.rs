//! What a handler process writes to stderr: logged line by line, and its end kept for the `stackTrace` of an error.

use std::os::fd::OwnedFd;

use super::pipe;
use crate::log::Lines;
use crate::os::PIPE_SIZE;

/// How much of the end is kept, in bytes and in lines.
const KEPT: usize = 8 * 1024;
const KEPT_LINES: usize = 40;

/// The reading end of one process's stderr.
#[derive(Debug, Default)]
pub struct Stderr {
    pub pipe: Option<OwnedFd>,
    /// The last look at it found nothing.
    pub was_quiet: bool,
    /// Kept, since allocating it anew for every event would be felt.
    piece: Vec<u8>,
    lines: Lines,
    end: Vec<u8>,
    /// Where in `end` the current event's part begins.
    event: usize,
}

impl Stderr {
    pub fn new(pipe: Option<OwnedFd>) -> Self {
        Self { pipe, ..Self::default() }
    }

    /// Reads once and logs; whether there was anything.
    pub fn read(&mut self) -> bool {
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        pipe::read(&mut self.pipe, &mut piece, PIPE_SIZE);
        if !piece.is_empty() {
            self.push(&piece);
        }
        self.piece = piece;
        !self.piece.is_empty()
    }

    /// Logs the lines that `piece` completes and keeps its end.
    fn push(&mut self, piece: &[u8]) {
        self.lines.push(piece);
        let piece = &piece[piece.len().saturating_sub(KEPT)..];
        if self.end.len() + piece.len() > 2 * KEPT {
            let drop = (self.end.len() + piece.len() - KEPT).min(self.end.len());
            self.end.drain(..drop);
            self.event = self.event.saturating_sub(drop);
        }
        self.end.extend_from_slice(piece);
    }

    /// Logs a line that has no end yet.
    pub fn flush(&mut self) {
        self.lines.flush();
    }

    /// What comes from here on belongs to the next event.
    pub fn begin_event(&mut self) {
        self.event = self.end.len();
    }

    /// The end of what was written for this event, a line each, as `stackTrace` takes it.
    pub fn stack(&self) -> Vec<String> {
        let end = &self.end[self.event..];
        let text = String::from_utf8_lossy(&end[end.len().saturating_sub(KEPT)..]).into_owned();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        lines[lines.len().saturating_sub(KEPT_LINES)..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_the_end_of_this_events_lines() {
        let mut stderr = Stderr::default();
        stderr.push(b"before\n");
        stderr.begin_event();
        stderr.push(b"first\n\nsecond, no end");
        assert_eq!(stderr.stack(), ["first", "second, no end"]);
    }

    #[test]
    fn memory_is_bounded_whatever_is_written() {
        let mut stderr = Stderr::default();
        stderr.begin_event();
        for number in 0..10_000 {
            stderr.push(format!("line {number}\n").as_bytes());
        }
        assert!(stderr.end.len() <= 2 * KEPT);
        assert_eq!(stderr.stack().len(), KEPT_LINES);
        assert_eq!(stderr.stack().last().map(String::as_str), Some("line 9999"));
        stderr.begin_event();
        assert!(stderr.stack().is_empty());
    }
}
