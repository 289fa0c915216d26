//! What may end an exchange from outside: its deadline, or a signal that ends `bootstrap`.

use std::io;
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::handler::instance::Instance;
use crate::handler::process::poll::{self, Wait};
use crate::handler::stopping::Stopping;
use crate::log;
use crate::os::Signals;

/// An exchange's limits, and what else is to be looked after during it.
pub struct Limits<'a> {
    pub signals: &'a Signals,
    pub stopping: &'a mut Option<Stopping>,
    /// When the handler must have answered.
    pub answer_by: Option<Instant>,
    /// A second process, which stands by.
    pub standby: Option<&'a mut Instance>,
    /// When the event was given.
    pub began: Instant,
    /// When the last wait for the process began.
    pub looked: Option<Instant>,
    /// When a person at a shell is told what a handler without an answer is seen doing: once.
    pub hint_at: Option<Instant>,
}

impl<'a> Limits<'a> {
    /// Of an exchange that began then. What it looks after besides its process comes from the handler's lifecycle.
    pub fn of(
        (signals, stopping, standby): (&'a Signals, &'a mut Option<Stopping>, Option<&'a mut Instance>),
        began: Instant,
        answer_by: Option<Instant>,
    ) -> Self {
        Self { signals, stopping, answer_by, standby, began, looked: None, hint_at: None }
    }

    /// The signals that end a wait: none once one has come.
    pub fn awaited_signals(&self) -> Option<&'a Signals> {
        self.stopping.is_none().then_some(self.signals)
    }

    /// Waits once for something to happen to `instance`, at most until `until` or the exchange's own end.
    pub fn wait(&mut self, instance: &mut Instance, until: Option<Instant>) -> io::Result<()> {
        let wait = Wait {
            until: [until, self.end(), self.hint_at].into_iter().flatten().min(),
            signals: self.awaited_signals(),
            ..Wait::default()
        };
        if self.hint_at.is_some_and(|hint_at| Instant::now() >= hint_at) {
            self.hint_at = None;
            log::info(format_args!(
                "no answer for {:.0} s: the handler {} (--quiet leaves this out, --timeout ends it)",
                self.began.elapsed().as_secs_f64(),
                instance.process.activity().seen
            ));
        }
        let woke = match &mut self.standby {
            Some(standby) => {
                let woke = poll::wait(&mut [&mut instance.process, &mut standby.process], &wait)?;
                standby.set_aside();
                woke
            }
            None => poll::wait(&mut [&mut instance.process], &wait)?,
        };
        self.looked = Some(woke.began);
        if woke.signal
            && let Some(signal) = self.signals.pending()
        {
            instance.process.signal(signal);
            if let Some(standby) = &self.standby {
                standby.process.signal(signal);
            }
            *self.stopping = Some(Stopping::by(signal));
        }
        Ok(())
    }

    /// Whether the handler's time is up, and it has been looked at since: the answer may have come in time while a sandbox
    /// was frozen, or `bootstrap` had to wait for the processor.
    pub fn is_over(&self) -> bool {
        self.end().zip(self.looked).is_some_and(|(end, looked)| looked >= end)
    }

    /// When the handler's time is up.
    fn end(&self) -> Option<Instant> {
        let kill_at = self.stopping.map(|stopping| stopping.kill_at);
        [self.answer_by, kill_at].into_iter().flatten().min()
    }

    /// Whether a signal ended its time, and which.
    pub fn stopped_by(&self) -> Option<Signal> {
        self.stopping.map(|stopping| stopping.signal)
    }
}
