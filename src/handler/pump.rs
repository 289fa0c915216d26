//! The one poll loop: moves what is on its way between `bootstrap` and its handler processes, and waits for whatever
//! else is being waited for.
//!
//! Writing an event and reading its answer take turns as the handler likes it, since each pipe holds 64 KiB only and
//! a handler may answer while it reads (pipe(7)). Nothing here blocks but the poll itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::Signal;
use nix::sys::time::TimeSpec;

use super::process::{Process, is_temporary};
use crate::os::{self, Signals};

/// One read: what a pipe holds by default.
const PIECE: usize = 64 * 1024;

/// Reads that empty any pipe (1 MiB at most for an unprivileged user, pipe(7)) and end for one that is refilled.
const READS_TO_EMPTY: usize = 32;

/// How often a process is asked for where the kernel cannot tell when it ends.
const ASKING: Duration = Duration::from_millis(20);

/// What else ends a wait.
#[derive(Default)]
pub struct Wait<'a> {
    pub until: Option<Instant>,
    /// A descriptor of somebody else's that may become readable.
    pub other: Option<BorrowedFd<'a>>,
    pub signals: Option<&'a Signals>,
}

/// What ended a wait, beside the processes' own doings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woke {
    pub other: bool,
    pub signal: bool,
}

#[derive(Clone, Copy)]
enum Watched {
    Stdin(usize),
    Stdout(usize),
    Stderr(usize),
    Exit(usize),
    Other,
    Signals,
}

/// Waits until something happens, once, and moves what can be moved. Stderr goes to the log, stdout to
/// `Process::output`.
pub fn pump(processes: &mut [&mut Process], wait: &Wait<'_>) -> io::Result<Woke> {
    for process in processes.iter_mut() {
        // Most events fit into the pipe: the poll is for the answer then.
        if !process.stdin_full {
            write_input(process);
        }
    }
    let mut woke = Woke::default();
    for (watched, events) in poll_all(processes, wait)? {
        match watched {
            Watched::Stdin(which) => {
                processes[which].stdin_full = false;
                write_input(processes[which]);
            }
            Watched::Stdout(which) => read_output(processes[which]),
            Watched::Stderr(which) => read_errors(processes[which]),
            Watched::Exit(which) => end(processes[which]),
            Watched::Other => woke.other = !events.is_empty(),
            Watched::Signals => woke.signal = true,
        }
    }
    for process in processes.iter_mut() {
        if process.exit.is_none() && !process.ended && process.poll_ended() {
            end(process);
        }
    }
    Ok(woke)
}

/// Takes from stderr what is there by now: all that was written before an answer that has been read.
pub fn empty_errors(process: &mut Process) {
    for _ in 0..READS_TO_EMPTY {
        let before = process.stderr_read;
        read_errors(process);
        if process.stderr_read == before {
            break;
        }
    }
}

fn poll_all(processes: &[&mut Process], wait: &Wait<'_>) -> io::Result<Vec<(Watched, PollFlags)>> {
    let mut watched = Vec::with_capacity(10);
    let mut polled = Vec::with_capacity(10);
    let mut until = wait.until;
    for (which, process) in processes.iter().enumerate() {
        let stdin = process.stdin.as_ref().filter(|_| !process.input_done());
        let pipes = [
            (Watched::Stdin(which), stdin, PollFlags::POLLOUT),
            (Watched::Stdout(which), process.stdout.as_ref(), PollFlags::POLLIN),
            (Watched::Stderr(which), process.stderr.as_ref(), PollFlags::POLLIN),
            (Watched::Exit(which), process.exit.as_ref().filter(|_| !process.ended), PollFlags::POLLIN),
        ];
        for (what, descriptor, events) in pipes {
            if let Some(descriptor) = descriptor {
                watched.push(what);
                polled.push(PollFd::new(descriptor.as_fd(), events));
            }
        }
        if process.exit.is_none() && !process.ended {
            let ask = Instant::now() + ASKING;
            until = Some(until.map_or(ask, |until| until.min(ask)));
        }
    }
    if let Some(other) = wait.other {
        watched.push(Watched::Other);
        polled.push(PollFd::new(other, PollFlags::POLLIN));
    }
    if let Some(signals) = wait.signals {
        watched.push(Watched::Signals);
        polled.push(PollFd::new(signals.as_fd(), PollFlags::POLLIN));
    }
    let timeout = until.map(|until| TimeSpec::from_duration(until.saturating_duration_since(Instant::now())));
    match ppoll(&mut polled, timeout, None) {
        Ok(_) => {}
        // SIGCHLD, say: whoever waits looks again.
        Err(Errno::EINTR) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    }
    let happened = |polled: &PollFd<'_>| polled.revents().filter(|events| !events.is_empty());
    Ok(watched.into_iter().zip(&polled).filter_map(|(what, polled)| Some((what, happened(polled)?))).collect())
}

fn write_input(process: &mut Process) {
    if process.input_done() {
        return;
    }
    let Some(stdin) = &process.stdin else { return };
    match nix::unistd::write(stdin, &process.input[process.written..]) {
        Ok(written) => process.written += written,
        Err(Errno::EAGAIN | Errno::EINTR) => {}
        // Not a fault in itself: a handler may answer without reading.
        Err(_) => process.stdin_broken = true,
    }
    process.stdin_full = !process.input_done();
    if !process.stdin_full && process.close_after_input {
        process.stdin = None;
    }
}

fn read_output(process: &mut Process) {
    let Some(stdout) = &process.stdout else { return };
    match os::read_append(stdout.as_fd(), &mut process.output, PIECE) {
        Ok(got) if got > 0 => {}
        Err(error) if is_temporary(&error) => {}
        Ok(_) | Err(_) => process.stdout = None,
    }
}

fn read_errors(process: &mut Process) {
    let Some(stderr) = &process.stderr else { return };
    let mut piece = Vec::new();
    match os::read_append(stderr.as_fd(), &mut piece, PIECE) {
        Ok(got) if got > 0 => {
            process.stderr_read += got as u64;
            process.errors.push(&piece);
        }
        Err(error) if is_temporary(&error) => {}
        Ok(_) | Err(_) => process.stderr = None,
    }
}

/// The process has ended. Its pipes may be held open by its children, which are not waited for: they are killed, and
/// what is in the pipes is all there is.
fn end(process: &mut Process) {
    process.ended = true;
    process.signal(Signal::SIGKILL);
    for _ in 0..READS_TO_EMPTY {
        let before = process.output.len();
        read_output(process);
        if process.output.len() == before {
            break;
        }
    }
    empty_errors(process);
    process.stdout = None;
    process.stderr = None;
}
