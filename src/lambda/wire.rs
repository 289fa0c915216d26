//! The connection under ureq: one socket that never blocks alone.
//!
//! ureq's own transport sleeps in `read` while `/next` is pending, which may be for hours; here the wait tends the
//! handler. It also sends the head and the body of a small request in one segment, and asks the system only after a
//! pause whether a kept connection is still open: at one event per 50 µs that is felt.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::buffers::{ROOM, WireBuffers};
use crate::idle::{self, Tended};

/// Headers are a few hundred bytes, unless the client context is large.
pub const LARGEST_HEADERS: usize = 1024 * 1024;

/// A server that has said something so recently has not closed the connection since, or is about to be found out.
const FRESH: Duration = Duration::from_millis(1);

/// What all connections share.
#[derive(Default)]
pub struct Wire {
    tended: OnceLock<Tended>,
    connections: AtomicU64,
    /// What is sent goes out at once, for somebody reads along.
    streaming: AtomicBool,
    /// What goes behind the last chunk.
    trailers: Mutex<Option<String>>,
    /// Whatever was tended has said that the wait is over for good.
    over: AtomicBool,
}

impl Wire {
    /// What is tended while a connection waits. Before this is said, it waits alone.
    pub fn tend(&self, tended: Tended) {
        let _ = self.tended.set(tended);
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// A body that is sent piece by piece begins.
    pub fn begin_stream(&self) {
        self.streaming.store(true, Ordering::Relaxed);
    }

    /// Header lines, each with its line end, to go behind the last chunk of the body under way. ureq knows no trailers:
    /// they are put in where it ends the body (RFC 9112, section 7.1.2).
    pub fn set_trailers(&self, lines: String) {
        *self.trailers.lock().unwrap_or_else(PoisonError::into_inner) = Some(lines);
    }

    pub fn end_stream(&self) {
        self.streaming.store(false, Ordering::Relaxed);
        self.trailers.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn take_trailers(&self) -> Option<String> {
        self.trailers.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_streaming(&self) -> bool {
        self.streaming.load(Ordering::Relaxed)
    }

    /// Whether there is nothing to wait for any more: a signal has come, or the handler is gone.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn wait_readable(&self, stream: &TcpStream) -> io::Result<()> {
        match self.tended.get() {
            Some(tended) => {
                idle::wait_readable(tended, stream.as_fd()).inspect_err(|_| self.over.store(true, Ordering::Relaxed))
            }
            None => wait(stream, PollFlags::POLLIN),
        }
    }
}

/// Whether the other end has closed the connection, or broken it off.
pub fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Io(error) if matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::NotConnected
    ))
}

/// Opens connections.
pub struct Dial(pub Arc<Wire>);

impl Connector<()> for Dial {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, Error> {
        let limit = details.timeout.not_zero().map_or(Duration::from_secs(1), |limit| *limit);
        let address = details.addrs.first().ok_or(Error::HostNotFound)?;
        let stream = TcpStream::connect_timeout(address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Connection {
            stream,
            wire: self.0.clone(),
            buffers: WireBuffers::default(),
            asked: false,
            heard: Instant::now(),
        }))
    }
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    wire: Arc<Wire>,
    buffers: WireBuffers,
    /// A request has just gone out: its answer cannot be there yet.
    asked: bool,
    /// When something last came.
    heard: Instant,
}

impl Connection {
    /// Sends what is held back.
    fn send(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.buffers.held);
        self.asked |= held > 0;
        send_all(&self.stream, &self.buffers.output[..held], self.wire.is_streaming())
    }

    /// Sends the end of a stream, with trailers before its last line end.
    fn send_end(&mut self, trailers: &str) -> io::Result<()> {
        self.buffers.held -= LAST_LINE.len();
        self.send()?;
        send_all(&self.stream, [trailers.as_bytes(), LAST_LINE].concat().as_slice(), true)
    }
}

/// The empty line that ends a chunked body.
const LAST_LINE: &[u8] = b"\r\n";

/// `strict`: that nobody reads any more is an error. Otherwise it is not yet: a server may refuse a large body before it
/// has read it, and what it says can still be read.
fn send_all(mut stream: &TcpStream, mut out: &[u8], strict: bool) -> io::Result<()> {
    while !out.is_empty() {
        match stream.write(out) {
            Ok(sent) => out = &out[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(stream, PollFlags::POLLOUT)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if !strict && is_closed(error.kind()) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_closed(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.buffers.held += amount;
        if self.wire.is_streaming() {
            let ends = self.buffers.output[..self.buffers.held].ends_with(b"0\r\n\r\n");
            match self.wire.take_trailers() {
                Some(trailers) if ends => self.send_end(&trailers)?,
                _ => self.send()?,
            }
        } else if self.buffers.output.len() - self.buffers.held < ROOM {
            self.send()?;
        }
        Ok(())
    }

    /// Without a time-out: `/next` has none, and every other call is answered at once.
    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        self.send()?;
        loop {
            if std::mem::take(&mut self.asked) {
                self.wire.wait_readable(&self.stream)?;
            }
            match (&self.stream).read(self.buffers.input_append_buf()) {
                Ok(got) => {
                    self.buffers.input_appended(got);
                    self.heard = Instant::now();
                    return Ok(got > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.asked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        if self.heard.elapsed() < FRESH {
            return true;
        }
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        recv(self.stream.as_raw_fd(), &mut [0], flags) == Err(Errno::EAGAIN)
    }
}

/// Addresses as they are written, and `localhost`: the Runtime API is on the loopback. Names are not asked for, since
/// the C library of a static binary would have to load parts of another one for that (getaddrinfo(3)).
#[derive(Debug)]
pub struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let address = address(uri).ok_or(Error::HostNotFound)?;
        let mut found = self.empty();
        found.push(address);
        Ok(found)
    }
}

/// The address that `uri` names, if it needs no look-up.
pub fn address(uri: &Uri) -> Option<SocketAddr> {
    let host = match uri.host()? {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host.trim_matches(['[', ']']).parse().ok()?,
    };
    Some(SocketAddr::new(host, uri.port_u16().unwrap_or(80)))
}

fn wait(stream: &TcpStream, events: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(stream.as_fd(), events)], PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

macro_rules! named_in_debug {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

// ureq asks for it, for its own log.
named_in_debug!(Dial, Connection);
