//! The queue in which workers put the events of a handler that works on several at once in one process, and wait for what
//! comes of them.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::fault::Fault;
use crate::handler::protocol::reply::INVOCATION_ID;
use crate::handler::protocol::{Input, Protocol};
use crate::invocation::{Answer, Invocation};

/// An event that was put in.
pub struct Request {
    pub key: Key,
    pub deadline: Option<Instant>,
    pub input: Input,
    /// Where its worker waits.
    pub reply: Sender<Result<Answer, Fault>>,
}

/// What tells an event from all others: two with the same request id can be in flight, of which Lambda tells one from
/// the other by an invocation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub invocation_id: Option<String>,
}

/// The workers' side of a shared handler.
pub struct Queue {
    requests: Mutex<Vec<Request>>,
    /// Wakes the handler's thread, which waits in its poll loop.
    wake: EventFd,
    workers: AtomicUsize,
    /// Events that were put in and not yet answered to Lambda.
    unanswered: AtomicUsize,
}

impl Queue {
    pub fn new(workers: usize) -> std::io::Result<Self> {
        Ok(Self {
            requests: Mutex::default(),
            wake: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            workers: AtomicUsize::new(workers),
            unanswered: AtomicUsize::new(0),
        })
    }

    /// Puts in an event, whose body is used up, and waits for what comes of it.
    pub fn exchange(&self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        let (reply, answer) = channel();
        let body = std::mem::take(&mut invocation.body);
        let request = Request {
            key: Key { id: invocation.id.clone(), invocation_id: invocation.header(INVOCATION_ID).map(str::to_owned) },
            deadline: invocation.deadline,
            input: Input::encode(Protocol::Messages, invocation, body),
            reply,
        };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        self.wake_up();
        answer.recv().unwrap_or_else(|_| Err(Fault::exit("The handler is gone")))
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
