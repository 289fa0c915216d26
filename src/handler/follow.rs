//! Following a person who edits the handler (`--watch`): when a file has changed the handler is started again, never in
//! the middle of an event, and a handler that does not start is not the end but waits for the next change.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Handler;
use super::find::find;
use super::pump::{self, Wait};
use crate::config;
use crate::fault::Fault;
use crate::log;

/// How long files must have been left alone: an editor takes several steps to save one, a tool changes several.
const SETTLED: Duration = Duration::from_millis(100);

/// Files that are never left alone are not waited for longer than this.
const LONGEST_BURST: Duration = Duration::from_secs(1);

impl Handler {
    /// Starts the handler again if a file has changed, and as often as one does meanwhile.
    pub(super) fn follow_changes(&mut self) {
        while !self.is_stopping()
            && let Some(file) = self.settled_change()
        {
            log::info(format_args!("{} has changed: the handler is started again", file.display()));
            self.let_go();
            self.restarts.succeeded();
            if self.start_anew().is_err() {
                self.note_signal();
            }
        }
    }

    /// Starts what the handler's name means by now. An error is only a signal's.
    pub(super) fn start_anew(&mut self) -> Result<(), Fault> {
        let found = find(&self.name, &self.config.task_root, &config::search_path());
        let started = found.and_then(|program| self.start_first(program));
        self.read_changes_after_work();
        match started {
            Err(fault) if self.launch.signals.pending().is_none() => {
                self.restarts.failed(fault);
                Ok(())
            }
            other => other,
        }
    }

    /// What has changed until now while the handler waited.
    pub(super) fn read_changes(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.read();
        }
    }

    /// What has changed until now while the handler worked: it may be its own doing.
    pub(super) fn read_changes_after_work(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.read_after_work(self.current.is_some() || self.spare.is_some());
        }
    }

    /// The file that changed last, once it and the others have been left alone for a moment.
    fn settled_change(&mut self) -> Option<PathBuf> {
        let changes = self.changes.as_mut().filter(|changes| changes.any())?;
        let latest = Instant::now() + LONGEST_BURST;
        let mut until = Instant::now() + SETTLED;
        while Instant::now() < until {
            let mut processes: Vec<_> = self.current.iter_mut().chain(&mut self.spare).collect();
            let signals = Some(&*self.launch.signals);
            let wait = Wait { until: Some(until), changes: Some(changes.as_fd()), signals, ..Wait::default() };
            let woke = pump::pump(&mut processes, &wait).ok()?;
            for process in processes {
                process.stdout.set_aside();
            }
            if woke.signal {
                self.note_signal();
                return None;
            }
            if woke.change {
                changes.read();
                until = latest.min(Instant::now() + SETTLED);
            }
        }
        changes.take()
    }
}
