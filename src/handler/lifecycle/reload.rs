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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, thread};

    #[test]
    fn a_change_is_told_once_the_files_have_been_left_alone() {
        let folder = std::env::temp_dir().join(format!("lambda-stdio-reload-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("handler"), "1").expect("a file");
        let signals = Signals::block().expect("signals");
        let mut pool = Pool::default();
        let mut reload = Reload::under(&folder, &[]).expect("a watch");
        assert_eq!(reload.settled_change(&mut pool, &signals), None);
        for second in [None, Some("other")] {
            fs::write(folder.join("handler"), "2").expect("a file");
            reload.read();
            let begun = Instant::now();
            let change = thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(SETTLED / 2);
                    second.map(|name| fs::write(folder.join(name), "3"))
                });
                reload.settled_change(&mut pool, &signals)
            });
            let took = begun.elapsed();
            assert!(change.is_some() && took >= SETTLED, "{change:?} after {took:?}");
        }
        fs::remove_dir_all(&folder).expect("a folder of our own");
    }
}
