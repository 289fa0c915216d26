//! The account of all that was seen of one `bootstrap`: its requests, its output, its end; and waiting for it to change.
//!
//! One mutex and one condition variable for everything, so that a wait for a request also ends when `bootstrap` dies, and
//! a test that fails tells the whole story.

use super::event::Request;
use std::fmt::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long any wait may take: far more than a slow machine needs, since it is spent only by a test that fails.
pub const LIMIT: Duration = Duration::from_secs(40);

/// How a process ended: a status, or the number of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Status(i32),
    Signal(i32),
}

/// Everything that was seen so far.
#[derive(Default)]
pub struct Seen {
    pub requests: Vec<Request>,
    /// How many requests there were, with those that a long test has taken out again.
    pub count: usize,
    /// The chunks of all bodies that came in chunks.
    pub chunks: Vec<Vec<u8>>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub exit: Option<Exit>,
    /// Nobody reads stderr for now.
    pub log_unread: bool,
    /// Readers of stdout and stderr, and connections of the server, that may still bring something.
    pub open: usize,
    /// What no `bootstrap` may ever do, whatever the test is about.
    pub violations: Vec<String>,
}

impl Seen {
    /// The request with this number, while it is being answered.
    pub fn request(&mut self, number: usize) -> &mut Request {
        self.requests.iter_mut().rfind(|request| request.number == number).unwrap()
    }

    /// The story so far, for the message of a test that failed.
    pub fn story(&self) -> String {
        let mut text = String::from("--- requests\n");
        // A storm's thousands would bury what matters: the end.
        let skipped = self.requests.len().saturating_sub(40);
        if skipped > 0 {
            let _ = writeln!(text, "({skipped} more)");
        }
        for request in &self.requests[skipped..] {
            let _ = writeln!(text, "{request}");
        }
        let _ = writeln!(text, "--- stdout\n{}", end_of(&self.stdout));
        let _ = writeln!(text, "--- stderr\n{}", end_of(&self.stderr));
        let _ = writeln!(text, "--- exit: {:?}", self.exit);
        for violation in &self.violations {
            let _ = writeln!(text, "--- never allowed: {violation}");
        }
        text
    }
}

fn end_of(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(6000);
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

/// The account, shared by the threads that write it and the test that waits.
#[derive(Default)]
pub struct Watch {
    seen: Mutex<Seen>,
    changed: Condvar,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        // A test that failed while it looked has said so already.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes something into the account and wakes whoever waits.
    pub fn change<R>(&self, write: impl FnOnce(&mut Seen) -> R) -> R {
        let result = write(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Has nobody read stderr, or somebody again.
    pub fn leave_log_unread(&self, unread: bool) {
        self.change(|seen| seen.log_unread = unread);
    }

    /// Returns once stderr is to be read.
    pub fn wait_to_read_log(&self) {
        drop(self.changed.wait_while(self.lock(), |seen| seen.log_unread));
    }

    /// Looks at the account as it is.
    pub fn look<R>(&self, read: impl FnOnce(&Seen) -> R) -> R {
        read(&self.lock())
    }

    /// Waits until `find` finds something. Panics with the whole story when the time is up, or when `bootstrap` has ended
    /// and nothing more can come.
    pub fn wait<R>(&self, what: &str, find: impl FnMut(&mut Seen) -> Option<R>) -> R {
        match self.wait_within(LIMIT, find) {
            Ok(found) => found,
            Err(why) => {
                let story = self.lock().story();
                panic!("{why} while waiting for {what}\n{story}");
            }
        }
    }

    /// The same with a time of the caller's; the error says why the wait ended.
    pub fn wait_within<R>(
        &self,
        limit: Duration,
        mut find: impl FnMut(&mut Seen) -> Option<R>,
    ) -> Result<R, &'static str> {
        let end = Instant::now() + limit;
        let mut seen = self.lock();
        loop {
            if let Some(found) = find(&mut seen) {
                return Ok(found);
            }
            if seen.exit.is_some() && seen.open == 0 {
                return Err("bootstrap ended");
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("the time ran out");
            }
            seen = self.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
