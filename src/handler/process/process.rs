//! One handler process: started in a group of its own with three pipes, killed and reaped as a group.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use wait_timeout::ChildExt;

use super::stderr::Stderr;
use super::stdin::Stdin;
use super::stdout::Stdout;
use super::watch::{Happened, Watch};
use crate::os::{self, Image, Signals};
use crate::process_tree::{Activity, Mark, ProcessTree};

/// How long a killed process may take to be gone: one in an uninterruptible call takes longer, and is left behind.
const REAPING: Duration = Duration::from_secs(2);

/// Reads that empty any pipe (1 MiB at most for an unprivileged user, pipe(7)) and end for one that is refilled.
const READS_TO_EMPTY: usize = 32;

/// A started handler.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// It, and all that descends from it.
    tree: ProcessTree,
    pub stdin: Stdin,
    pub stdout: Stdout,
    pub stderr: Stderr,
    /// What may happen to it.
    pub watch: Watch,
    /// Readable once the process has ended; `None` where the kernel has no such thing.
    pub exit: Option<OwnedFd>,
    /// It has ended. It stays unreaped, so that its group's number is nobody else's.
    pub ended: bool,
    pub started: Instant,
    /// When its pipes were last looked at, all at once.
    pub looked: Instant,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `program` in `folder`; `image` says the same program to the operating system, with its arguments. An error
    /// is the operating system's.
    pub fn start(program: &Path, folder: &Path, image: &Image, signals: &Arc<Signals>) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.current_dir(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mark = Mark::new();
        let (mut child, tree) =
            ProcessTree::spawn(Some(&mark), || os::spawn(&mut command, image, mark.entry(), signals))?;
        let stdin = child.stdin.take().map(OwnedFd::from);
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        for pipe in [&stdin, &stdout, &stderr].into_iter().flatten() {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        let exit = os::exit_descriptor(&child).ok();
        let watch = Watch::new(signals.clone())?;
        let watched = [(&stdout, Happened::Stdout), (&stderr, Happened::Stderr), (&exit, Happened::Exit)];
        for (descriptor, happened) in watched {
            if let Some(descriptor) = descriptor {
                watch.add(descriptor, happened)?;
            }
        }
        Ok(Self {
            watch,
            exit,
            child,
            tree,
            stdin: Stdin::new(stdin),
            stdout: Stdout::new(stdout),
            stderr: Stderr::new(stderr),
            ended: false,
            started: Instant::now(),
            looked: Instant::now(),
            status: None,
        })
    }

    /// Looks at what it and its descendants do. This costs dozens of system calls.
    pub fn activity(&self) -> Activity {
        self.tree.activity(self.stdin.was_emptied())
    }

    /// Whether nothing more can come from it: it has ended, or closed its stdout.
    pub fn is_silent(&self) -> bool {
        self.ended || self.stdout.pipe.is_none()
    }

    /// A wait begins: for room in stdin where that is needed, and for signals where they end it.
    pub fn watch_for(&mut self, signals: bool) -> io::Result<()> {
        self.watch.await_room(self.stdin.open(), self.stdin.pending().is_some())?;
        self.watch.hear_signals(signals)
    }

    /// Asks the kernel whether it has ended, without reaping it: for where there is no exit descriptor.
    pub fn poll_ended(&self) -> bool {
        !matches!(self.tree.root_status(), Ok(WaitStatus::StillAlive))
    }

    /// Sends `signal` to it and all its descendants.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            self.tree.signal(signal);
        }
    }

    /// Ends it and all its descendants at once, and reaps them. `None` if it could not be reaped in time.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.tree.kill();
            self.status = self.reap();
            if self.status.is_some() {
                self.tree.root_was_reaped();
            }
        }
        self.stdin.close();
        self.status
    }

    /// Waits for the end of a killed process.
    fn reap(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        if sockets_left() {
            return self.child.wait_timeout(REAPING).ok().flatten();
        }
        // This descriptor is there already.
        let exit = self.exit.as_ref()?;
        let _ = poll(&mut [PollFd::new(exit.as_fd(), PollFlags::POLLIN)], PollTimeout::try_from(REAPING).ok()?);
        self.child.try_wait().ok().flatten()
    }

    /// How it has ended. What is left of its tree lives on until it is killed: whoever waits for an answer need not wait for that.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_some() {
            return self.status;
        }
        // As wait(2) has it.
        match self.tree.root_status() {
            Ok(WaitStatus::Exited(_, code)) => Some(ExitStatus::from_raw(code << 8)),
            Ok(WaitStatus::Signaled(_, signal, dumped)) => {
                Some(ExitStatus::from_raw(signal as i32 | i32::from(dumped) << 7))
            }
            // A real-time signal, of which nix has no name.
            _ => self.kill(),
        }
    }

    /// It has ended: what is in its pipes is all there is. They may be held open by its children, which are not waited
    /// for but killed.
    pub fn end(&mut self) {
        self.ended = true;
        if let Some(exit) = &self.exit {
            self.watch.remove(exit);
        }
        self.empty_stdout();
        self.empty_stderr();
        if self.stdout.pipe.is_some() || self.stderr.pipe.is_some() {
            self.tree.kill();
            self.empty_stdout();
            self.empty_stderr();
        }
        self.stdout.pipe = None;
        self.stderr.pipe = None;
    }

    /// Reads what is in stdout by now.
    pub fn empty_stdout(&mut self) {
        for _ in 0..READS_TO_EMPTY {
            if !self.stdout.read() {
                break;
            }
        }
    }

    /// Logs what was written to stderr before an answer that has been read. If that came all at once, the poll that found it
    /// has looked at stderr after it, and so has seen what was written there before it.
    pub fn log_stderr_before_answer(&mut self) {
        if !(self.stdout.reads == 1 && self.stderr.was_quiet) {
            self.empty_stderr();
        }
    }

    /// Logs what is in stderr by now.
    pub fn empty_stderr(&mut self) {
        for _ in 0..READS_TO_EMPTY {
            if !self.stderr.read() {
                break;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.stderr.flush();
    }
}

/// Whether there are descriptors for the two pairs of sockets that waiting with a time-out takes.
fn sockets_left() -> bool {
    [UnixStream::pair(), UnixStream::pair()].iter().all(Result::is_ok)
}
