//! What may end an exchange from outside: its deadline, or a signal that ends `bootstrap`.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::process::Process;
use super::pump::{self, Wait};
use crate::os::Signals;

/// How long a handler has after SIGTERM or SIGINT before it is killed.
pub const GRACE: Duration = Duration::from_millis(300);

/// `bootstrap` has been told to end.
#[derive(Clone, Copy, Debug)]
pub struct Stopping {
    pub signal: Signal,
    /// When what is left of the handler is killed.
    pub kill_at: Instant,
}

impl Stopping {
    pub fn by(signal: Signal) -> Self {
        Self { signal, kill_at: Instant::now() + GRACE }
    }
}

/// An exchange's limits, and what else is to be looked after during it.
pub struct Watch<'a> {
    pub signals: &'a Signals,
    pub stopping: &'a mut Option<Stopping>,
    /// When the handler must have answered.
    pub answer_by: Option<Instant>,
    /// A second process, which waits for its turn.
    pub spare: Option<&'a mut Process>,
    pub began: Instant,
    /// When the last look at the process began.
    pub looked: Option<Instant>,
}

impl Watch<'_> {
    /// Waits once for something to happen to `process`, at most until `until` or the exchange's own end.
    pub fn pump(&mut self, process: &mut Process, until: Option<Instant>) -> io::Result<()> {
        let wait = Wait {
            until: [until, self.end()].into_iter().flatten().min(),
            signals: self.stopping.is_none().then_some(self.signals),
            ..Wait::default()
        };
        self.looked = Some(Instant::now());
        let woke = match &mut self.spare {
            Some(spare) => {
                let woke = pump::pump(&mut [process, spare], &wait)?;
                spare.stdout.set_aside();
                woke
            }
            None => pump::pump(&mut [process], &wait)?,
        };
        if woke.signal
            && let Some(signal) = self.signals.pending()
        {
            process.signal(signal);
            if let Some(spare) = &self.spare {
                spare.signal(signal);
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
