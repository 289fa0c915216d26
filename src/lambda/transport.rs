//! The connections under ureq. Its own would block without tending the handler, and it has no trailers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::buffers::{ROOM, TransportBuffers};
use super::connection::{self, Connection, Expected, Tending};
use super::headers::status_of;
use crate::log;

/// Headers are a few hundred bytes, unless the client context is large.
pub const LARGEST_HEADERS: usize = 1024 * 1024;

/// The most that is handed over of a response that another has begun to read.
pub const MOST_HANDED_OVER: usize = ROOM;

/// What all connections share.
#[derive(Default)]
pub struct Connections {
    pub tending: Arc<Tending>,
    /// The last one that was opened, as long as ureq keeps it for the next call.
    kept: Mutex<Weak<Connection>>,
    opened: AtomicU64,
    /// What is sent goes out at once, for somebody reads along.
    streaming: AtomicBool,
    /// What goes behind the last chunk.
    trailers: Mutex<Option<String>>,
    /// The status of a response that broke off behind it.
    cut: Mutex<Option<u16>>,
}

impl Connections {
    /// The connection that is kept for the next call, if there is one.
    pub fn kept(&self) -> Option<Arc<Connection>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        kept.filter(|connection| !connection.is_broken_off())
    }

    /// How many connections there have been.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// What is known of an earlier call says nothing of the one that begins.
    pub fn begin_call(&self) {
        self.take_cut();
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
        self.take_trailers();
    }

    /// The status of a response that broke off behind it, since this was asked last.
    pub fn take_cut(&self) -> Option<u16> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn take_trailers(&self) -> Option<String> {
        self.trailers.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_streaming(&self) -> bool {
        self.streaming.load(Ordering::Relaxed)
    }
}

/// Whether the other end has closed the connection, or broken it off.
pub fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Io(error) if connection::is_broken(error.kind()))
}

/// Opens connections.
pub struct Dialer(pub Arc<Connections>);

impl Connector<()> for Dialer {
    type Out = UreqTransport;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<UreqTransport>, Error> {
        let limit = details.timeout.not_zero().map_or(Duration::from_secs(1), |limit| *limit);
        let address = details.addrs.first().ok_or(Error::HostNotFound)?;
        let connection = Arc::new(self.open(address, limit)?);
        *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&connection);
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Some(UreqTransport {
            connection,
            connections: self.0.clone(),
            buffers: TransportBuffers::default(),
            asked: false,
            begun: Vec::new(),
        }))
    }
}

impl Dialer {
    /// A server that refuses at the very start is waited for: an emulator may be slower than the handler.
    fn open(&self, address: &SocketAddr, limit: Duration) -> io::Result<Connection> {
        let until = Instant::now() + AT_THE_START;
        let mut told = false;
        loop {
            match Connection::open(address, limit, self.0.tending.clone()) {
                Err(error)
                    if error.kind() == io::ErrorKind::ConnectionRefused
                        && self.0.opened() == 0
                        && Instant::now() < until
                        && !self.0.tending.is_over() =>
                {
                    if !std::mem::replace(&mut told, true) {
                        log::debug(format_args!("nobody listens at {address} yet; it is tried again for a second"));
                    }
                    thread::sleep(BETWEEN_ATTEMPTS);
                }
                opened => return opened,
            }
        }
    }
}

/// One connection, as ureq uses it.
pub struct UreqTransport {
    connection: Arc<Connection>,
    connections: Arc<Connections>,
    buffers: TransportBuffers,
    /// A request has just gone out: its answer cannot be there yet.
    asked: bool,
    /// The beginning of its response.
    begun: Vec<u8>,
}

/// How long a server that is not there yet is waited for, and how often it is looked for.
const AT_THE_START: Duration = Duration::from_secs(1);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// Enough for a status line.
const STATUS_LINE: usize = 128;

impl UreqTransport {
    /// Notes what has come of a response; `None` is its end, for which it may be too early.
    fn note(&mut self, come: Option<usize>) {
        let Some(come) = come.filter(|&come| come > 0) else {
            let status = status_of(&self.begun);
            *self.connections.cut.lock().unwrap_or_else(PoisonError::into_inner) = status;
            return;
        };
        let input = self.buffers.input();
        let new = &input[input.len() - come..];
        let room = STATUS_LINE.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(&new[..new.len().min(room)]);
    }

    /// Sends what is held back.
    fn send(&mut self) -> Result<(), Error> {
        let held = std::mem::take(&mut self.buffers.held);
        self.asked |= held > 0;
        Ok(self.connection.send(&self.buffers.output[..held], &[], self.connections.is_streaming())?)
    }

    /// Sends the end of a stream, with trailers before its last line end.
    fn send_end(&mut self, trailers: &str) -> Result<(), Error> {
        self.buffers.held -= LAST_LINE.len();
        self.send()?;
        Ok(self.connection.send(trailers.as_bytes(), LAST_LINE, true)?)
    }
}

/// The empty line that ends a chunked body.
const LAST_LINE: &[u8] = b"\r\n";

impl Transport for UreqTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        if self.connection.is_handed_over() {
            // This very request has been sent already.
            return Ok(());
        }
        self.buffers.held += amount;
        if self.connections.is_streaming() {
            let ends = self.buffers.output[..self.buffers.held].ends_with(b"0\r\n\r\n");
            match self.connections.take_trailers() {
                Some(trailers) if ends => self.send_end(&trailers)?,
                _ => self.send()?,
            }
        } else if self.buffers.output.len() - self.buffers.held < ROOM {
            self.send()?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        if let Some(come) = self.connection.take_over().filter(|come| !come.is_empty()) {
            self.buffers.input_append_buf()[..come.len()].copy_from_slice(&come);
            self.buffers.input_appended(come.len());
            self.begun.clear();
            self.note(Some(come.len()));
            return Ok(true);
        }
        self.send()?;
        if self.asked {
            self.begun.clear();
        }
        let got = {
            let asked = std::mem::take(&mut self.asked);
            let expected = if asked { Expected::Later } else { Expected::Now };
            self.connection.receive(self.buffers.input_append_buf(), expected)
        };
        self.buffers.input_appended(*got.as_ref().unwrap_or(&0));
        self.note(got.as_ref().ok().copied());
        Ok(got? > 0)
    }

    fn is_open(&mut self) -> bool {
        self.connection.is_open()
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
named_in_debug!(Dialer, UreqTransport);
