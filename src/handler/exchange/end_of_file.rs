//! Whether an undecided handler reads to end-of-file (`HANDLER_MODE=auto`), and what it answers once it gets that.
//!
//! A guess must never become a wrong success. So only a handler that waits for nothing else in the world, seen twice, is
//! taken for one that reads to end-of-file. Where that cannot be seen, it gets end-of-file when its time is nearly up: by then
//! there is nothing to lose, and nothing is learned from it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::limits::Limits;
use super::oneshot;
use super::outcome::Outcome;
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::Cadence;
use crate::handler::protocol::Dialogue;
use crate::invocation::{Answer, Invocation, LARGEST_ANSWER};
use crate::os;
use crate::process_tree::ProcessTree;

/// On a shell, where no event follows, a handler that has been quiet for so long gets end-of-file.
const QUIET: Duration = Duration::from_secs(1);

/// Why a handler gets end-of-file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It waits for nothing else.
    AtRest,
    /// Its time is nearly up, or nothing else will come; what it does cannot be seen.
    Unseen,
    /// The same, though it was seen to work.
    Working,
}

/// Watches an undecided handler while it has its event.
pub struct Search {
    cadence: Cadence,
    seen_before: bool,
    /// When it gets end-of-file whatever it is seen doing.
    early: Option<Instant>,
    /// No event follows, so that quiet counts.
    last: bool,
    /// It is the last event once nothing can come from here any more.
    further: Option<Arc<OwnedFd>>,
    quiet_since: Instant,
    printed: u32,
}

impl Search {
    pub fn new(invocation: &Invocation, half_margin: Duration, limits: &Limits<'_>) -> Self {
        Self {
            cadence: cadence(),
            seen_before: false,
            early: limits.answer_by.and_then(|by| by.checked_sub(half_margin)),
            last: invocation.is_last,
            further: invocation.further.clone(),
            quiet_since: Instant::now(),
            printed: 0,
        }
    }

    /// When to look next.
    pub fn next(&self) -> Instant {
        let quiet = self.last.then_some(self.quiet_since + QUIET);
        [Some(self.cadence.next), self.early, quiet].into_iter().flatten().min().unwrap_or(self.cadence.next)
    }

    /// Looks if it is time to, and says why the handler is to get end-of-file, if so. Twice in a row it must be seen at
    /// rest: the first look may have met a handler in passing.
    pub fn is_found(&mut self, instance: &Instance) -> Option<Proof> {
        let now = Instant::now();
        if instance.process.stdout.reads != self.printed {
            self.printed = instance.process.stdout.reads;
            self.quiet_since = now;
        }
        if !instance.process.stdin.is_done() {
            self.quiet_since = now;
        }
        if self.cadence.is_due() {
            self.last |= self.further.as_ref().is_some_and(|pipe| os::has_ended(pipe));
            if self.is_at_rest(instance.process.activity().at_rest) {
                return Some(Proof::AtRest);
            }
        }
        let late = self.early.is_some_and(|early| now >= early) || (self.last && now >= self.quiet_since + QUIET);
        // Half an event with its end would be another event.
        if !late || !instance.process.stdin.is_done() {
            return None;
        }
        Some(if ProcessTree::can_be_seen() { Proof::Working } else { Proof::Unseen })
    }

    /// Whether a look that saw it at rest, or not, is the second in a row that did. The second comes soon after the first.
    fn is_at_rest(&mut self, seen: bool) -> bool {
        let before = std::mem::replace(&mut self.seen_before, seen);
        if seen && !before {
            self.cadence = cadence();
        }
        seen && before
    }
}

fn cadence() -> Cadence {
    Cadence::new(Duration::from_millis(1), Duration::from_millis(200))
}

/// Gives the handler end-of-file and makes an answer of all that it prints.
pub fn collect(instance: &mut Instance, proof: Proof, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    instance.process.stdin.close();
    let scan = std::mem::take(&mut instance.dialogue.scan);
    let Some(whole) = scan.into_whole(&mut instance.process.stdout.output) else {
        let fault = Fault::too_large(LARGEST_ANSWER, LARGEST_ANSWER, false);
        return Ok(Outcome::give_up(instance, fault));
    };
    if Dialogue::is_greeting(&whole) {
        let message = "The handler said that it speaks messages after it had been given an event: it must say so before it first reads (HANDLER_READY_TIMEOUT_MS is how long it may take)";
        return Ok(Outcome::give_up(instance, Fault::marshal(message)));
    }
    instance.process.stdout.output = whole;
    Ok(match oneshot::collect(instance, limits)? {
        // A thread that was still at it may have ended with the others: what they said of it is no answer.
        Outcome::Answer(Answer::Whole(answer)) if proof == Proof::Working && answer.body.starts_with(b"\"") => {
            let message = "The handler was still working when its time was nearly up, was given end-of-file, and ended with text as its output: this may be no answer. Set HANDLER_MODE=oneshot if it is, or HANDLER_MODE=loop if it answers in JSON, a value per event";
            Outcome::give_up(instance, Fault::exit(message))
        }
        Outcome::Answer(answer) => {
            let learn = proof == Proof::AtRest && instance.process.ended;
            Outcome::ReadsToEnd { answer, learn }
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::Signals;

    #[test]
    fn only_two_looks_in_a_row_that_see_it_at_rest_are_a_proof() {
        let (signals, mut stopping) = (Signals::block().expect("signals"), None);
        let limits = Limits::of((&signals, &mut stopping, None), Instant::now(), None);
        let mut search = Search::new(&Invocation::default(), Duration::ZERO, &limits);
        let looks =
            [(true, false), (false, false), (true, false), (false, false), (false, false), (true, false), (true, true)];
        for (at, (seen, found)) in looks.into_iter().enumerate() {
            assert_eq!(search.is_at_rest(seen), found, "look {at}");
        }
    }

    #[test]
    fn on_a_shell_quiet_counts_from_the_last_sign_of_life() {
        let (signals, mut stopping) = (Signals::block().expect("signals"), None);
        let limits = Limits::of((&signals, &mut stopping, None), Instant::now(), None);
        let search = |is_last| Search::new(&Invocation { is_last, ..Invocation::default() }, Duration::ZERO, &limits);
        for is_last in [true, false] {
            let mut search = search(is_last);
            search.cadence.next += Duration::from_secs(60);
            let left = search.next().saturating_duration_since(search.quiet_since);
            assert_eq!(left == QUIET, is_last, "{left:?}");
        }
    }
}
