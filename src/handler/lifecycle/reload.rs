//! Following a person who edits the handler (`--watch`): when a file has changed the handler is started again, never in
//! the middle of an event. This says when that is.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::changes::Changes;
use super::pool::Pool;
use crate::fault::Fault;
use crate::handler::process::poll::Wait;
use crate::os::Signals;

/// How long files must have been left alone: an editor takes several steps to save one, a tool changes several.
const SETTLED: Duration = Duration::from_millis(100);

/// Files that are never left alone are not waited for longer than this.
const LONGEST_BURST: Duration = Duration::from_secs(1);

/// The files that a handler is made of.
pub struct Reload(Changes);

impl Reload {
    /// For the files under `root`, and `others` that are a reason to start it again.
    pub fn under(root: &Path, others: &[PathBuf]) -> Result<Self, Fault> {
        Changes::under(root, others)
            .map(Self)
            .map_err(|error| Fault::system(&format!("The files in {} cannot be watched", root.display()), &error))
    }

    /// This is the handler's own file by now: its folder is watched, wherever it lies.
    pub fn follow(&mut self, file: &Path) {
        self.0.follow(file);
    }

    /// Readable when a file changes.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Notes what has changed until now while the handler waited.
    pub fn read(&mut self) {
        self.0.read();
    }

    /// Notes what has changed until now while the handler worked, which may be its own doing, and whether it `lives` on.
    pub fn read_after_work(&mut self, lives: bool) {
        self.0.read_after_work(lives);
    }

    /// The file that changed last, once it and the others have been left alone for a moment. `None`, too, where a signal
    /// has come meanwhile.
    pub fn settled_change(&mut self, pool: &mut Pool, signals: &Signals) -> Option<PathBuf> {
        if !self.0.any() {
            return None;
        }
        let latest = Instant::now() + LONGEST_BURST;
        let mut until = Instant::now() + SETTLED;
        while Instant::now() < until {
            let wait =
                Wait { until: Some(until), changes: Some(self.0.as_fd()), signals: Some(signals), ..Wait::default() };
            let woke = pool.wait(&wait).ok()?;
            if woke.signal {
                return None;
            }
            if woke.change {
                self.0.read();
                until = latest.min(Instant::now() + SETTLED);
            }
        }
        self.0.take()
    }
}
