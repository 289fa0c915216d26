//! The loop: one line in, one JSON value out, the process lives on.
//!
//! A handler that is still undecided (`HANDLER_MODE=auto`, no answer yet) is looked at meanwhile: one that has read all
//! of its event and goes on reading waits for the end of the file, and gets it.

use std::io;
use std::time::Duration;

use super::exchange::{self, Outcome};
use super::oneshot;
use super::process::Process;
use super::scan::{Found, Scan};
use super::sight::{Cadence, Sight};
use super::watch::Watch;
use crate::fault::Fault;
use crate::invocation::{Answer, LARGEST_ANSWER};

/// Carries out one exchange with a process that was given its line. `undecided`: it may turn out to read to
/// end-of-file.
pub fn exchange(process: &mut Process, undecided: bool, watch: &mut Watch<'_>) -> io::Result<Outcome> {
    let mut scan = Scan::new(undecided.then(|| process.stdout.take_early()));
    let mut filter = undecided.then(|| FilterWatch::new(process)).flatten();
    loop {
        watch.pump(process, filter.as_ref().map(|filter| filter.cadence.next))?;
        let silent = process.is_silent();
        if let Some(found) = scan.advance(&mut process.stdout.output, &mut process.stdout.stray, silent) {
            scan.release(&mut process.stdout.stray);
            return Ok(take(process, found));
        }
        if silent {
            scan.release(&mut process.stdout.stray);
            let hint = hint(process, &scan);
            return exchange::ended(process, &hint, watch);
        }
        if watch.is_over() {
            scan.release(&mut process.stdout.stray);
            let seen = doing(process, &scan);
            return Ok(exchange::timed_out(process, &seen, watch));
        }
        if filter.as_mut().is_some_and(|filter| filter.waits_for_end(process)) {
            process.stdin.close();
            process.stdout.output = scan.into_whole(&mut process.stdout.output);
            return Ok(match oneshot::collect(process, watch)? {
                Outcome::Answer(answer) => Outcome::ReadsToEnd(answer),
                other => other,
            });
        }
    }
}

/// Takes the answer out of the output; what is left of that goes to the log.
fn take(process: &mut Process, found: Found) -> Outcome {
    // What was written to stderr before the answer shall be in the log before it is posted.
    process.settle_stderr();
    process.answers += 1;
    match found {
        Found::Answer { value, rest } => {
            let body = if value.len() * 2 < process.stdout.output.capacity() {
                let body = process.stdout.output[value].to_vec();
                process.stdout.output.drain(..rest);
                body
            } else {
                // A large one is not copied.
                let left = process.stdout.output.split_off(rest);
                let mut body = std::mem::replace(&mut process.stdout.output, left);
                body.truncate(value.end);
                body.drain(..value.start);
                body
            };
            process.flush_logs();
            if let Some(fault) = Fault::from_error_object(&body) {
                return Outcome::Fault { fault, keep: true };
            }
            if std::str::from_utf8(&body).is_err() {
                let fault = Fault::marshal(
                    "The handler's answer is JSON but not UTF-8, which JSON must be: write UTF-8, or escape with \\u",
                );
                return Outcome::Fault { fault, keep: true };
            }
            Outcome::Answer(Answer::json(body))
        }
        Found::TooLarge { length, complete } => {
            process.stdout.output.clear();
            process.flush_logs();
            Outcome::Fault { fault: Fault::too_large(LARGEST_ANSWER, length, complete), keep: complete }
        }
    }
}

/// What the log cannot tell of a handler that ended without an answer.
fn hint(process: &Process, scan: &Scan) -> String {
    match (scan.text_seen(), scan.begun(&process.stdout.output)) {
        (_, Some(begun)) => format!("; it had printed the beginning of a JSON value: {begun}"),
        (Some(text), None) => {
            format!("; what it printed is not JSON: {text} (a program whose text is the answer: HANDLER_MODE=oneshot)")
        }
        (None, None) => String::new(),
    }
}

/// What a handler whose time is up was seen doing, and what may help.
fn doing(process: &Process, scan: &Scan) -> String {
    let reads_on = process.stdin.was_emptied() && Sight::of(process).is_some_and(|sight| sight.reads_on());
    match (scan.begun(&process.stdout.output), scan.text_seen()) {
        (Some(begun), _) if begun.trim().parse::<f64>().is_ok() => {
            format!("it printed {begun} without the line feed that ends a number")
        }
        (Some(begun), _) => format!("it printed a JSON value without its end: {begun}"),
        (None, Some(text)) => format!(
            "it printed text but no JSON: {text} (text goes to the log; print one JSON value per event, or set HANDLER_MODE=oneshot if the text is the answer)"
        ),
        (None, None) if reads_on => "it printed nothing and is still waiting on stdin: it either reads to end-of-file (set HANDLER_MODE=oneshot) or keeps its answer in a buffer (flush stdout after each answer; jq --unbuffered, sed -u, PYTHONUNBUFFERED=1)".to_owned(),
        (None, None) if !process.stdin.was_emptied() => {
            "there was no output, and it has not read all of the event (HANDLER_TRACE=1 shows each exchange)".to_owned()
        }
        (None, None) if !Sight::is_possible() => "there was no output, and there is no /proc to see what it waits for: if it reads to end-of-file, set HANDLER_MODE=oneshot".to_owned(),
        (None, None) => "there was no output: it was still working, or it answers elsewhere than on stdout (HANDLER_TRACE=1 shows each exchange; the function's timeout may be too short)".to_owned(),
    }
}

/// Watches for a handler that waits for end-of-file.
struct FilterWatch {
    sight: Sight,
    cadence: Cadence,
    seen_before: bool,
}

impl FilterWatch {
    fn new(process: &Process) -> Option<Self> {
        let cadence = Cadence::new(Duration::from_millis(1), Duration::from_millis(200));
        Some(Self { sight: Sight::of(process)?, cadence, seen_before: false })
    }

    /// Looks if it is time to. Twice in a row it must be seen: the first look may have met a handler in passing.
    fn waits_for_end(&mut self, process: &Process) -> bool {
        if !self.cadence.is_due() {
            return false;
        }
        let seen = process.stdin.was_emptied() && self.sight.waits_for_end();
        let twice = seen && self.seen_before;
        if seen && !self.seen_before {
            self.cadence = Cadence::new(Duration::from_millis(1), Duration::from_millis(200));
        }
        self.seen_before = seen;
        twice
    }
}
