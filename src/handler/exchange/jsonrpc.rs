//! An exchange with a JSON-RPC server that has one event at a time. A caller who came by HTTP hears of a fault as a
//! JSON-RPC error; the server is of no more use then, whoever asked.

use std::io;

use super::limits::Limits;
use super::outcome::{Outcome, Streamed};
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::protocol::jsonrpc::{Call, Event, Opened, Output, Session};
use crate::invocation::Answer;
use crate::log;

/// Gives the event to the server and waits for its answer, or for the beginning of that.
pub fn exchange(instance: &mut Instance, event: Event, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    let opened = instance.dialogue.talk.session.open(event);
    instance.process.stdin.add(opened.write);
    if let Some(output) = opened.output {
        return Ok(outcome(output, opened.streamed));
    }
    limits.wait(instance, None)?;
    Ok(match next(instance, opened.call, limits)? {
        Ok(output) => {
            instance.answers += u64::from(!instance.retired);
            instance.process.log_stderr_before_answer();
            instance.process.stderr.flush();
            if !output.last {
                instance.dialogue.talk.streamed = Some(opened.call);
            }
            outcome(output, opened.streamed)
        }
        Err(outcome) => outcome,
    })
}

/// Waits for the next piece of an answer that is being streamed.
pub fn stream(instance: &mut Instance, piece: &mut [u8], limits: &mut Limits<'_>) -> io::Result<Streamed> {
    loop {
        if let Some(length) = instance.dialogue.talk.ahead.read(piece) {
            return Ok(Streamed::Piece(length));
        }
        let Some(call) = instance.dialogue.talk.streamed else { return Ok(Streamed::End) };
        let output = match next(instance, call, limits)? {
            Ok(output) => output,
            Err(outcome) => return Ok(Streamed::Failed(outcome)),
        };
        let talk = &mut instance.dialogue.talk;
        talk.streamed = talk.streamed.filter(|_| !output.last);
        match output.bytes {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => talk.ahead.push(bytes),
            Err(fault) => return Ok(Streamed::Failed(Outcome::Fault { fault, keep: !instance.retired })),
        }
    }
}

/// What came of an event that no server could be started for.
pub fn refuse(event: Event, fault: &Fault) -> Result<Answer, Fault> {
    let Opened { output, streamed, .. } = Session::refuse(event, fault);
    match output {
        Some(Output { bytes: Ok(bytes), .. }) => {
            log::fault(fault);
            Ok(answer(bytes, streamed, true))
        }
        _ => Err(fault.clone()),
    }
}

/// An answer to a call, or the beginning of one.
pub fn answer(bytes: Vec<u8>, streamed: bool, last: bool) -> Answer {
    if streamed { Answer::http_stream(bytes, last) } else { Answer::json(bytes) }
}

fn outcome(output: Output, streamed: bool) -> Outcome {
    match output.bytes {
        Ok(bytes) => Outcome::Answer(answer(bytes, streamed, output.last)),
        Err(fault) => Outcome::Fault { fault, keep: true },
    }
}

/// Waits for the next output for the call. Where there will be none, a caller by HTTP is told so, and nobody else.
fn next(instance: &mut Instance, call: Call, limits: &mut Limits<'_>) -> io::Result<Result<Output, Outcome>> {
    loop {
        instance.set_aside();
        if instance.is_silent() {
            instance.dialogue.talk.hear_last(&mut instance.process.stdout.output);
        }
        while let Some(output) = instance.dialogue.talk.next() {
            if output.call == call {
                return Ok(Ok(output));
            }
        }
        let end = if let Some(fault) = instance.dialogue.talk.broken().cloned() {
            Outcome::give_up(instance, fault)
        } else if instance.is_silent() {
            Outcome::ended(instance, "", limits)?
        } else if limits.is_over() {
            Outcome::timed_out(instance, "it was still working (the function's timeout may be too short)", limits)
        } else {
            limits.wait(instance, None)?;
            continue;
        };
        let Outcome::Fault { fault, .. } = end else { return Ok(Err(end)) };
        instance.retired = true;
        return Ok(match instance.dialogue.talk.session.fail(call, &fault) {
            Some(output) if output.bytes.is_ok() => {
                log::fault(&fault);
                Ok(output)
            }
            _ => Err(Outcome::Fault { fault, keep: false }),
        });
    }
}
