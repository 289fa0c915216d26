//! The processes of one handler: what they are doing, and their end.
//!
//! # Theory of operation
//!
//! A tree is a handler process and all that descends from it, in whichever process groups and sessions. `bootstrap` is a child
//! subreaper: a process whose parent ends becomes `bootstrap`'s child, instead of process 1's, and is still found
//! (`descendants`). All trees are entered in one list (`roots`), so that `bootstrap`'s own children are told from orphans, and
//! the orphans of one tree from another's.
//!
//! `activity` looks at every thread of every process, in `/proc` and in nothing else: which system call it is blocked in
//! (`wait`), which descriptors that waits for (`poll_set`, `descriptors`), and whether anybody else could wake it. `seen` puts it into
//! words. A look costs system calls by the dozen: it is for starts, for ends and for what is not known yet, not for every
//! event.
//!
//! `signal`, `kill` and `reap` are about ends. A number is a process only until that is reaped: who is not our child is
//! signalled through a descriptor (`pidfd_open(2)`) that was compared with the process meant.
//!
//! Nothing in here knows what is said to a handler.

mod activity;
mod descendants;
mod descriptors;
mod end;
mod memory;
mod poll_set;
mod proc;
mod roots;
mod seen;
mod service_threads;
mod sockets;
mod times;
mod wait;

#[cfg(test)]
mod tests;

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::Signal;
use nix::sys::stat::fstat;
use nix::sys::wait::WaitStatus;
use nix::unistd::{Pid, getpid};

use roots::{Root, Tree};

pub use activity::Activity;
pub use end::{kill_orphans, reap_ended};

/// Has processes whose parents end become children of `bootstrap` (`PR_SET_CHILD_SUBREAPER`, prctl(2)). Best effort: where it is
/// forbidden, they become process 1's.
pub fn become_subreaper() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// The variable in a handler's environment that tells its descendants from those of any other handler of ours.
pub const MARK: &str = "LAMBDA_STDIO_PROCESS";

/// That variable with its value, for one process.
#[derive(Debug)]
pub struct Mark(CString);

impl Mark {
    #[allow(clippy::new_without_default)] // No two are the same.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(CString::new(format!("{MARK}={}.{number}", getpid())).unwrap_or_default())
    }

    /// `NAME=value`
    pub fn entry(&self) -> &CStr {
        &self.0
    }
}

/// A handler process and all that descends from it.
#[derive(Debug)]
pub struct ProcessTree(Tree);

impl ProcessTree {
    /// Has `spawn` start a process in a group of its own (with `mark` in its environment), which is the root.
    ///
    /// No two are spawned at once: a child that is not entered yet would be taken for an orphan.
    pub fn spawn(mark: Option<&Mark>, spawn: impl FnOnce() -> io::Result<Child>) -> io::Result<(Child, Self)> {
        roots::enter(|| {
            let child = spawn()?;
            let tree = Tree {
                root: Pid::from_raw(child.id().cast_signed()),
                started: start_of(child.id()),
                pipes: [inode(child.stdin.as_ref()), inode(child.stdout.as_ref()), inode(child.stderr.as_ref())],
                root_is_ours: true,
            };
            let root = Root {
                pid: tree.root,
                started: tree.started,
                pipes: tree.pipes,
                mark: mark.map(|mark| mark.entry().to_bytes().into()),
            };
            Ok(((child, Self(tree)), root))
        })
    }

    /// How the first process has ended, if it has. It is not reaped.
    pub fn root_status(&self) -> nix::Result<WaitStatus> {
        end::status(self.0.root)
    }

    /// Whether there is a `/proc` to look into.
    pub fn can_be_seen() -> bool {
        descendants::proc_is_ours()
    }

    /// Looks at what all of it does. `stdin_is_empty`: all that is to be written has been, and the pipe has been emptied.
    pub fn activity(&self, stdin_is_empty: bool) -> Activity {
        activity::look(&self.0, stdin_is_empty)
    }

    /// Sends `signal` to all of it.
    pub fn signal(&self, signal: Signal) {
        end::signal(&self.0, signal);
    }

    /// Ends all of it at once, and reaps it but for the root, which is its `Child`'s to reap. Whether all of it is gone: what
    /// is in an uninterruptible call, or another user's, is left behind.
    pub fn kill(&mut self) -> bool {
        end::kill(&self.0)
    }

    /// The root has been reaped: its number may be another's from now on. What is left of the tree is not looked for any more
    /// but as orphans.
    pub fn root_was_reaped(&mut self) {
        self.0.root_is_ours = false;
    }
}

impl Drop for ProcessTree {
    fn drop(&mut self) {
        roots::remove(self.0.root);
    }
}

fn inode(pipe: Option<&impl AsFd>) -> Option<u64> {
    Some(fstat(pipe?).ok()?.st_ino)
}

/// 0, where it cannot be seen: then every orphan is younger.
fn start_of(process: u32) -> u64 {
    let mut bytes = Vec::new();
    let stat = proc::read(&format!("/proc/{process}/stat"), &mut bytes).ok().and_then(proc::Stat::parse);
    stat.map_or(0, |stat| stat.started)
}
