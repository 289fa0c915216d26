//! An exchange by messages: for adapters and libraries. The headers of the event go in, and what comes out may be
//! anything that Lambda takes: other bytes than JSON, errors with a type, a content type.

use std::io;

use super::exchange::{self, Outcome};
use super::message::Message;
use super::oneshot;
use super::process::Process;
use super::stderr::Stderr;
use super::watch::Watch;
use crate::fault::Fault;
use crate::invocation::{Answer, LARGEST_ANSWER};
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
            match process.stdout.next_message() {
                Ok(Some((message, late))) if late || message.header(REQUEST_ID).is_some_and(|other| other != id) => {
                    log_dropped(&message);
                }
                Ok(Some((message, _))) => {
                    process.empty_stderr();
                    process.stderr.flush();
                    process.answers += 1;
                    return Ok(outcome(message, &process.stderr));
                }
                Ok(None) => break,
                Err(broken) => {
                    let message = format!("The handler broke off its messages, and was replaced: {}", broken.0);
                    process.kill();
                    let fault = Fault::marshal(message).with_stack(process.stderr.stack());
                    return Ok(Outcome::Fault { fault, keep: false });
                }
            }
        }
        if process.is_silent() {
            return exchange::ended(process, "", watch);
        }
        if watch.is_over() {
            let seen = "there was no answer: it was still working (the function's timeout may be too short)";
            return Ok(exchange::timed_out(process, seen, watch));
        }
    }
}

/// Says that a message was no answer to anything. Its bytes may be an answer all the same: they are not logged.
pub fn log_dropped(message: &Message) {
    let id = message.header(REQUEST_ID).map(|id| format!(" to {id}")).unwrap_or_default();
    log::warn(format_args!("an answer{id} of {} bytes was dropped: no such event is in flight", message.body.len()));
}

fn outcome(message: Message, stderr: &Stderr) -> Outcome {
    if let Some(length) = message.too_large {
        return Outcome::Fault { fault: Fault::too_large(LARGEST_ANSWER, length, true), keep: true };
    }
    let content_type = message.header("Content-Type").map(str::to_owned);
    let is_output = content_type.as_deref() == Some(OUTPUT);
    if let Some(error_type) = message.header(ERROR_TYPE) {
        let body = message.header(ERROR_BODY).map_or(message.body.as_slice(), str::as_bytes);
        let fault = match Fault::from_error_object(body) {
            None if is_output => {
                let text = String::from_utf8_lossy(body);
                Fault::new(error_type, text.strip_suffix('\n').unwrap_or(&text)).with_stack(stderr.stack())
            }
            _ => Fault::from_message(error_type, body, message.header(ERROR_CAUSE)),
        };
        return Outcome::Fault { fault, keep: true };
    }
    if is_output {
        return match oneshot::answer(message.body) {
            Ok(body) => Outcome::Answer(Answer { body, content_type: None }),
            Err(fault) => Outcome::Fault { fault, keep: true },
        };
    }
    Outcome::Answer(Answer { body: message.body, content_type })
}
