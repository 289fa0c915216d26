//! An exchange by messages: for adapters and libraries. The headers of the event go in, and what comes out may be
//! anything that Lambda takes: other bytes than JSON, errors with a type, a content type.

use std::io;

use super::limits::Limits;
use super::outcome::{Outcome, Streamed};
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::protocol::message::Message;
use crate::handler::protocol::reader::{Broken, Item, Stream};
use crate::handler::protocol::reply::{ERROR_TYPE, broken_fault, log_dropped, request_id, result};
use crate::invocation::Answer;

/// Carries out one exchange with a process that was given the event `id` as a message.
pub fn exchange(instance: &mut Instance, id: &str, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    loop {
        limits.wait(instance, None)?;
        loop {
            let is_other = |message: &Message| request_id(message).is_some_and(|other| other != id);
            match instance.dialogue.next_message(&mut instance.process.stdout.output) {
                Ok(Some(Item::Message { message, late })) if late || is_other(&message) => log_dropped(&message),
                // It will come as a whole message, and be dropped.
                Ok(Some(Item::StreamHead(head))) if is_other(&head) => {}
                Ok(Some(Item::Message { message, .. })) => {
                    instance.process.log_stderr_before_answer();
                    instance.process.stderr.flush();
                    instance.answers += 1;
                    return Ok(match result(message, || instance.process.stderr.stack()) {
                        Ok(answer) => Outcome::Answer(answer),
                        Err(fault) => Outcome::Fault { fault, keep: true },
                    });
                }
                Ok(Some(Item::StreamHead(head))) => {
                    instance.answers += 1;
                    let content_type = head.header("Content-Type").map(str::to_owned);
                    return Ok(Outcome::Answer(Answer::stream(content_type)));
                }
                Ok(None) => break,
                Err(broken) => return Ok(break_off(instance, &broken)),
            }
        }
        if let Some(outcome) = end(instance, limits)? {
            return Ok(outcome);
        }
    }
}

/// Waits for the next piece of an answer whose head has come.
pub fn stream(instance: &mut Instance, piece: &mut [u8], limits: &mut Limits<'_>) -> io::Result<Streamed> {
    loop {
        match instance.dialogue.stream(&mut instance.process.stdout.output, piece) {
            Ok(Stream::Piece(length)) => return Ok(Streamed::Piece(length)),
            Ok(Stream::End(message)) if message.header(ERROR_TYPE).is_some() => {
                let fault = result(message, || instance.process.stderr.stack())
                    .err()
                    .unwrap_or_else(|| Fault::exit("The answer failed"));
                return Ok(Streamed::Failed(Outcome::Fault { fault, keep: true }));
            }
            Ok(Stream::End(_)) => return Ok(Streamed::End),
            Ok(Stream::Waiting) => {}
            Err(broken) => return Ok(Streamed::Failed(break_off(instance, &broken))),
        }
        if let Some(outcome) = end(instance, limits)? {
            return Ok(Streamed::Failed(outcome));
        }
        limits.wait(instance, None)?;
    }
}

/// Whether the process or its time came to an end.
fn end(instance: &mut Instance, limits: &mut Limits<'_>) -> io::Result<Option<Outcome>> {
    if instance.is_silent() {
        return Outcome::ended(instance, "", limits).map(Some);
    }
    let seen = "it was still working (the function's timeout may be too short)";
    Ok(limits.is_over().then(|| Outcome::timed_out(instance, seen, limits)))
}

fn break_off(instance: &mut Instance, broken: &Broken) -> Outcome {
    Outcome::give_up(instance, broken_fault(broken))
}
