//! What a descriptor of another process is, and whether anything but the tree itself and our stdin could make it ready.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::Path;

use nix::unistd::{Pid, getpid};

use super::proc::{self, Watched};
use super::sockets;

/// epoll and poll have the same numbers; the last is epoll's alone.
const READABLE: u32 = 0x1 | 0x40;
const WRITABLE: u32 = 0x4 | 0x100;
const EDGE_TRIGGERED: u32 = 1 << 31;

/// An epoll may be in an epoll's set; deeper than this nobody looks.
const DEEPEST: u32 = 4;

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The pipe whose other end is ours.
    Stdin,
    /// A pipe whose other end is read by us.
    Output,
    /// A pipe of which nobody outside the tree has an end.
    OwnPipe,
    /// A pipe that the tree has from elsewhere.
    Pipe,
    Event,
    Signal,
    Timer {
        is_armed: bool,
    },
    Epoll,
    /// A stream between two ends that the tree has both of.
    OwnSocket,
    Socket,
    Inotify,
    /// Another process (`pidfd_open(2)`).
    Process,
    File,
    /// It cannot be looked at, or is closed.
    Unseen,
}

/// Looks at descriptors of the tree's processes, all during one look.
pub struct Descriptors<'a> {
    stdin: Option<u64>,
    outputs: [Option<u64>; 2],
    members: &'a [Pid],
    /// The pipes that `bootstrap` has an end of: what it was started with has been passed on, or is its own. `None` where they
    /// cannot be listed.
    held: OnceCell<Option<Vec<u64>>>,
}

/// What a set of descriptors is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Each kind that is in it, once.
    pub kinds: Vec<Kind>,
    /// Our stdin is in it, to be read.
    pub has_stdin: bool,
    /// Something in it could become ready without the tree's doing, or ours.
    pub is_open: bool,
    /// The epolls whose sets are a part of it, and at which depth.
    epolls: HashSet<(i32, u32)>,
}

impl<'a> Descriptors<'a> {
    pub fn new(pipes: [Option<u64>; 3], members: &'a [Pid]) -> Self {
        let [stdin, outputs @ ..] = pipes;
        Self { stdin, outputs, members, held: OnceCell::new() }
    }

    pub fn kind(&self, process: Pid, descriptor: i32) -> Kind {
        let Ok(link) = proc::link(&format!("/proc/{process}/fd/{descriptor}")) else { return Kind::Unseen };
        if let Some(inode) = pipe(&link) {
            return match Some(inode) {
                pipe if pipe == self.stdin => Kind::Stdin,
                pipe if self.outputs.contains(&pipe) => Kind::Output,
                _ => match self.held.get_or_init(held_pipes) {
                    Some(held) if !held.contains(&inode) => Kind::OwnPipe,
                    _ => Kind::Pipe,
                },
            };
        }
        let Some(name) = link.to_str() else { return Kind::File };
        match name.split_once(':').map_or((name, ""), |(kind, rest)| (kind, rest.trim_matches(['[', ']']))) {
            ("socket", inode) => match inode.parse() {
                Ok(inode) if self.is_own_socket(inode) => Kind::OwnSocket,
                _ => Kind::Socket,
            },
            ("anon_inode", "eventfd") => Kind::Event,
            ("anon_inode", "eventpoll") => Kind::Epoll,
            ("anon_inode", "signalfd") => Kind::Signal,
            ("anon_inode", "inotify") => Kind::Inotify,
            ("anon_inode", "timerfd") => Kind::Timer {
                is_armed: info(process, descriptor).and_then(|info| proc::timer_is_armed(&info)).unwrap_or(true),
            },
            ("anon_inode" | "pidfd", name) if name == "pidfd" || link.starts_with("pidfd:") => Kind::Process,
            _ => Kind::File,
        }
    }

    /// What there is in the set of an epoll. `None` where it cannot be seen.
    pub fn epoll(&self, process: Pid, descriptor: i32) -> Option<Set> {
        let mut set = Set::default();
        self.add_epoll(&mut set, process, descriptor, 0)?;
        Some(set)
    }

