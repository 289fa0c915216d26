//! The loop: one line in, one JSON value out, the process lives on.

use std::io;

use super::end_of_file::{self, Search};
use super::limits::Limits;
use super::outcome::Outcome;
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::protocol::scan::{Found, Scan};
use crate::invocation::{Answer, COPIED, LARGEST_ANSWER};
use crate::os;
use crate::process_tree::Activity;

/// Carries out one exchange with a process that was given its line. `search`: it is undecided, and may turn out to read
/// to end-of-file.
pub fn exchange(instance: &mut Instance, mut search: Option<Search>, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    loop {
        limits.wait(instance, search.as_ref().map(Search::next))?;
        let silent = instance.is_silent();
        let (dialogue, stdout) = (&mut instance.dialogue, &mut instance.process.stdout);
        if let Some(found) = dialogue.scan.advance(&mut stdout.output, &mut dialogue.text, silent) {
            dialogue.scan.release(&mut dialogue.text);
            return Ok(take(instance, found));
        }
        if let Some(length) = dialogue.scan.overflow() {
            return Ok(Outcome::give_up(instance, Fault::too_large(LARGEST_ANSWER, length, false)));
        }
        if silent {
            let hint = hint(instance);
            release(instance);
            return Outcome::ended(instance, &hint, limits);
        }
        if limits.is_over() {
            return Ok(timed_out(instance, limits));
        }
        if let Some(search) = &mut search
            && let Some(proof) = search.is_found(instance)
        {
            return end_of_file::collect(instance, proof, limits);
        }
    }
}

/// What was kept back is log text after all.
fn release(instance: &mut Instance) {
    instance.dialogue.scan.release(&mut instance.dialogue.text);
}

/// The handler's time is up. One that has answered before and waits for nothing but its next event has this answer in a
/// buffer.
fn timed_out(instance: &mut Instance, limits: &Limits<'_>) -> Outcome {
    let activity = instance.process.activity();
    let buffered = instance.keeps_answer(&activity) && limits.stopped_by().is_none();
    let seen = if buffered {
        "it waits for its next event, so its answer sits in a buffer: flush stdout after each answer".to_owned()
    } else {
        doing(instance, &activity)
    };
    release(instance);
    match Outcome::timed_out(instance, &seen, limits) {
        Outcome::Fault { fault, .. } if buffered => Outcome::Buffered(fault),
        outcome => outcome,
    }
}

/// Takes the answer out of the output; what is left of that goes to the log.
fn take(instance: &mut Instance, found: Found) -> Outcome {
    // What was written to stderr before the answer shall be in the log before it is posted.
    instance.process.log_stderr_before_answer();
    instance.answers += 1;
    let printed = &mut instance.process.stdout.output;
    match found {
        Found::Answer { value, rest } => {
            // The memory of the event, which has been written, is the answer's, or the next answer's.
            let mut memory = instance.process.stdin.take_memory();
            memory.clear();
            let body = if value.len() <= COPIED {
                memory.reserve_exact(value.len());
                memory.extend_from_slice(&printed[value]);
                printed.drain(..rest);
                if printed.capacity() > 2 * os::PIPE_SIZE {
                    // The large ones are over.
                    printed.shrink_to(os::PIPE_SIZE);
                }
                memory
            } else {
                memory.extend_from_slice(&printed[rest..]);
                let mut body = std::mem::replace(printed, memory);
                body.truncate(value.end);
                body.drain(..value.start);
                body
            };
            instance.flush_logs();
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
            printed.clear();
            instance.flush_logs();
            Outcome::Fault { fault: Fault::too_large(LARGEST_ANSWER, length, complete), keep: complete }
        }
    }
}

/// What the log cannot tell of a handler that ended without an answer.
fn hint(instance: &Instance) -> String {
    let scan = &instance.dialogue.scan;
    match (scan.text_seen(), scan.begun(&instance.process.stdout.output)) {
        (_, Some(begun)) => format!("; it had printed the beginning of a JSON value: {begun}"),
        (Some(text), None) => {
            format!("; what it printed is not JSON: {text} (a program whose text is the answer: HANDLER_MODE=oneshot)")
        }
        (None, None) => String::new(),
    }
}

/// What a handler whose time is up was seen doing, and what may help.
fn doing(instance: &Instance, activity: &Activity) -> String {
    let scan: &Scan = &instance.dialogue.scan;
    let emptied = instance.process.stdin.was_emptied();
    match (scan.begun(&instance.process.stdout.output), scan.text_seen()) {
        (Some(begun), _) if begun.trim().parse::<f64>().is_ok() => {
            format!("it printed {begun} without the line feed that ends a number")
        }
        (Some(begun), _) => format!("it printed a JSON value without its end: {begun}"),
        (None, Some(text)) => format!(
            "it printed text but no JSON: {text} (text goes to the log; print one JSON value per event, or set HANDLER_MODE=oneshot if the text is the answer)"
        ),
        (None, None) if !emptied => {
            "there was no output, and it has not read all of the event (HANDLER_TRACE=1 shows each exchange)".to_owned()
        }
        (None, None) if activity.at_rest => "it printed nothing and is still waiting on stdin: it either reads to end-of-file (set HANDLER_MODE=oneshot) or keeps its answer in a buffer (flush stdout after each answer; jq --unbuffered, sed -u, PYTHONUNBUFFERED=1)".to_owned(),
        (None, None) if activity.reads_stdin.is_none() => "there was no output, and what it does cannot be seen: if it reads to end-of-file, set HANDLER_MODE=oneshot".to_owned(),
        (None, None) => format!("there was no output: it {} (HANDLER_TRACE=1 shows each exchange; the function's timeout may be too short)", activity.seen),
    }
}
