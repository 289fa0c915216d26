//! In place of `bootstrap`'s own: a handler process whose every act is in the input. Nothing is started, and nothing waits
//! but for a deadline.

#[path = "../../../../src/handler/process/exit_status.rs"]
mod exit_status;
pub mod pipes;

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use self::pipes::{Stderr, Stdin, Stdout};
use crate::process_tree::{Activity, Seen};
use nix::sys::signal::Signal;

pub use exit_status::describe;

/// How much a pipe holds, more or less.
pub const PIPE: usize = 64 * 1024;

/// What a process does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Print(Vec<u8>),
    /// It closes its stdout, and lives on.
    Close,
    /// With this status, as wait(2) has it.
    Exit(i32),
    /// Until its event's time is up it does nothing.
    Idle,
    /// From now on it is seen at rest.
    Rest,
}

impl Act {
    /// How much it prints.
    pub fn size(&self) -> usize {
        if let Self::Print(piece) = self { piece.len() } else { 0 }
    }
}

/// A process. Without any further act it ends, and well.
#[derive(Debug)]
pub struct Process {
    pub stdin: Stdin,
    pub stdout: Stdout,
    pub stderr: Stderr,
    pub ended: bool,
    pub started: Instant,
    pub looked: Instant,
    pub acts: VecDeque<Act>,
    /// All that was read of its stdout.
    pub printed: Vec<u8>,
    rests: bool,
    status: Option<i32>,
}

impl Process {
    pub fn start(acts: VecDeque<Act>) -> Self {
        Self {
            stdin: Stdin::default(),
            stdout: Stdout { pipe: Some(()), output: Vec::new(), reads: 0 },
            stderr: Stderr,
            ended: false,
            started: Instant::now(),
            looked: Instant::now(),
            acts,
            printed: Vec::new(),
            rests: false,
            status: None,
        }
    }

    /// Does what comes next.
    pub fn act(&mut self, until: Option<Instant>) {
        let act = self.acts.pop_front().unwrap_or(Act::Exit(0));
        self.stdin.was_read |= !matches!(act, Act::Exit(_));
        match act {
            Act::Print(piece) if self.stdout.pipe.is_some() => {
                self.rests = false;
                self.stdout.output.extend_from_slice(&piece);
                self.stdout.reads += 1;
                self.printed.extend_from_slice(&piece);
            }
            Act::Print(_) => {}
            Act::Close => self.stdout.pipe = None,
            Act::Exit(status) => {
                self.ended = true;
                self.stdout.pipe = None;
                self.status = Some(status);
                self.acts.clear();
            }
            Act::Idle => {
                if let Some(left) = until.map(|until| until.saturating_duration_since(Instant::now())) {
                    // A wait that is too long is one that the input cannot ask for.
                    assert!(left < Duration::from_millis(100), "{left:?}");
                    std::thread::sleep(left);
                }
            }
            Act::Rest => self.rests = true,
        }
    }

    pub fn activity(&self) -> Activity {
        Activity { at_rest: self.rests, reads_stdin: Some(self.rests), seen: Seen, processes: 1 }
    }

    pub fn is_silent(&self) -> bool {
        self.ended || self.stdout.pipe.is_none()
    }

    #[allow(clippy::unused_self)] // As it is declared there.
    pub fn signal(&self, _: Signal) {}

    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.status.map(ExitStatus::from_raw)
    }

    #[allow(clippy::unnecessary_wraps)] // As it is declared there.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        self.stdin.close();
        self.acts.clear();
        Some(ExitStatus::from_raw(*self.status.get_or_insert(Signal::SIGKILL as i32)))
    }

    /// What waits in the pipe is read. It holds so much and no more: the rest is printed later.
    pub fn empty_stdout(&mut self) {
        let before = self.printed.len();
        while matches!(self.acts.front(), Some(Act::Print(_))) && self.printed.len() - before < PIPE {
            self.act(None);
        }
    }

    #[allow(clippy::unused_self)] // As it is declared there.
    pub fn log_stderr_before_answer(&mut self) {}
}

/// How often a process is looked at: each time.
pub struct Cadence {
    pub next: Instant,
}

impl Cadence {
    pub fn new(_: Duration, _: Duration) -> Self {
        Self { next: Instant::now() }
    }

    #[allow(clippy::unused_self)] // As it is declared there.
    pub fn is_due(&mut self) -> bool {
        true
    }
}

pub mod poll {
    use super::Process;
    use crate::os::Signals;
    use std::io;
    use std::time::Instant;

    #[derive(Default)]
    pub struct Wait<'a> {
        pub until: Option<Instant>,
        pub signals: Option<&'a Signals>,
        /// Nobody asks for it here.
        pub other: Option<()>,
    }

    #[derive(Clone, Copy, Debug)]
    pub struct Woke {
        pub began: Instant,
        pub signal: bool,
    }

    /// One act of each process.
    #[allow(clippy::unnecessary_wraps)] // As it is declared there.
    pub fn wait(processes: &mut [&mut Process], wait: &Wait<'_>) -> io::Result<Woke> {
        let began = Instant::now();
        for process in processes.iter_mut().filter(|process| !process.ended) {
            process.act(wait.until);
            process.looked = Instant::now();
        }
        Ok(Woke { began, signal: false })
    }
}
