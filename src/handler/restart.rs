//! Starting again what has ended: before the next event is asked for, with a pause after each failed start, and not
//! for ever.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::entrypoint::Program;
use super::launch::Started;
use super::process::{Process, describe};
use super::pump::{self, Wait};
use super::watch::Stopping;
use super::{Handler, Talk};
use crate::fault::Fault;
use crate::log;

/// After so many failed starts in a row `bootstrap` gives up, and Lambda replaces the sandbox.
const MOST_FAILURES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A process that ends idle, without one answer, before it is this old was not really started.
const YOUNG: Duration = Duration::from_secs(1);

/// How long a handler that has answered early may take to read the rest of its event.
const READING_ON: Duration = Duration::from_secs(1);

/// The failed starts since the last success.
#[derive(Debug, Default)]
pub struct Restarts {
    failures: u32,
    last: Option<Fault>,
    /// Not before this.
    pub next: Option<Instant>,
    /// A person is editing the handler: once it has failed, it is started when something has changed.
    at_changes: bool,
}

impl Restarts {
    pub fn new(at_changes: bool) -> Self {
        Self { at_changes, ..Self::default() }
    }

    pub fn succeeded(&mut self) {
        *self = Self::new(self.at_changes);
    }

    pub(super) fn failed(&mut self, fault: Fault) {
        if self.at_changes {
            log::error(format_args!(
                "the handler could not be started: {}: {}; it is started again when a file has changed",
                fault.error_type, fault.message
            ));
            self.last = Some(fault);
            return;
        }
        log::warn(format_args!("the handler could not be started: {}: {}", fault.error_type, fault.message));
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.next = Some(Instant::now() + pause);
        self.last = Some(fault);
    }

    /// Why there will be no more starts, if so; where a person is editing, none for now.
    pub fn given_up(&self) -> Option<Fault> {
        if self.at_changes {
            return self.last.clone();
        }
        let last = self.last.as_ref().filter(|_| self.failures >= MOST_FAILURES)?;
        let mut fault = last.clone();
        fault.message = format!(
            "The handler could not be started {} times in a row; the last time: {}",
            self.failures, last.message
        );
        Some(fault)
    }
}

impl Handler {
    /// The first start of `program`. A fault is an init error at once.
    pub(super) fn start_first(&mut self, program: Program) -> Result<(), Fault> {
        self.load(program)?;
        if !self.starts_ahead() {
            return Ok(());
        }
        self.current = self.start_once()?;
        if self.wants_spare() {
            self.spare = self.start_once()?;
        }
        Ok(())
    }

    fn start_once(&mut self) -> Result<Option<Process>, Fault> {
        match self.launch.start_ready(self.talk, None)? {
            Started::Ready(process) | Started::Starting(process) => Ok(Some(process)),
            Started::Finished => self.finished_early().map(|()| None),
        }
    }

    /// Makes the handler ready for the next event, as far as `by` allows. An error means that it cannot be.
    pub fn renew(&mut self, by: Option<Instant>) -> anyhow::Result<()> {
        self.read_on();
        // A handler that does not start has done nothing to the files.
        let worked = self.restarts.given_up().is_none();
        if worked {
            self.read_changes_after_work();
        } else {
            self.read_changes();
        }
        self.follow_changes();
        if let Some(process) = self.current.take_if(|process| process.is_useless()) {
            self.ended_idle(process);
        }
        if self.current.is_none() && self.starts_ahead() && !self.is_stopping() {
            self.current = self.spare.take().filter(|spare| !spare.is_useless());
            if self.current.is_none() {
                self.current = self.bring_up(true, by).ok().flatten();
            }
        }
        if self.spare.is_none() && self.wants_spare() && self.current.is_some() && !self.is_stopping() {
            self.spare = self.bring_up(true, by).ok().flatten();
        }
        if worked {
            // The next process may have written something at its start.
            self.read_changes_after_work();
        }
        self.busy = false;
        self.is_alive()
    }

    /// An error once the handler has been given up.
    pub fn is_alive(&self) -> anyhow::Result<()> {
        match self.restarts.given_up() {
            Some(fault) if !self.restarts.at_changes => bail!("{}: {}", fault.error_type, fault.message),
            _ => Ok(()),
        }
    }

    /// The process that gets an event now, which must be answered by `answer_by`.
    pub(super) fn process_for_event(&mut self, answer_by: Option<Instant>) -> Result<Process, Fault> {
        while let Some(process) = self.current.take().or_else(|| self.spare.take()) {
            if !process.is_useless() {
                return Ok(process);
            }
            self.ended_idle(process);
        }
        self.bring_up(false, answer_by)?.ok_or_else(|| Fault::exit("The handler could not be started"))
    }

    /// Whether a process is started before its event is there.
    pub(super) fn starts_ahead(&self) -> bool {
        self.talk != Talk::Oneshot || (self.config.standby != Some(false) && !self.needs_no_event)
    }

    /// Whether a second process stands by beside the one that has a loop.
    pub(super) fn wants_spare(&self) -> bool {
        self.talk != Talk::Oneshot && self.config.standby == Some(true)
    }

    /// Starts a process without waiting for it, if it is time to.
    pub(super) fn start_unattended(&mut self) -> Option<Process> {
        if self.restarts.next.is_some_and(|next| Instant::now() < next) || self.restarts.given_up().is_some() {
            return None;
        }
        self.launch.start(self.talk).map_err(|fault| self.restarts.failed(fault)).ok()
    }

