//! What may happen to one process, in a set that the kernel keeps (epoll(7)): its pipes, its end, and the signals to `bootstrap`.
//!
//! An event brings two waits. Handing the kernel five descriptors for each would cost more than anything else in them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::os::Signals;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// There is room in stdin.
    Room,
    Stdout,
    Stderr,
    Exit,
    Signal,
}

const ALL: [Happened; 5] = [Happened::Room, Happened::Stdout, Happened::Stderr, Happened::Exit, Happened::Signal];

/// The set. A descriptor that is closed leaves it by itself.
#[derive(Debug)]
pub struct Watch {
    set: Epoll,
    signals: Arc<Signals>,
    awaits_room: bool,
    hears_signals: bool,
}

impl Watch {
    pub fn new(signals: Arc<Signals>) -> io::Result<Self> {
        let set = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { set, signals, awaits_room: false, hears_signals: false })
    }

    /// From now on it is told when this can be read.
    pub fn add(&self, descriptor: impl AsFd, happened: Happened) -> io::Result<()> {
        let wanted = if happened == Happened::Room { EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN };
        Ok(self.set.add(descriptor, EpollEvent::new(wanted, happened as u64))?)
    }

    /// It has happened, and happens no more.
    pub fn remove(&self, descriptor: impl AsFd) {
        let _ = self.set.delete(descriptor);
    }

    /// Whether room in stdin is waited for, which is given where it is open.
    pub fn await_room(&mut self, stdin: Option<BorrowedFd<'_>>, awaited: bool) -> io::Result<()> {
        if awaited != self.awaits_room {
            match stdin {
                Some(stdin) if awaited => self.add(stdin, Happened::Room)?,
                Some(stdin) => self.remove(stdin),
                None => {}
            }
            self.awaits_room = awaited;
        }
        Ok(())
    }

    /// Whether signals end a wait.
    pub fn hear_signals(&mut self, heard: bool) -> io::Result<()> {
        if heard != self.hears_signals {
            if heard {
                self.add(&*self.signals, Happened::Signal)?;
            } else {
                self.remove(&*self.signals);
            }
            self.hears_signals = heard;
        }
        Ok(())
    }

    /// Waits. `None`: a signal handler has run meanwhile.
    pub fn wait(&self, timeout: EpollTimeout) -> io::Result<Option<impl Iterator<Item = Happened> + use<>>> {
        let mut events = [EpollEvent::empty(); ALL.len()];
        match self.set.wait(&mut events, timeout) {
            Ok(count) => Ok(Some(events.into_iter().take(count).filter_map(happened))),
            Err(Errno::EINTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Watch {
    /// Readable when something has happened.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.set.0.as_fd()
    }
}

fn happened(event: EpollEvent) -> Option<Happened> {
    ALL.get(usize::try_from(event.data()).ok()?).copied()
}
