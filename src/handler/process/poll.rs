//! The one poll loop: moves what is on its way between `bootstrap` and its handler processes, and waits for whatever
//! else is to end the wait.
//!
//! Writing an event and reading its answer take turns as the handler likes it, since each pipe holds 64 KiB only and
//! a handler may answer while it reads (pipe(7)). Nothing here blocks but the wait itself: on one process's set alone
//! (`watch`), where that is all there is, and otherwise on the sets and the other descriptors together.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::EpollTimeout;
use nix::sys::time::TimeSpec;

use super::process::Process;
use super::watch::Happened;
use crate::os::Signals;
use crate::process_tree;

/// How often a process is asked for where the kernel cannot tell when it ends.
const ASKING: Duration = Duration::from_millis(20);

/// A wait on one set ends on a millisecond. Where its end is nearer than this, that would be too coarse.
const COARSE: Duration = Duration::from_millis(10);

/// What else ends a wait.
#[derive(Default)]
pub struct Wait<'a> {
    pub until: Option<Instant>,
    /// A descriptor of somebody else's to which one of these may happen.
    pub other: Option<(BorrowedFd<'a>, PollFlags)>,
    /// One that becomes readable when a file changes.
    pub changes: Option<BorrowedFd<'a>>,
    pub signals: Option<&'a Signals>,
}

/// What ended a wait, beside the processes' own doings.
#[derive(Clone, Copy, Debug)]
pub struct Woke {
    /// When the wait began.
    pub began: Instant,
    pub other: bool,
    pub change: bool,
    pub signal: bool,
}

/// Waits until something happens, once, and moves what can be moved.
pub fn wait(processes: &mut [&mut Process], wait: &Wait<'_>) -> io::Result<Woke> {
    let began = Instant::now();
    let mut until = wait.until;
    for process in processes.iter_mut() {
        // Most events fit into the pipe: then the wait is for the answer.
        process.stdin.write(false);
        process.stderr.was_quiet = true;
        process.watch_for(wait.signals.is_some())?;
        if process.exit.is_none() && !process.ended {
            let ask = began + ASKING;
            until = Some(until.map_or(ask, |until| until.min(ask)));
        }
    }
    let mut woke = Woke { began, other: false, change: false, signal: false };
    let others = wait.other.is_some() || wait.changes.is_some();
    let left = until.map(|until| until.saturating_duration_since(began));
    match &mut *processes {
        [process] if !others && left.is_none_or(|left| left >= COARSE) => move_all(process, rounded(left), &mut woke)?,
        _ => wait_for_all(processes, wait, left, &mut woke)?,
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

/// The same or a little more, in milliseconds.
fn rounded(left: Option<Duration>) -> EpollTimeout {
    let longer = left.map(|left| EpollTimeout::try_from(left + Duration::from_millis(1)));
    longer.map_or(EpollTimeout::NONE, |longer| longer.unwrap_or(EpollTimeout::MAX))
}

/// Waits for one process, and moves what can be moved.
fn move_all(process: &mut Process, timeout: EpollTimeout, woke: &mut Woke) -> io::Result<()> {
    let Some(all) = process.watch.wait(timeout)? else {
        // A child has ended, an orphan maybe (`os::set_up_signals`): whoever waits looks again.
        process_tree::reap_ended();
        return Ok(());
    };
    for happened in all {
        match happened {
            Happened::Room => process.stdin.write(true),
            Happened::Stdout => drop(process.stdout.read()),
            Happened::Stderr => {
                process.stderr.was_quiet = false;
                process.stderr.read();
            }
            Happened::Exit => process.end(),
            Happened::Signal => woke.signal = true,
        }
    }
    Ok(())
}

/// Waits for some processes and the others, and moves what can be moved.
fn wait_for_all(
    processes: &mut [&mut Process],
    wait: &Wait<'_>,
    left: Option<Duration>,
    woke: &mut Woke,
) -> io::Result<()> {
    let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
    let signals = wait.signals.filter(|_| processes.is_empty());
    let mut polled = Vec::with_capacity(processes.len() + 3);
    polled.extend(wait.other.map(|(descriptor, events)| PollFd::new(descriptor, events)));
    polled.extend(wait.changes.map(readable));
    polled.extend(signals.map(AsFd::as_fd).map(readable));
    polled.extend(processes.iter().map(|process| readable(process.watch.as_fd())));
    match ppoll(&mut polled, left.map(TimeSpec::from_duration), None) {
        Ok(_) => {}
        Err(Errno::EINTR) => {
            process_tree::reap_ended();
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    // `None`: something of which nix has no name, such as `idle::CLOSED`.
    let mut happened = polled.iter().map(|polled| polled.revents().is_none_or(|events| !events.is_empty()));
    woke.other = wait.other.is_some() && happened.next().unwrap_or_default();
    woke.change = wait.changes.is_some() && happened.next().unwrap_or_default();
    woke.signal = signals.is_some() && happened.next().unwrap_or_default();
    let ready: Vec<usize> = happened.enumerate().filter(|(_, ready)| *ready).map(|(at, _)| at).collect();
    for at in ready {
        move_all(processes[at], EpollTimeout::ZERO, woke)?;
    }
    Ok(())
}
