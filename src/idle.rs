//! What happens while `bootstrap` waits for somebody else.
//!
//! Between events the handler still prints, dies and is started again, and signals come. The sources of events do not
//! know handlers; they know only that they may not simply block: they wait through this.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use nix::libc;
use nix::poll::PollFlags;

/// The other end of a connection has said that nothing more comes from it (poll(2): POLLRDHUP).
pub const CLOSED: PollFlags = PollFlags::from_bits_retain(libc::POLLRDHUP);

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// It can be read, or written to; or its other end is closed.
    pub descriptor: BorrowedFd<'a>,
    pub to_write: bool,
    /// Not longer than this.
    pub until: Option<Instant>,
    /// Or, if that comes first, until the handler has been started again because a file has changed.
    pub until_changed: bool,
}

impl<'a> Wanted<'a> {
    /// Something to read, however long that takes.
    pub fn to_read(descriptor: BorrowedFd<'a>) -> Self {
        Self { descriptor, to_write: false, until: None, until_changed: false }
    }

    /// The same for poll(2).
    pub fn events(&self) -> PollFlags {
        if self.to_write { PollFlags::POLLOUT | CLOSED } else { PollFlags::POLLIN }
    }
}

/// Something that needs tending while its owner waits.
pub trait Tend: Send {
    /// Returns once what is wanted is there. An error of kind `TimedOut` says that it was not in time; any other means that
    /// the wait is over for good: the supervisor knows why.
    fn wait(&mut self, wanted: Wanted<'_>) -> io::Result<()>;
}

/// What is tended, shared between the supervisor and the source that it gets its events from.
pub type Tended = Arc<Mutex<dyn Tend>>;

/// Waits, tending meanwhile.
pub fn wait(tended: &Tended, wanted: Wanted<'_>) -> io::Result<()> {
    tended.lock().unwrap_or_else(PoisonError::into_inner).wait(wanted)
}
