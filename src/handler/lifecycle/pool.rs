//! The handler's processes: the one that works, and the one that stands by.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::handler::instance::Instance;
use crate::handler::process::poll::{self, Wait, Woke};
use crate::handler::stopping::{GRACE, Stopping, end_by};
use crate::log;
use crate::os::Signals;

/// How long a handler may take to end once its stdin is closed, on a shell that has no more events.
const GOODBYE: Duration = Duration::from_secs(1);

/// How long a handler that has answered early may take to read the rest of its event.
const READING_ON: Duration = Duration::from_secs(1);

/// Two processes at most, and what is left of a third.
#[derive(Debug, Default)]
pub struct Pool {
    /// It gets the next event.
    pub current: Option<Box<Instance>>,
    pub standby: Option<Box<Instance>>,
    /// It has answered and is of no more use. What is left of it is killed once the answer has been posted.
    pub spent: Option<Box<Instance>>,
    /// A signal has told `bootstrap` to end, and the processes know.
    pub stopping: Option<Stopping>,
}

impl Pool {
    pub fn is_empty(&self) -> bool {
        self.current.is_none() && self.standby.is_none()
    }

    pub fn instances(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.current.iter_mut().chain(&mut self.standby).map(|instance| &mut **instance)
    }

    /// The process that is to get an event: it leaves.
    pub fn take(&mut self) -> Option<Box<Instance>> {
        self.current.take().or_else(|| self.standby.take())
    }

    /// The process that has had its event comes back. `keep`: it is fit for the next one.
    pub fn put_back(&mut self, mut instance: Box<Instance>, keep: bool) {
        if instance.process.stdin.is_done() {
            instance.process.stdin.let_go();
        }
        *(if keep { &mut self.current } else { &mut self.spent }) = Some(instance);
    }

    /// Those that have ended, or are of no more use: they leave.
    pub fn take_useless(&mut self) -> impl Iterator<Item = Box<Instance>> + '_ {
        let places = [&mut self.current, &mut self.standby];
        places.into_iter().filter_map(|place| place.take_if(|instance| instance.is_useless()))
    }

    /// Waits once, and deals with what the processes print meanwhile.
    pub fn wait(&mut self, wait: &Wait<'_>) -> io::Result<Woke> {
        let woke = match (&mut self.current, &mut self.standby) {
            (Some(current), Some(standby)) => poll::wait(&mut [&mut current.process, &mut standby.process], wait)?,
            (Some(one), None) | (None, Some(one)) => poll::wait(&mut [&mut one.process], wait)?,
            (None, None) => poll::wait(&mut [], wait)?,
        };
        for instance in self.instances() {
            instance.set_aside();
        }
        Ok(woke)
    }

    /// A handler that answered early gets the rest of its event, or is replaced: what it has not read would be part of
    /// the next one.
    pub fn read_on(&mut self) {
        let Some(instance) = &mut self.current else { return };
        let mut until = None;
        loop {
            // What it has not been given yet (that what it asked was refused) may find room at once: a wait would not tell.
            instance.process.stdin.write(false);
            if instance.process.stdin.is_done() || instance.process.ended {
                break;
            }
            let now = Instant::now();
            let until = *until.get_or_insert(now + READING_ON);
            if now >= until {
                break;
            }
            let wait = Wait { until: Some(until), ..Wait::default() };
            if poll::wait(&mut [&mut instance.process], &wait).is_err() {
                break;
            }
            instance.set_aside();
        }
        let stdin = &instance.process.stdin;
        if instance.process.ended || (stdin.is_done() && !stdin.is_broken()) {
            instance.process.stdin.let_go();
        } else {
            log::warn("the handler answered without reading its event to the end; it is replaced");
            self.current = None;
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Passes on a signal that has come, once.
    pub fn note_signal(&mut self, signals: &Signals) {
        if self.stopping.is_none()
            && let Some(signal) = signals.pending()
        {
            for instance in self.instances() {
                instance.process.signal(signal);
            }
            self.stopping = Some(Stopping::by(signal));
        }
    }

    /// Waits until then, or until a signal comes.
    pub fn pause(&mut self, until: Instant, signals: &Signals) {
        while Instant::now() < until && !self.is_stopping() {
            let _ = self.wait(&Wait { until: Some(until), signals: Some(signals), ..Wait::default() });
            self.note_signal(signals);
        }
    }

    /// Ends the processes, which have been told to end, at `kill_at`.
    pub fn end_by(&mut self, kill_at: Instant) {
        let _ = end_by(&mut self.instances().collect::<Vec<_>>(), kill_at);
        self.current = None;
        self.standby = None;
    }

    /// Ends the processes, for no other reason than that they are not needed any more. `end_of_file` is the end for a
    /// loop, but would be an empty event for a program that reads to it.
    pub fn let_go(&mut self, end_of_file: bool) {
        if end_of_file {
            for instance in self.instances() {
                instance.process.stdin.close();
            }
            let _ = end_by(&mut self.instances().collect::<Vec<_>>(), Instant::now() + GOODBYE);
        }
        for instance in self.instances() {
            if !instance.process.ended {
                instance.process.signal(Signal::SIGTERM);
            }
        }
        self.end_by(Instant::now() + GRACE);
    }
}
