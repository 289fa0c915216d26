//! How often a process is looked at.

use std::time::{Duration, Instant};

/// When to look next: often at first, then ever more rarely.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    pub next: Instant,
    step: Duration,
    longest: Duration,
}

impl Cadence {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: Instant::now() + first, step: first, longest }
    }

    /// Whether it is time to look; if so, the next time is set.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = now >= self.next;
        if due {
            self.step = (self.step + self.step / 4).min(self.longest);
            self.next = now + self.step;
        }
        due
    }
}
