//! One exchange: an event given to one process, and what came of it.

use std::io;
use std::time::{Duration, Instant};

use super::parcel::Parcel;
use super::process::{Process, describe};
use super::pump::{self, Wait};
use super::watch::Watch;
use super::{Talk, loop_, messages, oneshot};
use crate::fault::Fault;
use crate::invocation::{Answer, Invocation};

/// How long a handler that has closed its stdout may take to exit, so that its status can be told.
const EXITING: Duration = Duration::from_secs(1);

/// What the wait for an event has found in a process's pipes is what there is, if it ended no longer ago than this.
const JUST_NOW: Duration = Duration::from_micros(50);

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
    /// An answer, from a handler that turned out to read to end-of-file.
    ReadsToEnd(Answer),
}

/// What came of waiting for the next piece of a stream.
pub enum Streamed {
    Piece(usize),
    End,
    /// It failed; what of it was sent is all there is.
    Failed(Outcome),
}

/// Gives an event to `process`, in the way that it talks, and waits for what comes of it. `streaming`: a oneshot's answer
/// is streamed, as this content type.
pub fn carry_out(
    process: &mut Process,
    invocation: &Invocation,
    event: Vec<u8>,
    streaming: Option<&str>,
    watch: &mut Watch<'_>,
) -> io::Result<Outcome> {
    // What has come until now is late: it belongs to the past.
    if process.stdout.talk == Talk::Oneshot {
        // Whether it has ended tells what its output is.
        pump::pump(&mut [process], &Wait { until: Some(Instant::now()), ..Wait::default() })?;
    } else if process.looked.elapsed() > JUST_NOW {
        process.empty_stdout();
    }
    process.stdout.begin_event();
    process.stderr.flush();
    process.stderr.begin_event();
    let talk = process.stdout.talk;
    process.stdin.give(Parcel::wrap(talk, invocation, event));
    match talk {
        // A oneshot process that was started for this very event may be right not to wait for it.
        Talk::Oneshot if !process.ended || process.started > watch.began => match streaming {
            Some(content_type) => oneshot::begin_stream(process, content_type, watch),
            None => oneshot::collect(process, watch),
        },
        _ if process.is_useless() => Ok(Outcome::Untouched),
        Talk::Messages => messages::exchange(process, &invocation.id, watch),
        Talk::Oneshot | Talk::Loop | Talk::Undecided => loop_::exchange(process, talk == Talk::Undecided, watch),
    }
}

/// Waits for the next piece of an answer that is a stream.
pub fn stream(process: &mut Process, piece: &mut [u8], watch: &mut Watch<'_>) -> io::Result<Streamed> {
    match process.stdout.talk {
        Talk::Oneshot => oneshot::stream(process, piece, watch),
        _ => messages::stream(process, piece, watch),
    }
}

/// The process ended, or closed its stdout, without an answer. `hint` goes on after what happened.
pub fn ended(process: &mut Process, hint: &str, watch: &mut Watch<'_>) -> io::Result<Outcome> {
    let exit_by = Instant::now() + EXITING;
    while !process.ended && !watch.is_over() && Instant::now() < exit_by {
        watch.pump(process, Some(exit_by))?;
    }
    let by_itself = process.ended;
    if by_itself && !process.stdin.was_read() && watch.stopped_by().is_none() {
        return Ok(Outcome::Untouched);
    }
    let status = describe(process.kill());
    process.flush_logs();
    if let Some(signal) = watch.stopped_by() {
        return Ok(Outcome::Fault { fault: Fault::shutdown(signal.as_str()), keep: false });
    }
    let what = if by_itself {
        format!("The handler ended with {status} before it had answered")
    } else {
        "The handler closed its stdout before it had answered, and was killed".to_owned()
    };
    Ok(Outcome::Fault { fault: Fault::exit(what + hint).with_stack(process.stderr.stack()), keep: false })
}

/// The handler's time is up. `seen` says what it was doing, and what may help.
pub fn timed_out(process: &mut Process, seen: &str, watch: &Watch<'_>) -> Outcome {
    let reason = match watch.stopped_by() {
        Some(signal) => Fault::shutdown(signal.as_str()),
        None => Fault::timeout(watch.began.elapsed(), seen),
    };
    give_up(process, reason)
}

/// An error after which the process is of no more use. What it has printed of an answer is not for the log.
pub fn give_up(process: &mut Process, fault: Fault) -> Outcome {
    process.kill();
    process.stdout.output.clear();
    process.flush_logs();
    Outcome::Fault { fault: fault.with_stack(process.stderr.stack()), keep: false }
}
