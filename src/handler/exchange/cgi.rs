//! An exchange with a CGI program, one process per request: the body and end-of-file in, header lines and a body out, which
//! count once it has exited with 0. A streamed answer begins when its head is there.

use std::io;

use super::limits::Limits;
use super::outcome::{Outcome, Streamed};
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::describe;
use crate::handler::protocol::cgi::{Broken, Page};
use crate::handler::protocol::output;
use crate::invocation::Answer;

/// Waits for the whole response of a process that was given its request.
pub fn collect(instance: &mut Instance, mut page: Page, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    loop {
        let pushed = page.push(&instance.process.stdout.output);
        instance.process.stdout.output.clear();
        if let Err(reason) = pushed {
            return Ok(break_off(instance, &reason));
        }
        if instance.process.ended {
            break;
        }
        if limits.is_over() {
            return Ok(timed_out(instance, limits));
        }
        limits.wait(instance, None)?;
    }
    Ok(end(instance, limits).unwrap_or_else(|| match page.finish() {
        Ok(answer) => Outcome::Answer(Answer::json(answer)),
        Err(reason) => break_off(instance, &reason),
    }))
}

/// Waits for the beginning of a response that is to be streamed.
pub fn begin_stream(instance: &mut Instance, page: Page, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    instance.dialogue.page = Some(page);
    Ok(match next(instance, 0, limits)? {
        Ok(begun) => Outcome::Answer(Answer::http_stream(begun, false)),
        Err(outcome) => outcome,
    })
}

/// Waits for the next bytes of a response that is being streamed.
pub fn stream(instance: &mut Instance, piece: &mut [u8], limits: &mut Limits<'_>) -> io::Result<Streamed> {
    Ok(match next(instance, piece.len(), limits)? {
        // The head has gone: what comes is as long as what was printed.
        Ok(bytes) if bytes.len() <= piece.len() => {
            piece[..bytes.len()].copy_from_slice(&bytes);
            if bytes.is_empty() { Streamed::End } else { Streamed::Piece(bytes.len()) }
        }
        Ok(_) => Streamed::Failed(Outcome::give_up(instance, Fault::marshal("The response had two heads"))),
        Err(outcome) => Streamed::Failed(outcome),
    })
}

/// The next bytes to pass on, made of so many at most; none is the end.
fn next(instance: &mut Instance, most: usize, limits: &mut Limits<'_>) -> io::Result<Result<Vec<u8>, Outcome>> {
    loop {
        let printed = &mut instance.process.stdout.output;
        let Some(page) = &mut instance.dialogue.page else { return Ok(Ok(Vec::new())) };
        let length = if page.has_begun() { printed.len().min(most) } else { printed.len() };
        let made = page.push_streamed(&printed[..length]);
        printed.drain(..length);
        match made {
            Ok(bytes) if !bytes.is_empty() => return Ok(Ok(bytes)),
            Ok(_) => {}
            Err(reason) => return Ok(Err(break_off(instance, &reason))),
        }
        if instance.process.ended && instance.process.stdout.output.is_empty() {
            if let Some(outcome) = end(instance, limits) {
                return Ok(Err(outcome));
            }
            let page = instance.dialogue.page.take();
            return Ok(match page.map_or_else(|| Ok(Vec::new()), Page::finish_streamed) {
                Ok(rest) => Ok(rest),
                Err(reason) => Err(break_off(instance, &reason)),
            });
        }
        if limits.is_over() {
            return Ok(Err(timed_out(instance, limits)));
        }
        if instance.process.stdout.output.is_empty() {
            limits.wait(instance, None)?;
        }
    }
}

/// What the end of the process means, unless all is well.
fn end(instance: &mut Instance, limits: &Limits<'_>) -> Option<Outcome> {
    let status = instance.process.exit_status();
    instance.process.stderr.flush();
    if status.is_some_and(|status| status.success()) {
        return None;
    }
    let fault = match limits.stopped_by() {
        Some(signal) => Fault::shutdown(signal.as_str()),
        None => output::failed(&describe(status), &[]),
    };
    Some(Outcome::give_up(instance, fault))
}

fn timed_out(instance: &mut Instance, limits: &Limits<'_>) -> Outcome {
    let read = if instance.process.stdin.is_done() { "" } else { ", and it has not read all of the request's body" };
    let seen = format!("a CGI program's response is complete once it has exited{read}");
    Outcome::timed_out(instance, &seen, limits)
}

fn break_off(instance: &mut Instance, Broken(reason): &Broken) -> Outcome {
    Outcome::give_up(instance, Fault::marshal(format!("What the handler printed is no CGI response: {reason}")))
}
