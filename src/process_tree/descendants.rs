//! Which processes descend from the handler.
//!
//! The kernel lists a thread's children (`/proc/PID/task/TID/children`); where it was built without that, the parents in
//! all `/proc/PID/stat` say the same. A process whose parent has ended is `bootstrap`'s own child (`PR_SET_CHILD_SUBREAPER`,
//! prctl(2)), and no line leads from it to its tree any more. It is known by what it kept: the process group, the pipes, or
//! the mark in its environment.

use std::fs;
use std::io;
use std::sync::OnceLock;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getsid};

use super::proc::{self, Stat};
use super::roots::{self, Root, Tree};

/// Who forks more than this is not looked at, but killed all the same.
pub const MOST: usize = 4096;

/// What belongs to a tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The root first, unless it has been reaped.
    pub pids: Vec<Pid>,
    /// Orphans that may be this tree's or another's: not to be killed, but not to be overlooked either.
    pub doubtful: Vec<Pid>,
    /// There may be more: they were too many, or a list could not be read.
    pub is_cut: bool,
    /// An orphan has ended while they were listed: its children may be missing.
    pub has_changed: bool,
}

/// Whether `/proc` is there and speaks of our own process namespace: in another's the numbers mean other processes.
pub fn proc_is_ours() -> bool {
    static OURS: OnceLock<bool> = OnceLock::new();
    *OURS.get_or_init(|| fs::read_link("/proc/self").is_ok_and(|link| link.to_str() == Some(&getpid().to_string())))
}

/// Whether the kernel lists children.
fn children_are_listed() -> bool {
    static LISTED: OnceLock<bool> = OnceLock::new();
    *LISTED.get_or_init(|| fs::metadata(format!("/proc/self/task/{}/children", getpid())).is_ok())
}

/// The tree's processes as of now.
pub fn members(tree: &Tree) -> Members {
    let mut members = Members::default();
    if tree.root_is_ours {
        members.pids.push(tree.root);
    }
    if !proc_is_ours() {
        return members;
    }
    let mut finder = Finder::new();
    finder.add_descendants(&mut members, 0);
    let roots = roots::now();
    for orphan in finder.orphans(&roots) {
        match owner(tree, &orphan, &roots, &mut finder.bytes) {
            Owner::This => {
                let start = members.pids.len();
                members.pids.push(orphan.pid);
                finder.add_descendants(&mut members, start);
            }
            Owner::Unknown => members.doubtful.push(orphan.pid),
            Owner::Another => {}
        }
    }
    members.is_cut |= finder.has_failed;
    members.has_changed = finder.has_changed;
    members
}

/// A child of `bootstrap`'s that it did not start.
#[derive(Debug)]
pub struct Orphan {
    pub pid: Pid,
    pub stat: Stat,
}

/// All orphans, whichever tree they come from.
pub fn orphans(roots: &[Root]) -> Vec<Orphan> {
    if proc_is_ours() { Finder::new().orphans(roots) } else { Vec::new() }
}

enum Owner {
    This,
    Another,
    Unknown,
}

/// Whose an orphan is. What was started before a tree is not from it.
fn owner(tree: &Tree, orphan: &Orphan, roots: &[Root], bytes: &mut Vec<u8>) -> Owner {
    if orphan.stat.group == tree.root || orphan.stat.session == tree.root {
        return Owner::This;
    }
    if orphan.stat.started < tree.started {
        return Owner::Another;
    }
    let group_of = |root: &Root| root.pid == orphan.stat.group || root.pid == orphan.stat.session;
    if roots.iter().any(group_of) {
        return Owner::Another;
    }
    let pid = orphan.pid;
    let marks = |root: &Root, environment: &[u8]| {
        root.mark.as_deref().is_some_and(|mark| proc::has_variable(environment, mark))
    };
    if let Ok(environment) = proc::read(&format!("/proc/{pid}/environ"), bytes) {
        let marked = roots.iter().find(|root| marks(root, environment));
        if let Some(root) = marked {
            return if root.pid == tree.root { Owner::This } else { Owner::Another };
        }
    }
    for descriptor in 0..3 {
        let pipe =
            proc::link(&format!("/proc/{pid}/fd/{descriptor}")).ok().and_then(|link| super::descriptors::pipe(&link));
        let root = pipe.and_then(|pipe| roots.iter().find(|root| root.pipes.contains(&Some(pipe))));
        if let Some(root) = root {
            return if root.pid == tree.root { Owner::This } else { Owner::Another };
        }
    }
    let others = roots.iter().any(|root| root.pid != tree.root && root.started <= orphan.stat.started);
    if others { Owner::Unknown } else { Owner::This }
}

