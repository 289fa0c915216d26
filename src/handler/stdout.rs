//! A handler's stdout: what it printed and nobody has looked at yet, and what becomes of it while no answer is waited
//! for, which depends on the way it talks.

use std::os::fd::{AsFd, OwnedFd};

use super::Talk;
use super::message::{Broken, Item, Reader, Stream};
use super::messages::log_dropped;
use crate::fault::Fault;
use crate::invocation::LARGEST_ANSWER;
use crate::log::{self, Lines};
use crate::os;

/// The line that a handler which speaks messages begins with.
const GREETING: &[u8] = b"lambda-stdio/1 ready";

/// What a handler may print before it is ready and have it kept back: a greeting, or an error object.
const LONGEST_OPENING: usize = 64 * 1024;

/// How far a process has come in what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is not ready, and has said nothing but the beginning of a greeting or of an error object.
    Starting,
    /// It is ready, and has said nothing but the beginning of a greeting.
    Silent,
    Speaking,
    /// What it says between events cannot be read any further: it is of no more use.
    Broken,
}

/// The reading end of one process's stdout.
#[derive(Debug)]
pub struct Stdout {
    pub pipe: Option<OwnedFd>,
    /// What was read and not looked at yet.
    pub output: Vec<u8>,
    /// What is no answer, on its way to the log.
    pub stray: Lines,
    pub talk: Talk,
    /// How often something was read since the last event was given.
    pub reads: u32,
    phase: Phase,
    /// What its greeting says besides: words, each an offer that `bootstrap` may take up.
    offers: String,
    /// What was printed before the first event: part of the answer, should the handler turn out to read to
    /// end-of-file. `None` where that is not the question.
    early: Option<Vec<u8>>,
    messages: Reader,
    /// The pipe was made to hold more.
    wide: bool,
}

impl Stdout {
    /// For a process that is talked with in the way of `talk`, unless it greets.
    pub fn new(pipe: Option<OwnedFd>, talk: Talk) -> Self {
        Self {
            pipe,
            output: Vec::new(),
            stray: Lines::dropping_empty(),
            talk,
            reads: 0,
            phase: if talk == Talk::Oneshot { Phase::Speaking } else { Phase::Starting },
            offers: String::new(),
            early: (talk == Talk::Undecided).then(Vec::new),
            messages: Reader::new(),
            wide: false,
        }
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
        self.reads += u32::from(got > 0);
        got > 0
    }

    /// What was printed before the first event.
    pub fn take_early(&mut self) -> Vec<u8> {
        self.early.take().unwrap_or_default()
    }

    /// Takes the greeting out of the output, if that is the first there is. From then on the process speaks messages.
    pub fn greet(&mut self) {
        if !self.is_opening() || self.output.is_empty() {
            return;
        }
        let same = self.output.len().min(GREETING.len());
        let may_greet = self.output[..same] == GREETING[..same];
        let may_be_error = self.output[0] == b'{' && self.phase == Phase::Starting;
        if !(may_greet || may_be_error) || self.output.len() > LONGEST_OPENING {
            self.phase = Phase::Speaking;
        } else if may_greet && let Some(end) = memchr::memchr(b'\n', &self.output) {
            self.phase = Phase::Speaking;
            let behind = self.output[GREETING.len()..end].trim_ascii_end();
            if behind.is_empty() || behind[0] == b' ' {
                self.talk = Talk::Messages;
                self.offers = String::from_utf8_lossy(behind).into_owned();
                self.output.drain(..=end);
            }
        }
    }

    /// Whether it greeted with this word.
    pub fn greeted(&self, word: &str) -> bool {
        self.offers.split_ascii_whitespace().any(|offer| offer == word)
    }

    /// How many events it may be given at once, as it greeted.
    pub fn concurrency(&self) -> u16 {
        let count = self.offers.split_ascii_whitespace().find_map(|word| word.strip_prefix("concurrency="));
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// It waits for events: what it prints from now on is for them.
    pub fn set_ready(&mut self) {
        if self.phase == Phase::Starting {
            self.phase = Phase::Silent;
        }
        self.set_aside();
    }

    /// The error object that it printed in place of becoming ready.
    pub fn opening_error(&self) -> Option<Fault> {
        Fault::from_error_object(&self.output).filter(|_| self.phase == Phase::Starting)
    }

    /// Whether an adapter has yet to say that it is ready.
    pub fn awaits_greeting(&self) -> bool {
        self.talk == Talk::Messages && self.is_opening()
    }

    /// Whether it can be given no event, since nothing that it says can be read.
    pub fn is_broken(&self) -> bool {
        self.phase == Phase::Broken
    }

    fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Silent)
    }

    /// An event is about to be given: what has come by now is no answer to it.
    pub fn begin_event(&mut self) {
        self.flush();
        self.reads = 0;
        self.messages.begin_event(&self.output);
    }

    /// The next message, if it is all there, or the head of a stream.
    pub fn next_message(&mut self) -> Result<Option<Item>, Broken> {
        if self.is_opening() { Ok(None) } else { self.messages.next(&mut self.output) }
    }

    /// The next piece of a stream whose head was given.
    pub fn stream(&mut self, piece: &mut [u8]) -> Result<Stream, Broken> {
        self.messages.stream(&mut self.output, piece)
    }

    /// Deals with what has come while no answer is waited for.
    pub fn set_aside(&mut self) {
        self.greet();
        match self.talk {
            _ if self.is_opening() => {}
            // All of it is one answer. One byte more than any answer has tells that it is too large.
            Talk::Oneshot => self.output.truncate(LARGEST_ANSWER + 1),
            Talk::Loop | Talk::Undecided => self.log_stray(),
            Talk::Messages => self.drop_messages(),
        }
    }

    /// Deals with what has come, whether its line has an end or not.
    pub fn flush(&mut self) {
        self.set_aside();
        self.stray.flush();
    }

    fn log_stray(&mut self) {
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

    fn drop_messages(&mut self) {
        loop {
            match self.messages.next(&mut self.output) {
                Ok(Some(Item::Message { message, .. })) => log_dropped(&message),
                Ok(Some(Item::StreamHead(_))) => {}
                Ok(None) => return,
                Err(Broken(reason)) => {
                    // What follows a broken message has no beginning.
                    log::warn(format_args!("the handler's messages are broken between events: {reason}"));
                    self.phase = Phase::Broken;
                    self.output.clear();
                    return;
                }
            }
        }
    }
}
