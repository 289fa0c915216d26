//! Which processes descend from the handler.
//!
//! The kernel lists a thread's children (`/proc/PID/task/TID/children`); where it was built without that, the parents in
//! all `/proc/PID/stat` say the same. A process whose parent has ended is `bootstrap`'s own child (`PR_SET_CHILD_SUBREAPER`,
//! prctl(2)), and no line leads from it to its tree any more. It is known by what it kept: the process group, the pipes, or
//! the mark in its environment.

use std::fs;
use std::sync::OnceLock;

use nix::unistd::{Pid, getpgrp, getpid};

use super::ProcessTree;
use super::proc::{self, Stat};
use super::roots::{self, Root};

/// Who forks more than this is not looked at, but killed all the same.
pub const MOST: usize = 4096;

/// What belongs to a tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The root first, unless it has been reaped.
    pub pids: Vec<Pid>,
    /// Orphans that may be this tree's or another's: not to be killed, but not to be overlooked either.
    pub doubtful: Vec<Pid>,
    /// There were more than can be looked at.
    pub is_cut: bool,
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
pub fn members(tree: &ProcessTree) -> Members {
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
fn owner(tree: &ProcessTree, orphan: &Orphan, roots: &[Root], bytes: &mut Vec<u8>) -> Owner {
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
            fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok().and_then(|link| super::descriptors::pipe(&link));
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
}

impl Finder {
    fn new() -> Self {
        let mut bytes = Vec::new();
        let parents = (!children_are_listed()).then(|| all_parents(&mut bytes));
        Self { bytes, parents }
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
        let Ok(threads) = proc::numbers_in(&format!("/proc/{parent}/task")) else { return };
        for thread in threads {
            if let Ok(list) = proc::read(&format!("/proc/{parent}/task/{thread}/children"), &mut self.bytes) {
                for child in proc::children(list) {
                    add(child, pids);
                }
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
        children
            .into_iter()
            .filter_map(|pid| {
                let stat = Stat::parse(proc::read(&format!("/proc/{pid}/stat"), &mut self.bytes).ok()?)?;
                (stat.group != own_group && stat.parent == getpid()).then_some(Orphan { pid, stat })
            })
            .collect()
    }
}

/// A child that moved while the lists were read may be in two of them.
fn add(child: Pid, pids: &mut Vec<Pid>) {
    if !pids.contains(&child) {
        pids.push(child);
    }
}

fn all_parents(bytes: &mut Vec<u8>) -> Vec<(Pid, Pid)> {
    let Ok(pids) = proc::numbers_in("/proc") else { return Vec::new() };
    pids.filter_map(|pid| {
        let stat = Stat::parse(proc::read(&format!("/proc/{pid}/stat"), bytes).ok()?)?;
        Some((Pid::from_raw(pid), stat.parent))
    })
    .collect()
}
