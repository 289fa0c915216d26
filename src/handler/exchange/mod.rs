//! One exchange: an event given to one process, and what came of it. `line`, `oneshot`, `message`, `cgi` and `jsonrpc` each
//! have one way to talk; `end_of_file` finds out whether an undecided handler reads to end-of-file; `limits` and `outcome` are
//! what they share.

mod cgi;
mod end_of_file;
pub mod jsonrpc;
mod limits;
mod line;
mod message;
mod oneshot;
mod outcome;

use std::io;
use std::time::{Duration, Instant};

pub use self::limits::Limits;
pub use self::outcome::{Outcome, Streamed};
use super::instance::Instance;
use super::process::poll::{self, Wait};
use super::protocol::cgi::Page;
use super::protocol::jsonrpc::Event;
use super::protocol::{Input, Protocol};
use crate::fault::Fault;
use crate::invocation::{Answer, Invocation};
use crate::log;

/// What the wait for an event has found in a process's pipes is what there is, if it ended no longer ago than this.
const JUST_NOW: Duration = Duration::from_micros(50);

/// What the settings say of one exchange.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner<'a> {
    /// A oneshot's answer is streamed, as this content type.
    pub streaming: Option<&'a str>,
    /// How long before its deadline an undecided handler gets end-of-file.
    pub half_margin: Duration,
}

/// Gives an event to `instance`, in the way that it is talked with, and waits for what comes of it.
pub fn carry_out(
    instance: &mut Instance,
    invocation: &Invocation,
    event: Vec<u8>,
    manner: Manner<'_>,
    limits: &mut Limits<'_>,
) -> io::Result<Outcome> {
    // What has come until now is late: it belongs to the past.
    if instance.protocol().is_oneshot() {
        // Whether it has ended tells what its output is.
        let now = Wait { until: Some(Instant::now()), signals: limits.awaited_signals(), ..Wait::default() };
        poll::wait(&mut [&mut instance.process], &now)?;
    } else if limits.began.saturating_duration_since(instance.process.looked) > JUST_NOW {
        instance.process.empty_stdout();
    }
    instance.begin_event();
    let protocol = instance.protocol();
    if protocol == Protocol::Messages {
        instance.give_message(invocation, event);
    } else {
        instance.give(Input::encode(protocol, invocation, event));
    }
    if !protocol.is_oneshot() && instance.is_useless() {
        return Ok(Outcome::Untouched);
    }
    match protocol {
        // A process that was started for this very event may be right not to wait for it.
        _ if protocol.is_oneshot() && instance.process.ended && instance.started() <= limits.began => {
            Ok(Outcome::Untouched)
        }
        Protocol::Oneshot | Protocol::LearnedOneshot => match manner.streaming {
            Some(content_type) => oneshot::begin_stream(instance, content_type, limits),
            None => oneshot::collect(instance, limits),
        },
        Protocol::Messages => message::exchange(instance, &invocation.id, limits),
        // What these are given is no event: see below.
        Protocol::Cgi | Protocol::JsonRpc => Err(io::Error::other("there is no such exchange")),
        Protocol::Loop | Protocol::BufferedLoop => line::exchange(instance, None, limits),
        Protocol::Undecided => {
            let search = end_of_file::Search::new(invocation, manner.half_margin, limits);
            line::exchange(instance, Some(search), limits)
        }
    }
}

/// Gives a request's body to a CGI program that was started for it, and waits for the response, or for its beginning.
pub fn serve(
    instance: &mut Instance,
    page: Page,
    body: Vec<u8>,
    streaming: bool,
    limits: &mut Limits<'_>,
) -> io::Result<Outcome> {
    instance.begin_event();
    instance.process.stdin.give(body, true);
    if streaming { cgi::begin_stream(instance, page, limits) } else { cgi::collect(instance, page, limits) }
}

/// Gives an event to a JSON-RPC server, and waits for the answer, or for its beginning.
pub fn call(instance: &mut Instance, event: Event, limits: &mut Limits<'_>) -> io::Result<Outcome> {
    instance.process.empty_stdout();
    instance.begin_event();
    if instance.is_useless() {
        return Ok(Outcome::Untouched);
    }
    jsonrpc::exchange(instance, event, limits)
}

/// Waits for the next piece of an answer that is a stream.
pub fn stream(instance: &mut Instance, piece: &mut [u8], limits: &mut Limits<'_>) -> io::Result<Streamed> {
    match instance.protocol() {
        Protocol::Cgi => cgi::stream(instance, piece, limits),
        Protocol::JsonRpc => jsonrpc::stream(instance, piece, limits),
        Protocol::Messages => message::stream(instance, piece, limits),
        _ => oneshot::stream(instance, piece, limits),
    }
}

/// Prints what came of an exchange, for whoever asked for it (`HANDLER_TRACE=1`).
pub fn trace(result: &Result<Answer, Fault>) {
    match result {
        Ok(Answer::Whole(answer)) => log::trace('<', &answer.body),
        Ok(Answer::Stream { .. }) => log::trace('<', b"(a stream)"),
        Err(fault) => log::trace('<', &fault.body()),
    }
}
