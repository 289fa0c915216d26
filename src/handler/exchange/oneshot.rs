//! Oneshot: one process per event. The event and end-of-file in, all of stdout out, once it has exited with 0.

use std::io;
use std::time::{Duration, Instant};

use super::limits::Limits;
use super::outcome::{Outcome, Streamed};
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::describe;
use crate::handler::protocol::{Protocol, output};
use crate::invocation::{Answer, LARGEST_ANSWER};
use crate::json;

/// How far output that is too large is read, so that the process can come to its own end.
const READ_TO_END: usize = 4 * LARGEST_ANSWER;

/// A process that was given end-of-file on a guess, and neither ends nor prints any more for so long, has answered, if what
/// it printed is one JSON value. That is for a shell: where there is a deadline, it has until then.
const QUIET: Duration = Duration::from_secs(1);

/// Waits for the process to end and makes an answer of what it printed. It was given its event and end-of-file.
pub fn collect(instance: &mut Instance, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    // Whoever was seen to end after end-of-file has to end: until then, what is there may be the beginning.
    let may_stay = instance.protocol() == Protocol::Undecided;
    let waits_for_quiet = may_stay && limits.answer_by.is_none();
    let mut dropped = 0;
    let (mut length, mut since) = (0, Instant::now());
    while !instance.process.ended {
        limits.wait(instance, waits_for_quiet.then_some(since + QUIET))?;
        let printed = &mut instance.process.stdout.output;
        if printed.len() > LARGEST_ANSWER {
            dropped += printed.len();
            printed.clear();
        }
        if printed.len() != length {
            (length, since) = (printed.len(), Instant::now());
        }
        if instance.process.ended {
            break;
        }
        if dropped > READ_TO_END {
            return Ok(Outcome::give_up(instance, Fault::too_large(LARGEST_ANSWER, dropped, false)));
        }
        let over = limits.is_over();
        let quiet = waits_for_quiet && since.elapsed() >= QUIET;
        let settled = may_stay && (over || quiet) && limits.stopped_by().is_none();
        if settled && dropped == 0 && json::is_value(&instance.process.stdout.output) {
            let answer = std::mem::take(&mut instance.process.stdout.output);
            instance.process.kill();
            return Ok(whole(instance, answer));
        }
        if over {
            let seen = doing(instance);
            return Ok(Outcome::timed_out(instance, &seen, limits));
        }
        if settled {
            since = Instant::now();
        }
    }
    Ok(judge(instance, dropped, limits))
}

/// What the process that has ended has said by that.
fn judge(instance: &mut Instance, dropped: usize, limits: &Limits<'_>) -> Outcome {
    let unread = instance.started() < limits.began && !instance.process.stdin.was_read();
    let status = instance.process.exit_status();
    let well = status.is_some_and(|status| status.success());
    if unread && limits.stopped_by().is_none() && !well {
        // It stood by, and died before the event could reach it.
        return Outcome::Untouched;
    }
    let printed = std::mem::take(&mut instance.process.stdout.output);
    instance.process.stderr.flush();
    if let Some(signal) = limits.stopped_by()
        && !well
    {
        return Outcome::give_up(instance, Fault::shutdown(signal.as_str()));
    }
    if !well {
        return Outcome::give_up(instance, output::failed(&describe(status), &printed));
    }
    if dropped > 0 {
        return Outcome::give_up(instance, Fault::too_large(LARGEST_ANSWER, dropped + printed.len(), true));
    }
    if printed.is_empty() && instance.protocol() != Protocol::Oneshot {
        let message = "The handler read to end-of-file and printed nothing; HANDLER_MODE=oneshot if that is its answer";
        return Outcome::give_up(instance, Fault::exit(message));
    }
    whole(instance, printed)
}

fn whole(instance: &mut Instance, printed: Vec<u8>) -> Outcome {
    match output::answer(printed) {
        Ok(body) => Outcome::Answer(Answer::json(body)),
        Err(reason) => Outcome::give_up(instance, reason),
    }
}

/// Waits for the first bytes of an answer that is to be streamed. A process that ends without any is judged as ever.
pub fn begin_stream(instance: &mut Instance, content_type: &str, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    while instance.process.stdout.output.is_empty() && !instance.process.ended && !limits.is_over() {
        limits.wait(instance, None)?;
    }
    if instance.process.stdout.output.is_empty() {
        return collect(instance, limits);
    }
    Ok(Outcome::Answer(Answer::stream(Some(content_type.to_owned()))))
}

/// Waits for the next bytes of an answer that is being streamed: whatever is there.
pub fn stream(instance: &mut Instance, piece: &mut [u8], limits: &mut Limits<'_>) -> io::Result<Streamed> {
    loop {
        let printed = &mut instance.process.stdout.output;
        if !printed.is_empty() {
            let length = printed.len().min(piece.len());
            piece[..length].copy_from_slice(&printed[..length]);
            printed.drain(..length);
            return Ok(Streamed::Piece(length));
        }
        if instance.process.ended {
            let status = instance.process.exit_status();
            if status.is_some_and(|status| status.success()) {
                return Ok(Streamed::End);
            }
            let fault = output::failed(&describe(status), &[]);
            return Ok(Streamed::Failed(Outcome::give_up(instance, fault)));
        }
        if limits.is_over() {
            let seen = "its output had not ended: its answer is complete once it has exited";
            return Ok(Streamed::Failed(Outcome::timed_out(instance, seen, limits)));
        }
        limits.wait(instance, None)?;
    }
}

/// What a process whose time is up was seen doing, and what may help.
fn doing(instance: &Instance) -> String {
    let printed = match instance.process.stdout.output.len() {
        0 => "there was no output".to_owned(),
        bytes => format!("it had printed {bytes} bytes"),
    };
    let read = if instance.process.stdin.is_done() { "" } else { ", and it has not read all of the event" };
    format!(
        "{printed}{read}; its answer counts once it has exited (a program that answers and stays: HANDLER_MODE=loop)"
    )
}
