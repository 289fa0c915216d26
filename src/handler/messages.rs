//! An exchange by messages: for adapters and libraries. The headers of the event go in, and what comes out may be
//! anything that Lambda takes: other bytes than JSON, errors with a type, a content type.

use std::io;

use super::exchange::{self, Outcome, Streamed};
use super::message::{Broken, Item, Message, Stream};
use super::oneshot;
use super::process::Process;
use super::stderr::Stderr;
use super::watch::Watch;
use crate::fault::Fault;
use crate::invocation::{Answer, LARGEST_ANSWER, Whole};
use crate::log;

/// What a message holds is a program's output, of which JSON is made as in oneshot.
const OUTPUT: &str = "application/vnd.lambda-stdio.output";

const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";
const ERROR_CAUSE: &str = "Lambda-Runtime-Function-XRay-Error-Cause";
const REQUEST_ID: &str = "Lambda-Runtime-Aws-Request-Id";

/// Carries out one exchange with a process that was given the event `id` as a message.
pub fn exchange(process: &mut Process, id: &str, watch: &mut Watch<'_>) -> io::Result<Outcome> {
    loop {
        watch.pump(process, None)?;
        process.stdout.greet();
        loop {
            let is_other = |message: &Message| request_id(message).is_some_and(|other| other != id);
            match process.stdout.next_message() {
                Ok(Some(Item::Message { message, late })) if late || is_other(&message) => log_dropped(&message),
                // It will come as a whole message, and be dropped.
                Ok(Some(Item::StreamHead(head))) if is_other(&head) => {}
                Ok(Some(Item::Message { message, .. })) => {
                    process.settle_stderr();
                    process.stderr.flush();
                    process.answers += 1;
                    return Ok(match result(message, &process.stderr) {
                        Ok(answer) => Outcome::Answer(answer),
                        Err(fault) => Outcome::Fault { fault, keep: true },
                    });
                }
                Ok(Some(Item::StreamHead(head))) => {
                    process.answers += 1;
                    let content_type = head.header("Content-Type").map(str::to_owned);
                    return Ok(Outcome::Answer(Answer::Stream { content_type }));
                }
                Ok(None) => break,
                Err(broken) => return Ok(break_off(process, &broken)),
            }
        }
        if let Some(outcome) = end(process, watch)? {
            return Ok(outcome);
        }
    }
}

/// Waits for the next piece of an answer whose head has come.
pub fn stream(process: &mut Process, piece: &mut [u8], watch: &mut Watch<'_>) -> io::Result<Streamed> {
    loop {
        match process.stdout.stream(piece) {
            Ok(Stream::Piece(length)) => return Ok(Streamed::Piece(length)),
            Ok(Stream::End(message)) if message.header(ERROR_TYPE).is_some() => {
                let fault = result(message, &process.stderr).err().unwrap_or_else(|| Fault::exit("The answer failed"));
                return Ok(Streamed::Failed(Outcome::Fault { fault, keep: true }));
            }
            Ok(Stream::End(_)) => return Ok(Streamed::End),
            Ok(Stream::Waiting) => {}
            Err(broken) => return Ok(Streamed::Failed(break_off(process, &broken))),
        }
        if let Some(outcome) = end(process, watch)? {
            return Ok(Streamed::Failed(outcome));
        }
        watch.pump(process, None)?;
    }
}

/// Whether the process or its time came to an end.
fn end(process: &mut Process, watch: &mut Watch<'_>) -> io::Result<Option<Outcome>> {
    if process.is_silent() {
        return exchange::ended(process, "", watch).map(Some);
    }
    let seen = "its answer was not complete: it was still working (the function's timeout may be too short)";
    Ok(watch.is_over().then(|| exchange::timed_out(process, seen, watch)))
}

fn break_off(process: &mut Process, broken: &Broken) -> Outcome {
    let message = format!("The handler broke off its messages, and was replaced: {}", broken.0);
    exchange::give_up(process, Fault::marshal(message))
}

/// The event that a message is about, where it says so.
pub fn request_id(message: &Message) -> Option<&str> {
    message.header(REQUEST_ID)
}

/// Says that a message was no answer to anything. Its bytes may be an answer all the same: they are not logged.
pub fn log_dropped(message: &Message) {
    let id = request_id(message).map(|id| format!(" to {id}")).unwrap_or_default();
    log::warn(format_args!("an answer{id} of {} bytes was dropped: no such event is in flight", message.body.len()));
}

/// What a message says of its event: an answer, or an error. The process goes on.
pub fn result(message: Message, stderr: &Stderr) -> Result<Answer, Fault> {
    if let Some(length) = message.too_large {
        return Err(Fault::too_large(LARGEST_ANSWER, length, true));
    }
    let content_type = message.header("Content-Type").map(str::to_owned);
    let is_output = content_type.as_deref() == Some(OUTPUT);
    if let Some(error_type) = message.header(ERROR_TYPE) {
        let body = message.header(ERROR_BODY).map_or(message.body.as_slice(), str::as_bytes);
        let fault = match Fault::from_error_object(body) {
            Some(own) if is_output => own,
            None if is_output => {
                let text = String::from_utf8_lossy(body);
                Fault::new(error_type, text.strip_suffix('\n').unwrap_or(&text)).with_stack(stderr.stack())
            }
            _ => Fault::from_message(error_type, body, message.header(ERROR_CAUSE)),
        };
        return Err(fault);
    }
    if is_output {
        return oneshot::answer(message.body).map(Answer::json);
    }
    Ok(Answer::Whole(Whole { body: message.body, content_type }))
}
