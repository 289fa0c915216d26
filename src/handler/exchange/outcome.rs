//! What came of an exchange with one process, and the ends that all ways to talk have in common.

use std::io;
use std::time::{Duration, Instant};

use super::limits::Limits;
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::describe;
use crate::invocation::Answer;

/// How long a handler that has closed its stdout may take to exit, so that its status can be told.
const EXITING: Duration = Duration::from_secs(1);

/// What came of an exchange with one process.
#[derive(Debug)]
pub enum Outcome {
    Answer(Answer),
    /// An invocation error. `keep`: the process is fit for the next event.
    Fault {
        fault: Fault,
        keep: bool,
    },
    /// The process had ended before it read a byte of the event: the event is as good as new.
    Untouched,
    /// An answer, from a handler that had to be given end-of-file. `learn`: it was seen to wait for nothing else.
    ReadsToEnd {
        answer: Answer,
        learn: bool,
    },
    /// An invocation error, from a loop whose answer sits in a buffer of its own until it ends.
    Buffered(Fault),
}

impl Outcome {
    /// An error after which the process is of no more use. What it has printed of an answer is not for the log.
    pub fn give_up(instance: &mut Instance, fault: Fault) -> Self {
        instance.process.kill();
        instance.dialogue.drop_output(&mut instance.process.stdout.output);
        instance.flush_logs();
        Self::Fault { fault: fault.with_stack(instance.process.stderr.stack()), keep: false }
    }

    /// The handler's time is up. `seen` says what it was doing, and what may help.
    pub fn timed_out(instance: &mut Instance, seen: &str, limits: &Limits<'_>) -> Self {
        let reason = match limits.stopped_by() {
            Some(signal) => Fault::shutdown(signal.as_str()),
            None => Fault::timeout(limits.began.elapsed(), seen),
        };
        Self::give_up(instance, reason)
    }

    /// The process ended, or closed its stdout, without an answer. `hint` goes on after what happened.
    pub fn ended(instance: &mut Instance, hint: &str, limits: &mut Limits<'_>) -> io::Result<Self> {
        let exit_by = Instant::now() + EXITING;
        while !instance.process.ended && !limits.is_over() && Instant::now() < exit_by {
            limits.wait(instance, Some(exit_by))?;
        }
        let by_itself = instance.process.ended;
        if by_itself && !instance.process.stdin.was_read() && limits.stopped_by().is_none() {
            return Ok(Self::Untouched);
        }
        let status = describe(instance.process.kill());
        instance.flush_logs();
        if let Some(signal) = limits.stopped_by() {
            return Ok(Self::Fault { fault: Fault::shutdown(signal.as_str()), keep: false });
        }
        let what = if by_itself {
            format!("The handler ended with {status} before it had answered")
        } else {
            "The handler closed its stdout before it had answered, and was killed".to_owned()
        };
        let fault = Fault::exit(what + hint).with_stack(instance.process.stderr.stack());
        Ok(Self::Fault { fault, keep: false })
    }
}

/// What came of waiting for the next piece of a stream.
pub enum Streamed {
    Piece(usize),
    End,
    /// It failed; what of it was sent is all there is.
    Failed(Outcome),
}
