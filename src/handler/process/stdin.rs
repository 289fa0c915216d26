//! A handler process's stdin: the input on its way in, and how much of it has been read.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::pipe;
use crate::invocation::REUSED;
use crate::os;

/// The writing end of one process's stdin.
#[derive(Debug)]
pub struct Stdin {
    pipe: Option<OwnedFd>,
    input: Vec<u8>,
    /// End-of-file follows the input.
    then_end: bool,
    written: usize,
    /// Nobody reads it any more. It stays open, to ask how much was read.
    broken: bool,
    /// The last write found no room for all.
    full: bool,
    /// A reading end of our own, once the writing end is closed: to ask how much was read.
    remains: Option<File>,
}

impl Stdin {
    pub fn new(pipe: Option<OwnedFd>) -> Self {
        Self { pipe, input: Vec::new(), then_end: false, written: 0, broken: false, full: false, remains: None }
    }

    /// Puts an input on its way, and end-of-file behind it where `then_end` says so.
    pub fn give(&mut self, input: Vec<u8>, then_end: bool) {
        self.input = input;
        self.then_end = then_end;
        self.written = 0;
        self.full = false;
        if then_end && self.input.is_empty() {
            self.pipe = None;
        }
        if self.input.len() > os::PIPE_SIZE
            && let Some(pipe) = &self.pipe
        {
            pipe::widen(pipe.as_fd());
        }
    }

    /// Puts an input on its way behind what is on its way.
    pub fn add(&mut self, input: Vec<u8>) {
        if self.is_done() {
            self.give(input, false);
        } else {
            self.input.drain(..self.written);
            self.written = 0;
            self.input.extend_from_slice(&input);
        }
    }

    /// Takes back what was given.
    pub fn take_back(&mut self) -> Vec<u8> {
        self.written = 0;
        std::mem::take(&mut self.input)
    }

    /// The memory of what has all been written, for something else. It is not taken back then.
    pub fn take_memory(&mut self) -> Vec<u8> {
        if self.written < self.input.len() || self.input.capacity() > REUSED {
            return Vec::new();
        }
        self.take_back()
    }

    /// What was given is over. A large input is not kept until the next one comes.
    pub fn let_go(&mut self) {
        if self.input.capacity() > REUSED {
            self.take_back();
        }
    }

    /// End-of-file for whoever reads it.
    pub fn close(&mut self) {
        self.pipe = None;
    }

    /// The writing end, as long as it is open.
    pub fn open(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Where there is something to write, the pipe that it goes to.
    pub fn pending(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().filter(|_| !self.is_done()).map(OwnedFd::as_fd)
    }

    /// Whether all that was given is in the pipe, or can never be.
    pub fn is_done(&self) -> bool {
        self.written == self.input.len() || self.pipe.is_none() || self.broken
    }

    /// Whether nobody reads it any more.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether any of what was given has been read. Without a pipe to ask, or anything given, it has.
    pub fn was_read(&self) -> bool {
        self.input.is_empty() || self.waiting().is_none_or(|waiting| waiting < self.written)
    }

    /// Whether all of what was given has been read, and the pipe is still open.
    pub fn was_emptied(&self) -> bool {
        self.pipe.is_some() && self.is_done() && self.waiting() == Some(0)
    }

    /// Writes as much as there is room for. `room`: the pipe is known to have some again.
    pub fn write(&mut self, room: bool) {
        if self.is_done() || (self.full && !room) {
            return;
        }
        let Some(pipe) = &self.pipe else { return };
        match nix::unistd::write(pipe, &self.input[self.written..]) {
            Ok(written) => self.written += written,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // Not a fault in itself: a handler may answer without reading.
            Err(_) => self.broken = true,
        }
        self.full = !self.is_done();
        if !self.full && self.then_end {
            self.remains = reading_end(pipe).ok();
            self.pipe = None;
        }
    }

    fn waiting(&self) -> Option<usize> {
        let pipe = self.pipe.as_ref().map(AsFd::as_fd).or(self.remains.as_ref().map(AsFd::as_fd))?;
        os::bytes_waiting(pipe).ok()
    }
}

/// Opens the other end of a pipe whose writing end is ours (proc(5), /proc/PID/fd).
fn reading_end(pipe: &OwnedFd) -> std::io::Result<File> {
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}
