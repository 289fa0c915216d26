//! The way of an event: from its source to the handler, and the answer back. It is the same for a worker that has a handler
//! of its own and for one that shares it with others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::fault::Fault;
use crate::handler::{Handler, Queue, Replies};
use crate::invocation::{Ahead, Answer, AnswerStream, Invocation};
use crate::log;
use crate::source::Source;

/// How much of a stream is read before its answer is begun.
const FIRST_PIECE: usize = 8 * 1024;

/// Whoever answers events: a handler of one's own, or one that is shared.
pub trait Answers {
    /// Carries out one exchange. The body of `invocation` is used up.
    fn exchange(&mut self, invocation: &mut Invocation) -> Result<Answer, Fault>;

    /// The next piece of an answer that is a stream; 0 is the end.
    fn stream(&mut self, deadline: Option<Instant>, piece: &mut [u8]) -> Result<usize, Fault>;

    /// Lambda has been told what came of the event, whose deadline this is: makes ready for the next one.
    fn told(&mut self, deadline: Option<Instant>) -> anyhow::Result<()>;

    /// Lambda could not be told, which ends the worker: an answer that was on its way is of no use any more.
    fn abandon(&mut self);

    /// An error once there is nobody who could answer. Why that is says more than how a wait for an event ended.
    fn is_alive(&self) -> anyhow::Result<()>;

    /// Whether a signal has told `bootstrap` to end.
    fn is_stopping(&self) -> bool;
}

/// Serves events until there are no more, or a signal says so. An error ends the worker.
pub fn serve(source: &mut dyn Source, handler: &mut dyn Answers) -> anyhow::Result<()> {
    loop {
        let next = source.next();
        if handler.is_stopping() && !matches!(next, Ok(Some(_))) {
            return Ok(());
        }
        handler.is_alive()?;
        let Some(mut invocation) = next? else { return Ok(()) };
        log::set_request(Some(&invocation));
        if let Err(error) = answer(source, handler, &mut invocation) {
            handler.abandon();
            return Err(error);
        }
        handler.told(invocation.deadline)?;
        log::set_request(None);
        if handler.is_stopping() {
            return Ok(());
        }
    }
}

/// Gives one event to the handler, and what comes of it to the source.
fn answer(source: &mut dyn Source, handler: &mut dyn Answers, invocation: &mut Invocation) -> anyhow::Result<()> {
    let exchanged = match invocation.fault.take() {
        Some(fault) => Err(fault),
        None => handler.exchange(invocation),
    };
    match exchanged {
        Ok(Answer::Whole(answer)) => source.respond(invocation, answer),
        Ok(Answer::Stream { content_type, begun, whole }) => {
            stream(source, handler, invocation, content_type.as_deref(), (begun, whole))
        }
        Err(fault) => report(source, invocation, &fault),
    }
}

/// Every error that is reported is also logged.
fn report(source: &mut dyn Source, invocation: &Invocation, fault: &Fault) -> anyhow::Result<()> {
    log::fault(fault);
    source.report(invocation, fault)
}

/// Passes on an answer that comes piece by piece. Before its first piece, a fault is an error like any other.
fn stream(
    source: &mut dyn Source,
    handler: &mut dyn Answers,
    invocation: &Invocation,
    content_type: Option<&str>,
    (begun, whole): (Vec<u8>, bool),
) -> anyhow::Result<()> {
    let mut stream = HandlerStream { handler, deadline: invocation.deadline, ahead: Ahead::default(), whole };
    if begun.is_empty() {
        let mut piece = vec![0; FIRST_PIECE];
        match stream.read(&mut piece) {
            Ok(length) => piece.truncate(length),
            Err(fault) => return report(source, invocation, &fault),
        }
        stream.ahead.push(piece);
    } else {
        stream.ahead.push(begun);
    }
    let sent = source.stream(invocation, content_type, &mut stream)?;
    if let Some(fault) = &sent {
        log::fault(fault);
    }
    Ok(())
}

/// The answer that the handler is giving.
struct HandlerStream<'a> {
    handler: &'a mut dyn Answers,
    deadline: Option<Instant>,
    /// What was read to see whether there is anything.
    ahead: Ahead,
    /// Nothing follows that.
    whole: bool,
}

impl AnswerStream for HandlerStream<'_> {
    fn read(&mut self, piece: &mut [u8]) -> Result<usize, Fault> {
        match self.ahead.read(piece) {
            Some(length) => Ok(length),
            None if self.whole => Ok(0),
            None => self.handler.stream(self.deadline, piece),
        }
    }
}

/// A worker's own handler. The source keeps it going while it waits, and nobody else holds it while events are served.
pub struct OwnHandler(pub Arc<Mutex<Handler>>);

impl OwnHandler {
    pub fn lock(&self) -> MutexGuard<'_, Handler> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers for OwnHandler {
    fn exchange(&mut self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        self.lock().exchange(invocation)
    }

    fn stream(&mut self, deadline: Option<Instant>, piece: &mut [u8]) -> Result<usize, Fault> {
        self.lock().stream(deadline, piece)
    }

    fn told(&mut self, deadline: Option<Instant>) -> anyhow::Result<()> {
        self.lock().renew(deadline)
    }

    fn abandon(&mut self) {
        self.lock().abandon();
    }

    fn is_alive(&self) -> anyhow::Result<()> {
        self.lock().is_alive()
    }

    fn is_stopping(&self) -> bool {
        self.lock().is_stopping()
    }
}

/// One worker's side of a handler that several share. Its thread looks after the handler, and ends with `bootstrap`.
pub struct SharedHandler {
    queue: Arc<Queue>,
    /// Where the rest of a streamed answer comes from.
    replies: Option<Replies>,
}

impl SharedHandler {
    pub fn new(queue: Arc<Queue>) -> Self {
        Self { queue, replies: None }
    }
}

impl Answers for SharedHandler {
    fn exchange(&mut self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        let (answer, replies) = self.queue.exchange(invocation)?;
        self.replies = Some(replies);
        Ok(answer)
    }

    fn stream(&mut self, _: Option<Instant>, piece: &mut [u8]) -> Result<usize, Fault> {
        self.replies.as_mut().map_or(Ok(0), |replies| replies.read(piece))
    }

    fn told(&mut self, _: Option<Instant>) -> anyhow::Result<()> {
        self.replies = None;
        self.queue.answered();
        Ok(())
    }

    fn abandon(&mut self) {
        self.queue.answered();
    }

    fn is_alive(&self) -> anyhow::Result<()> {
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        false
    }
}