/// Finds children, in one of two ways.
struct Finder {
    bytes: Vec<u8>,
    /// Each process with its parent, where the kernel does not list children.
    parents: Option<Vec<(Pid, Pid)>>,
    /// Some list could not be read, though what it is of has not ended.
    has_failed: bool,
    has_changed: bool,
}

impl Finder {
    fn new() -> Self {
        Self::in_this_way(children_are_listed())
    }

    fn in_this_way(by_lists: bool) -> Self {
        let mut bytes = Vec::new();
        let parents = (!by_lists).then(|| all_parents(&mut bytes));
        let has_failed = matches!(parents, Some(Err(_)));
        Self { bytes, parents: parents.map(Result::unwrap_or_default), has_failed, has_changed: false }
    }

    /// Adds what descends from the members from `start` on, in the order of generations.
    fn add_descendants(&mut self, members: &mut Members, start: usize) {
        let mut next = start;
        while let Some(&parent) = members.pids.get(next) {
            if members.pids.len() >= MOST {
                members.is_cut = true;
                break;
            }
            self.add_children(parent, &mut members.pids);
            next += 1;
        }
    }

    fn add_children(&mut self, parent: Pid, pids: &mut Vec<Pid>) {
        if let Some(parents) = &self.parents {
            for &(child, _) in parents.iter().filter(|(_, of)| *of == parent) {
                add(child, pids);
            }
            return;
        }
        let threads = proc::numbers_in(&format!("/proc/{parent}/task"));
        self.has_failed |= threads.as_ref().is_err_and(|error| !proc::is_gone(error));
        for thread in threads.unwrap_or_default() {
            match proc::read(&format!("/proc/{parent}/task/{thread}/children"), &mut self.bytes) {
                Ok(list) => proc::children(list).for_each(|child| add(child, pids)),
                Err(error) => self.has_failed |= !proc::is_gone(&error),
            }
        }
    }

    /// Our own children, but for the roots and for what `bootstrap` started for itself: that is in its own group, in which
    /// no handler ever is.
    fn orphans(&mut self, roots: &[Root]) -> Vec<Orphan> {
        let mut children = Vec::new();
        self.add_children(getpid(), &mut children);
        let own_group = getpgrp();
        children.retain(|child| !roots.iter().any(|root| root.pid == *child));
        let mut orphans = Vec::new();
        for pid in children {
            match proc::read(&format!("/proc/{pid}/stat"), &mut self.bytes) {
                Ok(text) => orphans.extend(
                    Stat::parse(text)
                        .filter(|stat| stat.group != own_group && stat.parent == getpid())
                        .map(|stat| Orphan { pid, stat }),
                ),
                Err(error) if proc::is_gone(&error) && !proc::exists(pid) => self.has_changed = true,
                Err(_) => match hidden(pid) {
                    Some(stat) if stat.group == own_group => {}
                    Some(stat) => orphans.push(Orphan { pid, stat }),
                    None => self.has_failed = true,
                },
            }
        }
        orphans
    }
}

/// What the system says of a child of ours that `/proc` hides. When it was started is not known: not before any tree.
fn hidden(pid: Pid) -> Option<Stat> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let state = if waitid(Id::Pid(pid), flags) == Ok(WaitStatus::StillAlive) { b'S' } else { b'Z' };
    let (group, session) = (getpgid(Some(pid)).ok()?, getsid(Some(pid)).ok()?);
    Some(Stat { state, parent: getpid(), group, session, started: u64::MAX })
}

/// A child that moved while the lists were read may be in two of them.
fn add(child: Pid, pids: &mut Vec<Pid>) {
    if !pids.contains(&child) {
        pids.push(child);
    }
}

fn all_parents(bytes: &mut Vec<u8>) -> io::Result<Vec<(Pid, Pid)>> {
    let mut parents = Vec::new();
    for pid in proc::numbers_in("/proc")? {
        match proc::read(&format!("/proc/{pid}/stat"), bytes) {
            Ok(text) => parents.extend(Stat::parse(text).map(|stat| (Pid::from_raw(pid), stat.parent))),
            Err(error) if proc::is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(parents)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn both_ways_find_the_same() {
        let mut shell = Command::new("sh").args(["-c", "cat | cat; :"]).stdin(Stdio::piped()).spawn().unwrap();
        let root = Pid::from_raw(shell.id().cast_signed());
        let find = |by_lists| {
            let mut members = Members { pids: vec![root], ..Members::default() };
            Finder::in_this_way(by_lists).add_descendants(&mut members, 0);
            members.pids.sort();
            members
        };
        while find(true).pids.len() < 3 {
            std::thread::yield_now();
        }
        assert_eq!(find(true), find(false));
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }
}
