//! Between events: the handler's late output goes to the log, a process that ends is started again, and signals are
//! passed on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::launch::end_by;
use super::pump::{self, Wait};
use super::watch::{GRACE, Stopping};
use super::{Handler, Talk};
use crate::idle::Tend;

/// How long a handler may take to end once its stdin is closed, on a shell that has no more events.
const GOODBYE: Duration = Duration::from_secs(1);

impl Tend for Handler {
    fn wait_readable(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        loop {
            if !self.busy {
                self.follow_changes();
                if self.is_stopping() {
                    return Err(io::Error::other("a signal ends the wait"));
                }
                self.replace_ended();
                if self.is_alive().is_err() {
                    return Err(io::Error::other("the handler cannot be started"));
                }
            }
            // What a killed handler leaves to report is still to be posted.
            let (give_up_at, signals) = match &self.stopping {
                Some(stopping) => (Some(stopping.kill_at + GRACE), None),
                None => (None, Some(&*self.launch.signals)),
            };
            if give_up_at.is_some_and(|give_up_at| Instant::now() >= give_up_at) {
                return Err(io::Error::other("a signal ends the wait"));
            }
            let retry = self.restarts.next.filter(|_| !self.busy && self.is_incomplete());
            let wait = Wait {
                until: [give_up_at, retry].into_iter().flatten().min(),
                other: Some(descriptor),
                changes: self.changes.as_ref().filter(|_| !self.busy).map(AsFd::as_fd),
                signals,
            };
            let mut processes: Vec<_> = self.current.iter_mut().chain(&mut self.spare).collect();
            let woke = pump::pump(&mut processes, &wait)?;
            for process in processes {
                process.stdout.set_aside();
            }
            if woke.signal {
                self.note_signal();
            }
            if woke.change {
                // Before the event that may have come with it: who has saved a file expects its answer to be the new one.
                self.read_changes();
            } else if woke.other {
                return Ok(());
            }
        }
    }
}

impl Handler {
    /// Ends the handler: by itself if it will, and in any case in bounded time.
    pub fn stop(&mut self) {
        let mut processes: Vec<_> = self.current.iter_mut().chain(&mut self.spare).collect();
        if let Some(stopping) = self.stopping {
            let _ = end_by(&mut processes, stopping.kill_at);
            self.current = None;
            self.spare = None;
        } else {
            self.let_go();
            self.stopping = Some(Stopping::by(Signal::SIGTERM));
        }
    }

    /// Ends the processes that there are, for no other reason than that they are not needed any more.
    pub(super) fn let_go(&mut self) {
        let mut processes: Vec<_> = self.current.iter_mut().chain(&mut self.spare).collect();
        // End-of-file is the end for a loop, but an empty event for a program that reads to it.
        if self.talk != Talk::Oneshot {
            for process in &mut processes {
                process.stdin.close();
            }
            let _ = end_by(&mut processes, Instant::now() + GOODBYE);
        }
        processes.iter().filter(|process| !process.ended).for_each(|process| process.signal(Signal::SIGTERM));
        let _ = end_by(&mut processes, Instant::now() + GRACE);
        self.current = None;
        self.spare = None;
    }

    fn is_incomplete(&self) -> bool {
        (self.current.is_none() && self.starts_ahead()) || (self.spare.is_none() && self.wants_spare())
    }

    fn replace_ended(&mut self) {
        let ended = [&mut self.current, &mut self.spare].map(|place| place.take_if(|process| process.is_useless()));
        let ended: Vec<_> = ended.into_iter().flatten().collect();
        let any = !ended.is_empty();
        for process in ended {
            self.ended_idle(process);
        }
        if self.current.is_none() && self.starts_ahead() {
            self.current = self.spare.take().or_else(|| self.start_unattended());
        }
        if self.spare.is_none() && self.wants_spare() {
            self.spare = self.start_unattended();
        }
        if any {
            self.read_changes_after_work();
        }
    }
}
