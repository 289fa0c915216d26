//! The shell in Lambda's place: events from files or stdin, answers to stdout, one a line. `input` reads a file, and `events` finds
//! the events in it.

mod events;
mod input;

use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

pub use self::events::Given;
use self::events::{Events, Read};
use self::input::Ahead;
use crate::config;
use crate::fault::Fault;
use crate::idle::Tended;
use crate::invocation::{AnswerStream, Invocation, Whole};
use crate::json;
use crate::log;
use crate::source::Source;

/// A person's shell.
pub struct Shell {
    events: Events,
    timeout: Option<Duration>,
    /// `--quiet`.
    quiet: bool,
    /// What the function would be called on Lambda.
    arn: String,
    began: Instant,
    count: u64,
    failed: bool,
    /// Whoever read the answers has had enough (`| head -1`): so be it.
    unread: bool,
}

impl Shell {
    /// Events come from what is `given`, one after another, or from stdin where nothing is. With a `timeout` each has a
    /// deadline. They are run `again` when something changes.
    pub fn new(handler: &OsStr, given: Vec<Given>, timeout: Option<Duration>, again: bool, quiet: bool) -> Self {
        let events = Events::new(given, again);
        let arn = config::function_arn(&config::function_name(handler));
        Self { events, timeout, quiet, arn, began: Instant::now(), count: 0, failed: false, unread: false }
    }

    /// The event files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.events.files()
    }

    /// Whether an event failed, or what should have been one.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether nobody reads the answers any more.
    pub fn is_unread(&self) -> bool {
        self.unread
    }

    /// Writes a piece of an answer.
    fn write(&mut self, piece: &[u8]) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(piece).and_then(|()| stdout.flush());
        self.unread |= written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        written.context("the answer could not be written to stdout")
    }

    /// As Lambda ends an invocation.
    fn end(&mut self, invocation: &Invocation, fault: Option<&Fault>) {
        if self.quiet {
            return;
        }
        let duration = self.began.elapsed().as_secs_f64() * 1000.0;
        let failure = fault.map(|fault| format!("\tStatus: error\tError Type: {}", fault.error_type));
        log::plain(&format!(
            "REPORT RequestId: {}\tDuration: {duration:.2} ms{}\tEvent: {}",
            invocation.id,
            failure.unwrap_or_default(),
            invocation.place.as_deref().unwrap_or_default()
        ));
    }
}

impl Source for Shell {
    fn tend(&mut self, tended: Tended) {
        self.events.tend(tended);
    }

    fn next(&mut self) -> anyhow::Result<Option<Invocation>> {
        let (body, place) = loop {
            if self.unread {
                return Ok(None);
            }
            match self.events.next()? {
                Read::Event { body, place } => break (body, place),
                Read::NotJson(problem) => {
                    log::error(problem);
                    self.failed = true;
                }
                Read::End => {
                    if self.count == 0 && !self.failed {
                        log::warn(format_args!(
                            "there was no event: give JSON on stdin or in files, such as echo '{{}}' | {} HANDLER",
                            config::program_name()
                        ));
                    }
                    return Ok(None);
                }
            }
        };
        self.count += 1;
        self.began = Instant::now();
        let ahead = self.events.look_ahead();
        let mut invocation = Invocation {
            id: request_id(),
            body,
            place: Some(place),
            is_last: matches!(ahead, Ahead::Nothing),
            ..Invocation::default()
        };
        if let Ahead::Open(pipe) = ahead {
            invocation.further = Some(pipe);
        }
        if let Some(timeout) = self.timeout {
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + timeout;
            invocation.set_deadline(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
        }
        invocation.headers.push("Lambda-Runtime-Aws-Request-Id", &invocation.id);
        invocation.headers.push("Lambda-Runtime-Invoked-Function-Arn", &self.arn);
        if let Some(ms) = invocation.deadline_ms {
            invocation.headers.push("Lambda-Runtime-Deadline-Ms", &ms.to_string());
        }
        Ok(Some(invocation))
    }

    fn respond(&mut self, invocation: &Invocation, answer: Whole) -> anyhow::Result<()> {
        let is_terminal = io::stdout().is_terminal();
        let mut line = if is_terminal { json::pretty(&answer.body) } else { json::compact(&answer.body) };
        line.push(b'\n');
        match self.write(&line) {
            Err(_) if self.unread => {}
            written => written?,
        }
        self.end(invocation, None);
        Ok(())
    }

    fn stream(
        &mut self,
        invocation: &Invocation,
        _: Option<&str>,
        answer: &mut dyn AnswerStream,
    ) -> anyhow::Result<Option<Fault>> {
        let mut piece = vec![0; 64 * 1024];
        let mut last = b'\n';
        let fault = loop {
            let length = match answer.read(&mut piece) {
                Ok(0) => break None,
                Ok(length) => length,
                Err(fault) => break Some(fault),
            };
            last = piece[length - 1];
            // An error ends all: the handler need not go on where nobody reads.
            self.write(&piece[..length])?;
        };
        if last != b'\n' {
            self.write(b"\n")?;
        }
        self.failed |= fault.is_some();
        self.end(invocation, fault.as_ref());
        Ok(fault)
    }

    fn report(&mut self, invocation: &Invocation, fault: &Fault) -> anyhow::Result<()> {
        // What went wrong is in the log by now, which a person at a shell sees.
        self.failed = true;
        self.end(invocation, Some(fault));
        Ok(())
    }
}

/// A request id as Lambda makes them: a random UUID (RFC 9562, version 4). The hasher's keys are random enough.
fn request_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_uuids_and_differ() {
        let (one, other) = (request_id(), request_id());
        assert_ne!(one, other);
        let parts: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }
}
