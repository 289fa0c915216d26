//! A process's three pipes, of which the first takes what it is given, and the last is silent.

/// What it is given is there at once.
#[derive(Debug, Default)]
pub struct Stdin {
    input: Vec<u8>,
    closed: bool,
    /// Since it was given.
    pub was_read: bool,
}

impl Stdin {
    pub fn give(&mut self, input: Vec<u8>, then_end: bool) {
        *self = Self { input, closed: self.closed || then_end, was_read: false };
    }

    pub fn add(&mut self, input: Vec<u8>) {
        self.give(input, false);
    }

    pub fn take_back(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }

    pub fn take_memory(&mut self) -> Vec<u8> {
        self.take_back()
    }

    pub fn close(&mut self) {
        self.closed = true;
    }

    #[allow(clippy::unused_self)] // As it is declared there.
    pub fn is_done(&self) -> bool {
        true
    }

    pub fn was_read(&self) -> bool {
        self.input.is_empty() || self.was_read
    }

    pub fn was_emptied(&self) -> bool {
        !self.closed
    }
}

#[derive(Debug)]
pub struct Stdout {
    /// `None` once it is closed.
    pub pipe: Option<()>,
    pub output: Vec<u8>,
    pub reads: u32,
}

#[derive(Debug)]
pub struct Stderr;

#[allow(clippy::unused_self)] // As they are declared there.
impl Stderr {
    pub fn flush(&mut self) {}

    pub fn begin_event(&mut self) {}

    pub fn stack(&self) -> Vec<String> {
        Vec::new()
    }
}
