//! The queue in which workers put the events of a handler that works on several at once in one process, and wait for what
//! comes of them.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::reply::{self, Replies, ReplyTo};
use crate::fault::Fault;
use crate::handler::exchange;
use crate::handler::protocol::reply::INVOCATION_ID;
use crate::handler::protocol::{Input, Protocol, jsonrpc};
use crate::invocation::{Answer, Invocation};

/// An event that was put in.
pub struct Request {
    pub key: Key,
    pub deadline: Option<Instant>,
    pub given: Given,
    /// Where its worker waits.
    pub reply: ReplyTo,
}

/// An event, ready for the handler.
pub enum Given {
    Message(Input),
    /// As it was read and, where exchanges are printed, as it came.
    Call(Box<jsonrpc::Event>, Vec<u8>),
}

/// How the handler is talked with.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Messages,
    Calls { streaming: bool, traced: bool },
}

/// What tells an event from all others: two with the same request id can be in flight, of which Lambda tells one from
/// the other by an invocation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub invocation_id: Option<String>,
}

impl Given {
    /// Its bytes, for the log.
    pub fn event(&self) -> &[u8] {
        match self {
            Self::Message(input) => input.event(),
            Self::Call(_, event) => event,
        }
    }

    /// What comes of it where there is no process to give it to.
    pub fn refuse(self, fault: &Fault) -> Result<Answer, Fault> {
        match self {
            Self::Message(_) => Err(fault.clone()),
            Self::Call(event, _) => exchange::jsonrpc::refuse(*event, fault),
        }
    }
}

/// The workers' side of a shared handler.
pub struct Queue {
    kind: Kind,
    requests: Mutex<Vec<Request>>,
    /// Wakes the handler's thread, which waits in its poll loop.
    wake: EventFd,
    workers: AtomicUsize,
    /// Events that were put in and not yet answered to Lambda.
    unanswered: AtomicUsize,
}

impl Queue {
    pub fn new(workers: usize, kind: Kind) -> std::io::Result<Self> {
        Ok(Self {
            kind,
            requests: Mutex::default(),
            wake: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            workers: AtomicUsize::new(workers),
            unanswered: AtomicUsize::new(0),
        })
    }

    /// Puts in an event, whose body is used up, and waits for what comes of it: the answer or its beginning, and the way on
    /// which the rest comes.
    pub fn exchange(&self, invocation: &mut Invocation) -> Result<(Answer, Replies), Fault> {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        let (reply, replies) = reply::pair();
        let body = std::mem::take(&mut invocation.body);
        let given = match self.kind {
            Kind::Messages => Given::Message(Input::encode(Protocol::Messages, invocation, body)),
            Kind::Calls { streaming, traced } => {
                let event = jsonrpc::Event::read(&body, streaming)?;
                Given::Call(Box::new(event), if traced { body } else { Vec::new() })
            }
        };
        let request = Request {
            key: Key { id: invocation.id.clone(), invocation_id: invocation.header(INVOCATION_ID).map(str::to_owned) },
            deadline: invocation.deadline,
            given,
            reply,
        };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        self.wake_up();
        let answer = replies.first()?;
        Ok((answer, replies))
    }

    /// Lambda has been told what came of an event.
    pub fn answered(&self) {
        self.unanswered.fetch_sub(1, Ordering::SeqCst);
        self.wake_up();
    }

    /// A worker leaves for good.
    pub fn leave(&self) {
        self.workers.fetch_sub(1, Ordering::SeqCst);
        self.wake_up();
    }

    /// What was put in since the last time.
    pub fn take(&self) -> Vec<Request> {
        let _ = self.wake.read();
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn is_deserted(&self) -> bool {
        self.workers.load(Ordering::SeqCst) == 0
    }

    pub fn is_clear(&self) -> bool {
        self.unanswered.load(Ordering::SeqCst) == 0
    }

    fn wake_up(&self) {
        // It fails only after 2^64 times at which nobody looked.
        let _ = self.wake.write(1);
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
