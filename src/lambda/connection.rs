//! One connection to the Runtime API: a socket that never blocks alone, since the wait for `/next`, which may take hours,
//! tends the handler.
//!
//! Two make calls over it in turns: ureq (`transport`), and `fast_path` for the two calls that every event makes.

use std::io::{self, IoSlice, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send, sendmsg};

use crate::idle::{self, CLOSED, Tended, Wanted};

/// How long the server may take for an answer whose deadline has passed.
const MOMENT: Duration = Duration::from_millis(300);

/// What is looked after while a connection waits.
#[derive(Default)]
pub struct Tending {
    tended: OnceLock<Tended>,
    /// Whatever was tended has said that the wait is over for good.
    over: AtomicBool,
    /// Until when a call must be over, if it must: an answer's, until its event's deadline.
    until: Mutex<Option<Instant>>,
}

impl Tending {
    /// Before this is said, connections wait alone.
    pub fn tend(&self, tended: Tended) {
        let _ = self.tended.set(tended);
    }

    /// Whether there is nothing to wait for any more: a signal has come, or the handler is gone.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// As long as what is returned lives, calls must be over by their event's `deadline`, or in a moment, where that has
    /// passed: what comes too late is posted all the same.
    #[must_use]
    pub fn limit(&self, deadline: Option<Instant>) -> Limit<'_> {
        self.set_limit(deadline.map(|deadline| deadline.max(Instant::now() + MOMENT)));
        Limit(self)
    }

    fn set_limit(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn wait(&self, stream: &TcpStream, to_write: bool) -> io::Result<()> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = Wanted { descriptor: stream.as_fd(), to_write, until, until_changed: false };
        let result = match self.tended.get() {
            Some(tended) => idle::wait(tended, wanted),
            None => wait_alone(wanted),
        };
        result.inspect_err(|error| {
            if error.kind() != io::ErrorKind::TimedOut {
                self.over.store(true, Ordering::Relaxed);
            }
        })
    }
}

/// A limit of calls, which ends with it.
pub struct Limit<'a>(&'a Tending);

impl Drop for Limit<'_> {
    fn drop(&mut self) {
        self.0.set_limit(None);
    }
}

/// How long a read blocks alone before it tends the handler.
const SOON: Duration = Duration::from_millis(20);

/// When something to read is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It may be there already.
    Now,
    /// An answer has gone out, which the server takes at once: one blocking read is cheaper than a poll and a read.
    Soon,
    /// The next event has been asked for.
    Later,
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    tending: Arc<Tending>,
    /// Nothing more can be asked over it.
    broken: AtomicBool,
    /// A request has been sent, and this is what has come of its response: whoever asks next finds it asked.
    handed_over: Mutex<Option<Vec<u8>>>,
}

impl Connection {
    pub fn open(address: &SocketAddr, limit: Duration, tending: Arc<Tending>) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SOON))?;
        Ok(Self { stream, tending, broken: AtomicBool::new(false), handed_over: Mutex::new(None) })
    }

    /// Sends `head` and `body`. `strict`: that nobody reads any more is an error. Otherwise it is not yet: a server may
    /// refuse a large body before it has read it, and what it says can still be read.
    pub fn send(&self, mut head: &[u8], mut body: &[u8], strict: bool) -> io::Result<()> {
        while !(head.is_empty() && body.is_empty()) {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            let sent = if body.is_empty() {
                send(self.stream.as_raw_fd(), head, flags)
            } else {
                let pieces = [IoSlice::new(head), IoSlice::new(body)];
                sendmsg::<()>(self.stream.as_raw_fd(), &pieces, &[], flags, None)
            };
            match sent.map_err(io::Error::from) {
                Ok(sent) => {
                    let of_head = sent.min(head.len());
                    (head, body) = (&head[of_head..], &body[sent - of_head..]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.tending.wait(&self.stream, true)?;
                    if self.is_closed_by_server() {
                        self.break_off();
                        return if strict { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) };
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if !strict && is_closed(error.kind()) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once, when there is something, which is expected then; 0 is the end.
    pub fn receive(&self, buffer: &mut [u8], mut expected: Expected) -> io::Result<usize> {
        loop {
            let got = match expected {
                Expected::Soon => (&self.stream).read(buffer),
                Expected::Now => self.read_now(buffer),
                Expected::Later => {
                    self.tending.wait(&self.stream, false)?;
                    self.read_now(buffer)
                }
            };
            match got {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => expected = Expected::Later,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?)
    }

    /// Whether the server has said that nothing more comes from it. Where it has not read what came before, no reset tells
    /// of that: the room that is waited for never comes.
    fn is_closed_by_server(&self) -> bool {
        let mut polled = [PollFd::new(self.stream.as_fd(), CLOSED)];
        poll(&mut polled, PollTimeout::ZERO).is_ok_and(|happened| happened > 0)
    }

    /// Whether a request can be sent over it, or has been.
    pub fn is_open(&self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        self.is_handed_over()
            || !self.is_broken_off() && recv(self.stream.as_raw_fd(), &mut [0], flags) == Err(Errno::EAGAIN)
    }

    /// Nothing more can be asked over it.
    pub fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub fn is_broken_off(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// A request has been sent, and `come` has come of its response.
    pub fn hand_over(&self, come: Vec<u8>) {
        *self.handed_over.lock().unwrap_or_else(PoisonError::into_inner) = Some(come);
    }

    pub fn take_over(&self) -> Option<Vec<u8>> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub fn is_handed_over(&self) -> bool {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Whether this says that the other end has closed the connection, or broken it off.
pub fn is_broken(kind: io::ErrorKind) -> bool {
    is_closed(kind)
        || matches!(kind, io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected)
}

fn is_closed(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Waits where there is nothing to tend.
fn wait_alone(wanted: Wanted<'_>) -> io::Result<()> {
    let events = wanted.events();
    loop {
        let timeout = match wanted.until {
            // A millisecond too long rather than none at all.
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
            None => PollTimeout::NONE,
        };
        match poll(&mut [PollFd::new(wanted.descriptor, events)], timeout) {
            Ok(0) if wanted.until.is_some_and(|until| Instant::now() >= until) => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
