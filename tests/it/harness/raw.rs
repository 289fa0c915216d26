//! A Runtime API of which the test is every byte: it accepts connections, reads requests, and sends what it likes.

use super::calls::Call;
use super::event::Event;
use super::function::Function;
use super::http::{self, Wire};
use super::watch::LIMIT;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::Linger;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, setsockopt, socket,
};
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// The address. Dropped, nobody listens there any more.
pub struct Raw(TcpListener);

impl Raw {
    pub fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The same at an address that is taken already, where connections are refused until this is called.
    pub fn listen_later() -> (SocketAddr, impl FnOnce() -> Self) {
        let taken = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        bind(taken.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
        let address: SockaddrIn = getsockname(taken.as_raw_fd()).unwrap();
        (SocketAddr::V4(address.into()), move || {
            listen(&taken, Backlog::MAXCONN).unwrap();
            Self(TcpListener::from(taken))
        })
    }

    /// The next connection.
    #[track_caller]
    pub fn accept(&self) -> Line {
        self.accept_within(LIMIT).expect("nobody connected")
    }

    /// The next connection, if there is one in this time.
    pub fn accept_within(&self, limit: Duration) -> Option<Line> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::try_from(limit).unwrap()).unwrap() == 0 {
            return None;
        }
        let stream = self.0.accept().unwrap().0;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Some(Line(BufReader::new(stream)))
    }
}

/// One connection.
pub struct Line(BufReader<TcpStream>);

impl Line {
    /// The next request: which call it is, about which event, and all the rest. `None`: it was closed, or broken off.
    pub fn read(&mut self) -> Option<(Call, String, Wire)> {
        let wire = http::read_request(&mut self.0, |_| {}).ok()??;
        let (call, id) = Call::of(&wire.method, &wire.path)?;
        Some((call, id, wire))
    }

    /// The next request must be this one.
    #[track_caller]
    pub fn expect(&mut self, call: Call) -> (String, Wire) {
        let (seen, id, wire) = self.read().expect("the connection was closed");
        assert_eq!(seen, call, "{} {}", wire.method, wire.path);
        (id, wire)
    }

    /// Reads so many bytes of whatever comes.
    #[track_caller]
    pub fn read_bytes(&mut self, count: usize) {
        self.0.read_exact(&mut vec![0; count]).unwrap();
    }

    /// Reads something; whether there was anything before the end.
    pub fn read_some(&mut self) -> bool {
        self.0.read(&mut [0; 8192]).is_ok_and(|got| got > 0)
    }

    /// Sends. Nobody need be there.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// Answers `/next` with this event.
    pub fn give(&mut self, event: &Event) {
        self.write(&given(event));
    }

    /// Answers a post: it was taken.
    pub fn take(&mut self) {
        self.write(&http::answer(202, &[], b"{\"status\":\"OK\"}", false));
    }

    /// Nothing more comes from here, but what is sent is still read. Nobody need be there.
    pub fn half_close(&mut self) {
        let _ = self.0.get_mut().shutdown(Shutdown::Write);
    }

    /// Breaks off: whoever still sends, or has not read all, finds the connection reset.
    pub fn reset(self) {
        setsockopt(self.0.get_ref(), Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    }
}

/// `/next`'s answer with this event.
pub fn given(event: &Event) -> Vec<u8> {
    http::answer(200, &event.headers_now(), &event.body, event.chunked)
}

impl Function {
    /// Has the function get its events from there.
    pub fn served_by(self, raw: &Raw) -> Self {
        self.env("AWS_LAMBDA_RUNTIME_API", raw.0.local_addr().unwrap().to_string())
    }
}
