//! The one poll loop: moves what is on its way between `bootstrap` and its handler processes, and waits for whatever
//! else is to end the wait.
//!
//! Writing an event and reading its answer take turns as the handler likes it, since each pipe holds 64 KiB only and
//! a handler may answer while it reads (pipe(7)). Nothing here blocks but the poll itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::process::Process;
use crate::os::Signals;
use crate::process_tree;

/// How often a process is asked for where the kernel cannot tell when it ends.
const ASKING: Duration = Duration::from_millis(20);

/// What else ends a wait.
#[derive(Default)]
pub struct Wait<'a> {
    pub until: Option<Instant>,
    /// A descriptor of somebody else's that may become readable, or writable where that is `true`.
    pub other: Option<(BorrowedFd<'a>, bool)>,
    /// One that becomes readable when a file changes.
    pub changes: Option<BorrowedFd<'a>>,
    pub signals: Option<&'a Signals>,
}

/// What ended a wait, beside the processes' own doings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woke {
    pub other: bool,
    pub change: bool,
    pub signal: bool,
}

/// A process that works and one that stands by have four each, and there are three others. Of a handler that is shared,
/// there may be more processes.
const MOSTLY_WATCHED: usize = 11;

#[derive(Clone, Copy)]
enum Watched {
    Stdin(usize),
    Stdout(usize),
    Stderr(usize),
    Exit(usize),
    Other,
    Changes,
    Signals,
}

/// Waits until something happens, once, and moves what can be moved.
pub fn wait(processes: &mut [&mut Process], wait: &Wait<'_>) -> io::Result<Woke> {
    for process in processes.iter_mut() {
        // Most events fit into the pipe: then the poll is for the answer.
        process.stdin.write(false);
        process.stderr.was_quiet = true;
    }
    let mut woke = Woke::default();
    for watched in poll_all(processes, wait)? {
        match watched {
            Watched::Stdin(which) => processes[which].stdin.write(true),
            Watched::Stdout(which) => drop(processes[which].stdout.read()),
            Watched::Stderr(which) => {
                processes[which].stderr.was_quiet = false;
                processes[which].stderr.read();
            }
            Watched::Exit(which) => processes[which].end(),
            Watched::Other => woke.other = true,
            Watched::Changes => woke.change = true,
            Watched::Signals => woke.signal = true,
        }
    }
    let now = Instant::now();
    for process in processes.iter_mut() {
        process.looked = now;
        if process.exit.is_none() && !process.ended && process.poll_ended() {
            process.end();
        }
    }
    Ok(woke)
}

/// What has happened.
fn poll_all(processes: &[&mut Process], wait: &Wait<'_>) -> io::Result<Vec<Watched>> {
    let mut watched = Vec::with_capacity(MOSTLY_WATCHED);
    let mut polled = Vec::with_capacity(MOSTLY_WATCHED);
    let mut until = wait.until;
    for (which, process) in processes.iter().enumerate() {
        let exit = process.exit.as_ref().filter(|_| !process.ended);
        // stdout before stderr: see `Process::log_stderr_before_answer`.
        let pipes = [
            (Watched::Stdin(which), process.stdin.pending(), PollFlags::POLLOUT),
            (Watched::Stdout(which), process.stdout.pipe.as_ref().map(AsFd::as_fd), PollFlags::POLLIN),
            (Watched::Stderr(which), process.stderr.pipe.as_ref().map(AsFd::as_fd), PollFlags::POLLIN),
            (Watched::Exit(which), exit.map(AsFd::as_fd), PollFlags::POLLIN),
        ];
        for (what, descriptor, events) in pipes {
            if let Some(descriptor) = descriptor {
                watched.push(what);
                polled.push(PollFd::new(descriptor, events));
            }
        }
        if process.exit.is_none() && !process.ended {
            let ask = Instant::now() + ASKING;
            until = Some(until.map_or(ask, |until| until.min(ask)));
        }
    }
    if let Some((descriptor, to_write)) = wait.other {
        watched.push(Watched::Other);
        polled.push(PollFd::new(descriptor, if to_write { PollFlags::POLLOUT } else { PollFlags::POLLIN }));
    }
    let others = [(Watched::Changes, wait.changes), (Watched::Signals, wait.signals.map(AsFd::as_fd))];
    for (what, descriptor) in others {
        if let Some(descriptor) = descriptor {
            watched.push(what);
            polled.push(PollFd::new(descriptor, PollFlags::POLLIN));
        }
    }
    let timeout = until.map(|until| TimeSpec::from_duration(until.saturating_duration_since(Instant::now())));
    match ppoll(&mut polled, timeout, None) {
        Ok(_) => {}
        // A child has ended, an orphan maybe (`os::set_up_signals`): whoever waits looks again.
        Err(Errno::EINTR) => {
            process_tree::reap_ended();
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    }
    let mut count = 0;
    for (which, polled) in polled.iter().enumerate() {
        if polled.revents().is_some_and(|events| !events.is_empty()) {
            watched[count] = watched[which];
            count += 1;
        }
    }
    watched.truncate(count);
    Ok(watched)
}
