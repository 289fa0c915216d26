//! One exchange: an event given to one process, and what came of it.

use std::io;
use std::time::Instant;

use super::process::Process;
use super::pump::{self, Wait};
use super::watch::Watch;
use super::{Talk, loop_, oneshot};
use crate::fault::Fault;
use crate::invocation::Answer;

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

/// Gives `event` to `process` in the way of `talk` and waits for what comes of it.
pub fn carry_out(process: &mut Process, event: Vec<u8>, talk: Talk, watch: &mut Watch<'_>) -> io::Result<Outcome> {
    // What has come until now is late: it belongs to the past.
    pump::pump(&mut [process], &Wait { until: Some(Instant::now()), ..Wait::default() })?;
    process.flush_logs();
    process.stderr.begin_event();
    match talk {
        Talk::Oneshot => process.stdin.give(event, true),
        Talk::Loop | Talk::Undecided => process.stdin.give(loop_::line(event), false),
    }
    match talk {
        // A oneshot process that was started for this very event may be right not to wait for it.
        Talk::Oneshot if !process.ended || process.started > watch.began => oneshot::collect(process, watch),
        _ if process.ended => Ok(Outcome::Untouched),
        Talk::Oneshot | Talk::Loop | Talk::Undecided => loop_::exchange(process, talk == Talk::Undecided, watch),
    }
}

/// The event that a process was given and has not read.
pub fn event_of_line(mut given: Vec<u8>, talk: Talk) -> Vec<u8> {
    if talk != Talk::Oneshot {
        // The line feed that made a line of it.
        given.pop();
    }
    given
}