    /// What there is in a set. `None` where a part of it cannot be seen.
    pub fn set(&self, process: Pid, watched: &[Watched]) -> Option<Set> {
        let mut set = Set::default();
        self.add_all(&mut set, process, watched, 0)?;
        Some(set)
    }

    /// An epoll may be in several others. It adds the same each time, and so it is read once at each depth: the ways that lead to
    /// it multiply with each.
    fn add_epoll(&self, set: &mut Set, process: Pid, descriptor: i32, depth: u32) -> Option<()> {
        if !set.epolls.insert((descriptor, depth)) {
            return Some(());
        }
        let watched = proc::epoll_set(&info(process, descriptor)?)?;
        self.add_all(set, process, &watched, depth)
    }

    fn add_all(&self, set: &mut Set, process: Pid, watched: &[Watched], depth: u32) -> Option<()> {
        for &entry in watched {
            let kind = self.kind(process, entry.descriptor);
            if kind == Kind::Epoll && depth < DEEPEST {
                self.add_epoll(set, process, entry.descriptor, depth + 1)?;
                continue;
            }
            set.add(kind);
            set.has_stdin |= kind == Kind::Stdin && entry.events & READABLE != 0;
            set.is_open |= self.is_open(process, kind, entry);
        }
        Some(())
    }

    fn is_open(&self, process: Pid, kind: Kind, entry: Watched) -> bool {
        match kind {
            Kind::Stdin | Kind::OwnPipe | Kind::OwnSocket | Kind::Event | Kind::Signal => false,
            // We read it, always; an edge-triggered wait for that was told once that it can be written to.
            Kind::Output => entry.events & WRITABLE != 0 && entry.events & EDGE_TRIGGERED == 0,
            Kind::Timer { is_armed } => is_armed,
            Kind::Process => !self.is_member(process, entry.descriptor),
            Kind::Pipe | Kind::Epoll | Kind::Socket | Kind::Inotify | Kind::File | Kind::Unseen => true,
        }
    }

    /// Whether the other end of a socket is in the tree, and neither is in `bootstrap`.
    fn is_own_socket(&self, inode: u64) -> bool {
        let Some(peer) = u32::try_from(inode).ok().and_then(sockets::peer) else { return false };
        let own = |link: &Path| socket(link).is_some_and(|one| one == inode || one == u64::from(peer));
        let other = |link: &Path| socket(link) == Some(peer.into());
        let is_in_tree = |&member: &Pid| any_descriptor(member, other) == Some(true);
        any_descriptor(getpid(), own) == Some(false) && self.members.iter().any(is_in_tree)
    }

    /// Whether a process descriptor is of a process of the tree: that one is looked at itself.
    fn is_member(&self, process: Pid, descriptor: i32) -> bool {
        let pid = info(process, descriptor).and_then(|info| proc::process_of_descriptor(&info));
        pid.is_some_and(|pid| self.members.contains(&pid))
    }
}

impl Set {
    fn add(&mut self, kind: Kind) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }
}

/// The inode of a pipe without a name: `pipe:[4711]`. Named ones, which anybody may open, show their names.
pub fn pipe(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok()
}

fn socket(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn held_pipes() -> Option<Vec<u64>> {
    let mut pipes = Vec::new();
    any_descriptor(getpid(), |link| {
        pipes.extend(pipe(link));
        false
    })?;
    Some(pipes)
}

/// Whether one of a process's descriptors is what is looked for. `None` where they cannot be listed.
fn any_descriptor(process: Pid, mut is_it: impl FnMut(&Path) -> bool) -> Option<bool> {
    let folder = format!("/proc/{process}/fd");
    let descriptors = proc::numbers_in(&folder).ok()?;
    let mut links = descriptors.into_iter().filter_map(|number| proc::link(&format!("{folder}/{number}")).ok());
    Some(links.any(|link| is_it(&link)))
}

fn info(process: Pid, descriptor: i32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    proc::read(&format!("/proc/{process}/fdinfo/{descriptor}"), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pipe_without_a_name_has_a_number() {
        assert_eq!(pipe(Path::new("pipe:[4711]")), Some(4711));
        assert_eq!(pipe(Path::new("/tmp/pipe:[4711]")), None);
        assert_eq!(pipe(Path::new("pipe:[4711] (deleted)")), None);
    }
}
