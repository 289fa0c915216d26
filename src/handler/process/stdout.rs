//! A handler process's stdout: what it printed and nobody has looked at yet.

use std::os::fd::{AsFd, OwnedFd};

use super::pipe;
use crate::os::PIPE_SIZE;

/// The reading end of one process's stdout.
#[derive(Debug)]
pub struct Stdout {
    /// `None` once the process has closed its end.
    pub pipe: Option<OwnedFd>,
    /// What was read and not looked at yet.
    pub output: Vec<u8>,
    /// How often something was read since the last input was given.
    pub reads: u32,
    /// The pipe was made to hold more.
    wide: bool,
}

impl Stdout {
    pub fn new(pipe: Option<OwnedFd>) -> Self {
        Self { pipe, output: Vec::new(), reads: 0, wide: false }
    }

    /// Reads once; whether there was anything.
    pub fn read(&mut self) -> bool {
        let before = self.output.len();
        let most = if self.wide { 4 * PIPE_SIZE } else { PIPE_SIZE };
        pipe::read(&mut self.pipe, &mut self.output, most);
        let got = self.output.len() - before;
        if got == PIPE_SIZE
            && !self.wide
            && let Some(pipe) = &self.pipe
        {
            // A large answer.
            pipe::widen(pipe.as_fd());
            self.wide = true;
        }
        self.reads += u32::from(got > 0);
        got > 0
    }
}
