//! The handlers that `bootstrap` has started, all workers' together: what tells its own children from orphans.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use nix::unistd::Pid;

/// The first process of a tree.
#[derive(Clone, Debug)]
pub struct Root {
    pub pid: Pid,
    pub started: u64,
    /// Its stdin, stdout and stderr, as the inodes of pipes.
    pub pipes: [Option<u64>; 3],
    /// A variable in its environment that no other root has: `NAME=value`.
    pub mark: Option<Box<[u8]>>,
}

/// What a tree is known by.
#[derive(Debug)]
pub struct Tree {
    pub root: Pid,
    /// When the root was started, in ticks.
    pub started: u64,
    /// The root's stdin, stdout and stderr, as inodes.
    pub pipes: [Option<u64>; 3],
    /// The root has not been reaped: its number is its own, and its group's.
    pub root_is_ours: bool,
}

/// Whoever starts a root holds this for writing until it is entered: a child of ours that is not in here is an orphan.
static ROOTS: RwLock<Vec<Root>> = RwLock::new(Vec::new());

/// The roots as of now, which stay so as long as this is held.
pub fn now() -> RwLockReadGuard<'static, Vec<Root>> {
    ROOTS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Enters the root that `start` starts.
pub fn enter<T, E>(start: impl FnOnce() -> Result<(T, Root), E>) -> Result<T, E> {
    let mut roots = ROOTS.write().unwrap_or_else(PoisonError::into_inner);
    let (started, root) = start()?;
    roots.push(root);
    Ok(started)
}

/// To be called once it is dead; whether it has been reaped does not matter.
pub fn remove(pid: Pid) {
    ROOTS.write().unwrap_or_else(PoisonError::into_inner).retain(|root| root.pid != pid);
}
