//! What happens while `bootstrap` waits for somebody else.
//!
//! Between events the handler still prints, dies and is started again, and signals come. The sources of events do not
//! know handlers; they know only that they may not simply block: they wait through this.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that needs tending while its owner waits.
pub trait Tend: Send {
    /// Returns once `descriptor` can be read (or its other end is closed). An error means that the wait is over for
    /// good: the supervisor knows why.
    fn wait_readable(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()>;
}

/// What is tended, shared between the supervisor and the source that it gets its events from.
pub type Tended = Arc<Mutex<dyn Tend>>;

/// Waits for `descriptor`, tending meanwhile.
pub fn wait_readable(tended: &Tended, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    tended.lock().unwrap_or_else(PoisonError::into_inner).wait_readable(descriptor)
}
