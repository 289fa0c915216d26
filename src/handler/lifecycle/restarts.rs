//! When a handler that could not be started is tried again, and when not any more.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::log;

/// After so many failed starts in a row `bootstrap` gives up, and Lambda replaces the sandbox.
const MOST_FAILURES: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The failed starts since the last success.
#[derive(Debug, Default)]
pub struct Restarts {
    failures: u32,
    /// Why the last one failed.
    pub last: Option<Fault>,
    /// Not before this.
    pub next: Option<Instant>,
    /// A person is editing the handler: once it has failed, it is started when something has changed.
    pub at_changes: bool,
}

impl Restarts {
    pub fn new(at_changes: bool) -> Self {
        Self { at_changes, ..Self::default() }
    }

    /// A process has shown that it works.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.at_changes);
    }

    /// A start has failed.
    pub fn failed(&mut self, fault: Fault) {
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
            assert!(
                left <= Duration::from_millis(pause) && left + Duration::from_secs(1) > Duration::from_millis(pause),
                "{left:?}"
            );
        }
        assert!(restarts.given_up().expect("given up").message.contains("5 times in a row"));
        restarts.succeeded();
        assert!(restarts.given_up().is_none() && restarts.next.is_none());
    }
}
