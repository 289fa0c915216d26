//! A handler's stdout: what it printed and nobody has looked at yet, and what of it was no answer.

use std::os::fd::{AsFd, OwnedFd};

use crate::invocation::LARGEST_ANSWER;
use crate::log::Lines;
use crate::os;

/// The reading end of one process's stdout.
#[derive(Debug)]
pub struct Stdout {
    pub pipe: Option<OwnedFd>,
    /// What was read and not looked at yet.
    pub output: Vec<u8>,
    /// What is no answer, on its way to the log.
    pub stray: Lines,
    /// What was printed before the first event: part of the answer, should the handler turn out to read to
    /// end-of-file. `None` where that is not the question.
    early: Option<Vec<u8>>,
    /// All of it is one answer (oneshot), whenever it was printed: nothing of it is stray.
    whole: bool,
    /// The pipe was made to hold more.
    wide: bool,
}

impl Stdout {
    pub fn new(pipe: Option<OwnedFd>) -> Self {
        Self { pipe, output: Vec::new(), stray: Lines::dropping_empty(), early: None, whole: false, wide: false }
    }

    /// Reads once; whether there was anything.
    pub fn read(&mut self) -> bool {
        let before = self.output.len();
        let most = if self.wide { 4 * os::PIPE_SIZE } else { os::PIPE_SIZE };
        os::read_pipe(&mut self.pipe, &mut self.output, most);
        let got = self.output.len() - before;
        if got == os::PIPE_SIZE
            && !self.wide
            && let Some(pipe) = &self.pipe
        {
            // A large answer.
            os::widen_pipe(pipe.as_fd());
            self.wide = true;
        }
        got > 0
    }

    /// Keeps what is printed from now on, besides logging it, until it is asked for.
    pub fn keep_early(&mut self) {
        self.early = Some(Vec::new());
    }

    /// Keeps all that is printed: it is one answer.
    pub fn keep_whole(&mut self) {
        self.whole = true;
    }

    /// What was printed before the first event.
    pub fn take_early(&mut self) -> Vec<u8> {
        self.early.take().unwrap_or_default()
    }

    /// Logs what has come: it is no answer, since none is waited for.
    pub fn log_stray(&mut self) {
        if self.whole {
            // One byte more than any answer has tells that it is too large.
            self.output.truncate(LARGEST_ANSWER + 1);
            return;
        }
        if self.output.is_empty() {
            return;
        }
        self.stray.push(&self.output);
        if let Some(early) = &mut self.early {
            let room = (LARGEST_ANSWER + 1).saturating_sub(early.len());
            early.extend_from_slice(&self.output[..self.output.len().min(room)]);
        }
        self.output.clear();
    }

    /// Logs what has come, whether its line has an end or not.
    pub fn flush(&mut self) {
        self.log_stray();
        self.stray.flush();
    }
}
