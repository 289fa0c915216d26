//! Signalling, killing and reaping a tree.
//!
//! The handler's own group is signalled as a group. Who is in another one is found and signalled one by one. Who forks
//! meanwhile may be missed: so they are all stopped first, again until nobody is new, and killed then.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill as kill_process, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};

use super::descendants::{self, Members};
use super::proc::{self, Stat};
use super::roots::{self, Tree};
use crate::os;

/// How long all of a tree may take to be gone: what is in an uninterruptible call takes longer, and is left behind.
const KILLING: Duration = Duration::from_secs(2);

/// How often the stopping is begun again for those that have come meanwhile, before they are killed as they are.
const ROUNDS: usize = 64;

/// How long to wait for one of the killed to be gone before looking again.
const MOMENT: Duration = Duration::from_millis(20);

/// Sends `signal` to all of it.
pub fn signal(tree: &Tree, signal: Signal) {
    let members = descendants::members(tree);
    signal_all(tree, &members, &members.pids, signal);
}

/// Ends all of it. The root is not reaped.
///
/// It is over once the root has ended, which then has no children, and no orphan is left: whoever lived would be somebody's child,
/// and the first of them ours.
pub fn kill(tree: &Tree) -> bool {
    let until = Instant::now() + KILLING;
    let mut killed: Vec<Pid> = Vec::new();
    let mut seen_empty = false;
    loop {
        let members = stop(tree, until);
        signal_all(tree, &members, &members.pids, Signal::SIGKILL);
        killed.extend(members.pids.iter().filter(|pid| !killed.contains(pid)).collect::<Vec<_>>());
        reap_orphans();
        let left = left(tree, &killed);
        if left.as_ref().is_some_and(Vec::is_empty) {
            // A list of children that is read while some of them end may lack others (proc(5)): it takes two looks, unless the
            // handler was alone.
            if seen_empty || killed.len() <= 1 {
                return true;
            }
            seen_empty = true;
            continue;
        }
        seen_empty = false;
        if Instant::now() >= until {
            return false;
        }
        wait_for_any(&left.unwrap_or_default(), until);
    }
}

/// Ends and reaps whatever has been left behind by any tree.
pub fn kill_orphans() {
    let until = Instant::now() + KILLING;
    loop {
        let left: Vec<Pid> = {
            let roots = roots::now();
            let orphans = descendants::orphans(&roots);
            // They are our children and unreaped, so that their numbers are theirs.
            for orphan in &orphans {
                let _ = kill_process(orphan.pid, Signal::SIGKILL);
            }
            orphans.iter().map(|orphan| orphan.pid).collect()
        };
        reap_orphans();
        if left.is_empty() || Instant::now() >= until {
            return;
        }
        wait_for_any(&left, until);
    }
}

/// Reaps those that have ended, of whichever tree. Never a root, nor what `bootstrap` started for itself: those are waited for
/// by who started them.
pub fn reap_orphans() {
    let roots = roots::now();
    for orphan in descendants::orphans(&roots) {
        if orphan.stat.state == b'Z' {
            let _ = waitpid(orphan.pid, Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Reaps orphans that have ended, if any child has ended since the last time. It costs nothing where none has.
pub fn reap_ended() {
    if os::has_child_ended() {
        reap_orphans();
    }
}

/// Stops all of it, so that nobody new comes while the others are killed. A handler alone has no need of that.
fn stop(tree: &Tree, until: Instant) -> Members {
    let mut members = descendants::members(tree);
    if members.pids.len() <= 1 {
        return members;
    }
    let mut stopped: Vec<Pid> = Vec::new();
    for _ in 0..ROUNDS {
        let new: Vec<Pid> = members.pids.iter().copied().filter(|pid| !stopped.contains(pid)).collect();
        if new.is_empty() || Instant::now() >= until {
            break;
        }
        signal_all(tree, &members, &new, Signal::SIGSTOP);
        stopped.extend(new);
        members = descendants::members(tree);
    }
    members
}

/// Signals `pids`, which are members, and the root's group as a whole.
fn signal_all(tree: &Tree, members: &Members, pids: &[Pid], signal: Signal) {
    if tree.root_is_ours {
        let _ = killpg(tree.root, signal);
    }
    let mut bytes = Vec::new();
    for &pid in pids {
        if !(tree.root_is_ours && pid == tree.root) {
            let _ = signal_member(tree, members, pid, signal, &mut bytes);
        }
    }
}

/// Signals one that is not in the root's group. Its number may be another's by now: a process is meant only if its parent is of
/// the tree, or if it has become ours.
fn signal_member(tree: &Tree, members: &Members, pid: Pid, signal: Signal, bytes: &mut Vec<u8>) -> io::Result<()> {
    let descriptor = os::process_descriptor(pid);
    let stat = Stat::parse(proc::read(&format!("/proc/{pid}/stat"), bytes)?);
    let is_meant = stat.is_some_and(|stat| {
        let has_had_it = tree.root_is_ours && stat.group == tree.root;
        !has_had_it && (stat.parent == getpid() || members.pids.contains(&stat.parent))
    });
    match descriptor {
        _ if !is_meant => Ok(()),
        Ok(descriptor) => os::signal_process(descriptor.as_fd(), signal),
        // No such call in this kernel, or in this container.
        Err(error) if matches!(error.raw_os_error(), Some(nix::libc::ENOSYS | nix::libc::EPERM)) => {
            Ok(kill_process(pid, signal)?)
        }
        Err(error) => Err(error),
    }
}

/// Who is left of the tree: dead ones that have not been reaped too, but for the root. `None` if that has changed meanwhile.
///
/// Who is dying has lost its environment and its pipes, and may not be known for what it was any more, if it was not `killed`.
fn left(tree: &Tree, killed: &[Pid]) -> Option<Vec<Pid>> {
    let mut members = descendants::members(tree);
    members.pids.extend(members.doubtful.iter().filter(|pid| killed.contains(pid)));
    let root_has_ended = || {
        let mut bytes = Vec::new();
        let stat = descendants::proc_is_ours().then(|| proc::read(&format!("/proc/{}/stat", tree.root), &mut bytes));
        match stat {
            Some(Ok(text)) => Stat::parse(text).is_some_and(|stat| matches!(stat.state, b'Z' | b'X')),
            _ => !is_alive(tree.root),
        }
    };
    members.pids.retain(|&pid| pid != tree.root || !root_has_ended());
    (!members.has_changed).then_some(members.pids)
}

/// Of a child of ours, without `/proc`.
fn is_alive(pid: Pid) -> bool {
    matches!(status(pid), Ok(WaitStatus::StillAlive))
}

/// How a child of ours has ended, if it has. It is not reaped.
pub fn status(pid: Pid) -> nix::Result<WaitStatus> {
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT)
}

/// Waits for one of `pids` to end, a moment at most.
fn wait_for_any(pids: &[Pid], until: Instant) {
    let time = MOMENT.min(until.saturating_duration_since(Instant::now()));
    let descriptors: Vec<OwnedFd> = pids.iter().take(16).filter_map(|pid| os::process_descriptor(*pid).ok()).collect();
    if descriptors.len() < pids.len().min(16) && descriptors.is_empty() {
        // They have ended just now, or this kernel has no such descriptors.
        std::thread::sleep(Duration::from_millis(1).min(time));
        return;
    }
    let mut set: Vec<PollFd<'_>> = descriptors.iter().map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN)).collect();
    let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO);
    while poll(&mut set, time) == Err(Errno::EINTR) {}
}
