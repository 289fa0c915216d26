//! The way of an event: from its source to the handler, and the answer back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::fault::Fault;
use crate::handler::{Desk, Handler};
use crate::invocation::{Ahead, Answer, AnswerStream, Invocation};
use crate::source::Source;
use crate::{log, snapstart};

/// How much of a stream is read before its answer is begun.
const FIRST_PIECE: usize = 8 * 1024;

/// Serves events until there are no more, or a signal says so. An error ends `bootstrap`.
pub fn serve(source: &mut dyn Source, handler: Handler) -> anyhow::Result<()> {
    let handler = Arc::new(Mutex::new(handler));
    source.tend(handler.clone());
    let served = match snapstart::lead(source, &handler) {
        Ok(true) => serve_events(source, &handler),
        ended => ended.map(drop),
    };
    lock(&handler).stop();
    served
}

fn serve_events(source: &mut dyn Source, handler: &Mutex<Handler>) -> anyhow::Result<()> {
    loop {
        let next = source.next();
        if lock(handler).is_stopping() && !matches!(next, Ok(Some(_))) {
            return Ok(());
        }
        // Why the handler is gone says more than how the wait for its event ended.
        lock(handler).is_alive()?;
        let Some(mut invocation) = next? else { return Ok(()) };
        log::set_request(Some(&invocation));
        let result = lock(handler).exchange(&mut invocation);
        match result {
            Ok(Answer::Whole(answer)) => source.respond(&invocation, &answer)?,
            Ok(Answer::Stream { content_type }) => stream(source, handler, &invocation, content_type.as_deref())?,
            Err(fault) => report(source, &invocation, &fault)?,
        }
        lock(handler).renew(invocation.deadline)?;
        log::set_request(None);
        if lock(handler).is_stopping() {
            return Ok(());
        }
    }
}

/// Serves events of one connection with a handler that other workers use at the same time.
pub fn serve_desk(mut source: impl Source, desk: &Desk) {
    if let Err(error) = serve_desk_events(&mut source, desk) {
        log::error(format_args!("a worker leaves: {error:#}"));
    }
    desk.leave();
}

fn serve_desk_events(source: &mut dyn Source, desk: &Desk) -> anyhow::Result<()> {
    while let Some(mut invocation) = source.next()? {
        log::set_request(Some(&invocation));
        let told = match desk.exchange(&mut invocation) {
            Ok(Answer::Whole(answer)) => source.respond(&invocation, &answer),
            Ok(Answer::Stream { .. }) => {
                let fault = Fault::marshal("A shared handler's answers are not streamed");
                report(source, &invocation, &fault)
            }
            Err(fault) => report(source, &invocation, &fault),
        };
        log::set_request(None);
        desk.answered();
        told?;
    }
    Ok(())
}

/// Every error that is reported is also logged.
fn report(source: &mut dyn Source, invocation: &Invocation, fault: &Fault) -> anyhow::Result<()> {
    log::fault(fault);
    source.report(invocation, fault)
}

/// Passes on an answer that comes piece by piece. Before its first piece, a fault is an error like any other.
fn stream(
    source: &mut dyn Source,
    handler: &Mutex<Handler>,
    invocation: &Invocation,
    content_type: Option<&str>,
) -> anyhow::Result<()> {
    let mut stream = HandlerStream { handler, deadline: invocation.deadline, ahead: Ahead::default() };
    let mut piece = vec![0; FIRST_PIECE];
    match stream.read(&mut piece) {
        Ok(length) => piece.truncate(length),
        Err(fault) => return report(source, invocation, &fault),
    }
    stream.ahead.push(piece);
    let sent = source.stream(invocation, content_type, &mut stream);
    match &sent {
        Ok(Some(fault)) => log::fault(fault),
        Ok(None) => {}
        // The rest of the answer would be in the next one's way.
        Err(_) => lock(handler).abandon(),
    }
    sent.map(drop)
}

/// The answer that the handler is giving.
struct HandlerStream<'a> {
    handler: &'a Mutex<Handler>,
    deadline: Option<Instant>,
    /// What was read to see whether there is anything.
    ahead: Ahead,
}

impl AnswerStream for HandlerStream<'_> {
    fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        match self.ahead.read(piece) {
            Some(length) => Ok(length),
            None => lock(self.handler).stream(self.deadline, piece),
        }
    }
}

/// Nobody else holds the handler while events are served: a source lets go of it when its wait is over.
pub fn lock(handler: &Mutex<Handler>) -> MutexGuard<'_, Handler> {
    handler.lock().unwrap_or_else(PoisonError::into_inner)
}
