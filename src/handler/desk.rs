//! Where workers hand in the events of a handler that works on several at once in one process, and wait for what comes of
//! them.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::Talk;
use super::parcel::Parcel;
use crate::fault::Fault;
use crate::invocation::{Answer, Invocation};

/// An event that was handed in.
pub struct Request {
    pub id: String,
    pub deadline: Option<Instant>,
    pub(super) parcel: Parcel,
    /// Where its worker waits.
    pub reply: Sender<Result<Answer, Fault>>,
}

/// The workers' side of a shared handler.
pub struct Desk {
    requests: Mutex<Vec<Request>>,
    /// Tells the handler's thread, which waits in its poll loop, to look here.
    bell: EventFd,
    workers: AtomicUsize,
    /// Events that were handed in and not yet answered to Lambda.
    unanswered: AtomicUsize,
}

impl Desk {
    pub fn new(workers: usize) -> std::io::Result<Self> {
        Ok(Self {
            requests: Mutex::default(),
            bell: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            workers: AtomicUsize::new(workers),
            unanswered: AtomicUsize::new(0),
        })
    }

    /// Hands in an event, whose body is used up, and waits for what comes of it.
    pub fn exchange(&self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        let (reply, answer) = channel();
        let body = std::mem::take(&mut invocation.body);
        let request = Request {
            id: invocation.id.clone(),
            deadline: invocation.deadline,
            parcel: Parcel::wrap(Talk::Messages, invocation, body),
            reply,
        };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        self.ring();
        answer.recv().unwrap_or_else(|_| Err(Fault::exit("The handler is gone")))
    }

    /// Lambda has been told what came of an event.
    pub fn answered(&self) {
        self.unanswered.fetch_sub(1, Ordering::SeqCst);
        self.ring();
    }

    /// A worker leaves for good.
    pub fn leave(&self) {
        self.workers.fetch_sub(1, Ordering::SeqCst);
        self.ring();
    }

    /// What was handed in since the last time.
    pub fn take(&self) -> Vec<Request> {
        let _ = self.bell.read();
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn is_deserted(&self) -> bool {
        self.workers.load(Ordering::SeqCst) == 0
    }

    pub fn is_clear(&self) -> bool {
        self.unanswered.load(Ordering::SeqCst) == 0
    }

    fn ring(&self) {
        // It fails only if it has been rung 2^64 times and nobody looked.
        let _ = self.bell.write(1);
    }
}

impl AsFd for Desk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