    /// A process has ended between events: nothing is reported, and it is started again.
    pub(super) fn ended_idle(&mut self, mut process: Process) {
        let status = process.kill();
        process.flush_logs();
        let well = status.is_some_and(|status| status.success());
        let status = describe(status);
        if process.answers > 0 {
            if well {
                log::debug("the handler ended with exit status 0 after its answer; it is started again");
            } else {
                log::warn(format_args!("the handler ended with {status} after its answer; it is started again"));
            }
        } else if well && self.talk == Talk::Oneshot {
            self.note_needs_no_event();
        } else if process.started.elapsed() < YOUNG {
            let fault = Fault::exit(format!("The handler ended with {status} before it had read an event"));
            self.restarts.failed(fault.with_stack(process.stderr.stack()));
        } else {
            log::warn(format_args!("the handler ended with {status} while it was idle; it is started again"));
        }
    }

    /// Starts until a process is there, with pauses, until `until` or until it is given up. `ahead`: its event is not
    /// there yet; `None` if the handler is not started ahead.
    fn bring_up(&mut self, ahead: bool, until: Option<Instant>) -> Result<Option<Process>, Fault> {
        loop {
            if let Some(fault) = self.restarts.given_up() {
                return Err(fault);
            }
            if let Some(next) = self.restarts.next {
                self.pause(until.map_or(next, |until| until.min(next)));
            }
            if let Some(stopping) = &self.stopping {
                return Err(Fault::shutdown(stopping.signal.as_str()));
            }
            if let Some(last) = &self.restarts.last
                && until.is_some_and(|until| Instant::now() >= until)
            {
                let mut fault = last.clone();
                fault.message = format!("The handler could not be started in time: {}", last.message);
                return Err(fault);
            }
            let started = if self.starts_ahead() {
                self.launch.start_ready(self.talk, until)
            } else if ahead {
                return Ok(None);
            } else {
                self.launch.start(self.talk).map(Started::Ready)
            };
            match started {
                Ok(Started::Ready(process) | Started::Starting(process)) => return Ok(Some(process)),
                Ok(Started::Finished) => {
                    if let Err(fault) = self.finished_early() {
                        self.restarts.failed(fault);
                    }
                }
                Err(fault) => {
                    self.note_signal();
                    if !self.is_stopping() {
                        self.restarts.failed(fault);
                    }
                }
            }
        }
    }

    /// A start ended with exit status 0 before any event: right for a oneshot program, a fault for any other.
    fn finished_early(&mut self) -> Result<(), Fault> {
        if self.talk == Talk::Oneshot {
            self.note_needs_no_event();
            return Ok(());
        }
        Err(Fault::exit(
            "The handler ended with exit status 0 before it was ready for an event: it must wait for events on its stdin (a program that needs none: HANDLER_MODE=oneshot)",
        ))
    }

    fn note_needs_no_event(&mut self) {
        if !std::mem::replace(&mut self.needs_no_event, true) {
            log::info("the handler does not wait for its event: from now on it is started when the event is there");
        }
    }

    /// A handler that answered early gets the rest of its event, or is replaced: what it has not read would be part of
    /// the next one.
    fn read_on(&mut self) {
        let Some(process) = &mut self.current else { return };
        let until = Instant::now() + READING_ON;
        while !process.stdin.is_done() && !process.ended && Instant::now() < until {
            let wait = Wait { until: Some(until), ..Wait::default() };
            if pump::pump(&mut [process], &wait).is_err() {
                break;
            }
            process.stdout.set_aside();
        }
        if process.ended || (process.stdin.is_done() && !process.stdin.is_broken()) {
            process.stdin.take_back();
        } else {
            log::warn("the handler answered without reading its event to the end; it is replaced");
            self.current = None;
        }
    }

    fn pause(&mut self, until: Instant) {
        while Instant::now() < until && !self.is_stopping() {
            let wait = Wait { until: Some(until), signals: Some(&self.launch.signals), ..Wait::default() };
            let mut waiting: Vec<_> = self.spare.iter_mut().collect();
            let _ = pump::pump(&mut waiting, &wait);
            self.note_signal();
        }
    }

    /// Passes on a signal that has come, once.
    pub(super) fn note_signal(&mut self) {
        if self.stopping.is_none()
            && let Some(signal) = self.launch.signals.pending()
        {
            for process in self.current.iter().chain(&self.spare) {
                process.signal(signal);
            }
            self.stopping = Some(Stopping::by(signal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_end_after_five() {
        let mut restarts = Restarts::default();
        for (count, pause) in [100, 200, 400, 800, 1600].into_iter().enumerate() {
            assert!(restarts.given_up().is_none(), "after {count} failures");
            restarts.failed(Fault::exit("no"));
            let left = restarts.next.expect("a pause").saturating_duration_since(Instant::now());
            assert!(left <= Duration::from_millis(pause) && left + YOUNG > Duration::from_millis(pause), "{left:?}");
        }
        assert!(restarts.given_up().expect("given up").message.contains("5 times in a row"));
        restarts.succeeded();
        assert!(restarts.given_up().is_none() && restarts.next.is_none());
    }
}
