//! One handler process: started in a group of its own with three pipes, killed and reaped as a group.
//!
//! It owns what is on its way through its pipes; `pump` moves it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use wait_timeout::ChildExt;

use super::find::{Program, cannot_run};
use super::stderr::Stderr;
use crate::fault::Fault;
use crate::invocation::LARGEST_ANSWER;
use crate::log::Lines;
use crate::os::{self, Image, Signals};

/// How long a killed process may take to be gone: one in an uninterruptible call takes longer, and is left behind.
const REAPING: Duration = Duration::from_secs(2);

/// A started handler.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub stdin: Option<OwnedFd>,
    /// Nobody reads its stdin any more. It stays open, to ask how much was read.
    pub stdin_broken: bool,
    /// The last write found no room.
    pub stdin_full: bool,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    /// Readable once the process has ended; `None` where the kernel has no such thing.
    pub exit: Option<OwnedFd>,
    /// It has ended. It stays unreaped, so that its group's number is nobody else's.
    pub ended: bool,
    /// What is to be written to its stdin, `written` of it has been.
    pub input: Vec<u8>,
    pub written: usize,
    /// Stdin is closed once the input is written.
    pub close_after_input: bool,
    /// What it wrote to its stdout and nobody has looked at yet.
    pub output: Vec<u8>,
    /// What of its stdout is no answer.
    pub stray: Lines,
    /// What it printed before its first event: part of the answer, should it turn out to read to end-of-file. `None`
    /// where that is not the question.
    pub early_output: Option<Vec<u8>>,
    pub errors: Stderr,
    /// Bytes read from its stderr so far.
    pub stderr_read: u64,
    pub started: Instant,
    /// How many answers it gave.
    pub answers: u64,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `program`, whose `image` says the same to the operating system.
    pub fn start(program: &Program, image: &Image, signals: &Signals) -> Result<Self, Fault> {
        let mut command = Command::new(&program.path);
        command.current_dir(&program.folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = os::spawn(&mut command, image, signals).map_err(|error| cannot_run(program, &error))?;
        let exit = os::exit_descriptor(&child).ok();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self {
            stdin: stdin.map(OwnedFd::from),
            stdout: stdout.map(OwnedFd::from),
            stderr: stderr.map(OwnedFd::from),
            stdin_broken: false,
            stdin_full: false,
            child,
            exit,
            ended: false,
            input: Vec::new(),
            written: 0,
            close_after_input: false,
            output: Vec::new(),
            stray: Lines::dropping_empty(),
            early_output: None,
            errors: Stderr::default(),
            stderr_read: 0,
            started: Instant::now(),
            answers: 0,
            status: None,
        };
        for pipe in [&process.stdin, &process.stdout, &process.stderr].into_iter().flatten() {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                .map_err(|error| Fault::system("A handler's pipe could not be set up", &error.into()))?;
        }
        Ok(process)
    }

    /// The process, and its group.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Gives it `input`, and end-of-file behind it if it shall have that.
    pub fn give(&mut self, input: Vec<u8>, close_after_input: bool) {
        self.input = input;
        self.written = 0;
        self.stdin_full = false;
        self.close_after_input = close_after_input;
        if close_after_input && self.input.is_empty() {
            self.stdin = None;
        }
    }

    /// Takes back an event that it has not read.
    pub fn take_back(&mut self) -> Vec<u8> {
        let mut event = std::mem::take(&mut self.input);
        self.written = 0;
        if !self.close_after_input {
            // The line feed that made a line of it.
            event.pop();
        }
        event
    }

    /// Whether all that it was given is in the pipe, or can never be.
    pub fn input_done(&self) -> bool {
        self.written == self.input.len() || self.stdin.is_none() || self.stdin_broken
    }

    /// Whether it has read any of what it was given. Without a pipe to ask, it has.
    pub fn has_read(&self) -> bool {
        let waiting = self.stdin.as_ref().and_then(|pipe| os::bytes_waiting(pipe.as_fd()).ok());
        waiting.is_none_or(|waiting| waiting < self.written)
    }

    /// Whether it has read all of what it was given.
    pub fn has_read_all(&self) -> bool {
        let waiting = self.stdin.as_ref().map(|pipe| os::bytes_waiting(pipe.as_fd()));
        self.input_done() && matches!(waiting, Some(Ok(0)))
    }

    /// Whether nothing more can come from it: it has ended, or closed its stdout.
    pub fn is_silent(&self) -> bool {
        self.ended || self.stdout.is_none()
    }

    /// Asks the kernel whether it has ended, without reaping it: for where there is no exit descriptor.
    pub fn poll_ended(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(self.pid()), flags), Ok(WaitStatus::StillAlive))
    }

    /// Sends `signal` to the whole group. It is not reaped yet, so that the group is still its own.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            let _ = killpg(self.pid(), signal);
        }
    }

    /// Ends the whole group at once and reaps it. `None` if it could not be reaped in time.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.signal(Signal::SIGKILL);
            self.status = self.child.wait_timeout(REAPING).ok().flatten();
            // Where bootstrap is process 1 (a container), orphans of the group became its children.
            let orphans = Pid::from_raw(-self.pid().as_raw());
            while matches!(
                waitpid(orphans, Some(WaitPidFlag::WNOHANG)),
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..))
            ) {}
        }
        self.stdin = None;
        self.status
    }

    /// Logs what it printed that is no answer, as far as it has come.
    pub fn log_stray_output(&mut self) {
        if !self.output.is_empty() {
            self.stray.push(&self.output);
            if let Some(early) = &mut self.early_output {
                let room = (LARGEST_ANSWER + 1).saturating_sub(early.len());
                early.extend_from_slice(&self.output[..self.output.len().min(room)]);
            }
            self.output.clear();
        }
    }

    /// Logs the last of what it wrote, whether its line had an end or not.
    pub fn flush_logs(&mut self) {
        self.log_stray_output();
        self.stray.flush();
        self.errors.flush();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.flush_logs();
    }
}

/// How a process ended, as a person says it: `exit status 3`, `signal SIGSEGV (11), core dumped`.
pub fn describe(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "no exit status: it could not be reaped".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => {
            let name = Signal::try_from(number).map_or_else(|_| "real-time".to_owned(), |signal| signal.to_string());
            format!("signal {name} ({number}){}", if status.core_dumped() { ", core dumped" } else { "" })
        }
        (None, None) => status.to_string(),
    }
}

/// The error of a system call that is worth trying again.
pub fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
