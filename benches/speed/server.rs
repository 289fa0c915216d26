//! The Runtime API as every contender sees it: raw sockets and one buffer per connection, nothing allocated and little
//! looked at on the way, one thread for any number of connections. It costs less than what it measures, and the table says
//! how much.

use super::event::Event;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// So long may a contender take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long does a contender with one connection stay silent before the others are looked at: some open a second one after
/// hundreds of events.
const SILENCE: Duration = Duration::from_millis(50);
const ACCEPTED: &[u8] =
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";

/// The listener among the connections.
const LISTENER: u64 = u64::MAX;

/// What a contender has asked for.
#[derive(Debug, PartialEq)]
pub enum Request {
    Next,
    Answer,
    /// An error, at the start or for an event: the measurement is over.
    Other,
}

pub struct Server {
    listener: TcpListener,
    connections: Vec<Connection>,
    /// Where a connection was that has been closed.
    free: Vec<usize>,
    epoll: Epoll,
    /// Those that have something to say.
    ready: Vec<usize>,
    /// The one that asked last.
    pub current: usize,
    /// There is one connection, as far as can be seen: no need to ask which one has something to say.
    settled: bool,
}

impl Server {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).expect("epoll");
        let (connections, free, ready) = (Vec::new(), Vec::new(), Vec::new());
        Self { listener, connections, free, epoll, ready, current: 0, settled: false }
    }

    pub fn address(&self) -> String {
        self.listener.local_addr().expect("the server's address").to_string()
    }

    /// After some events: who has needed no second connection so far will probably never do.
    pub fn settle(&mut self) {
        if self.connections.len() == 1 && self.connections[0].requests > 2 {
            self.settled = true;
            self.connections[0].patience(SILENCE);
        }
    }

    /// The next request, whoever brings it.
    pub fn receive(&mut self) -> Request {
        if self.settled {
            if let Ok(Some(request)) = self.connections[0].receive() {
                return request;
            }
            self.settled = false;
            self.connections[0].patience(PATIENCE);
        }
        loop {
            self.wait();
            let connection = &mut self.connections[self.current];
            if let Ok(Some(request)) = connection.receive() {
                if connection.is_ahead() {
                    self.ready.push(self.current);
                }
                return request;
            }
            self.epoll.delete(&connection.stream).expect("epoll");
            self.free.push(self.current);
        }
    }

    /// Sets `current` to a connection that has something to say.
    fn wait(&mut self) {
        let mut events = [EpollEvent::empty(); 32];
        loop {
            if let Some(ready) = self.ready.pop() {
                self.current = ready;
                return;
            }
            let limit = EpollTimeout::try_from(PATIENCE).expect("a time-out");
            let number = self.epoll.wait(&mut events, limit).expect("epoll");
            assert!(number > 0, "nothing came within {PATIENCE:?}");
            for event in &events[..number] {
                match usize::try_from(event.data()) {
                    Ok(connection) if event.data() != LISTENER => self.ready.push(connection),
                    _ => self.welcome(),
                }
            }
        }
    }

    fn welcome(&mut self) {
        let (stream, _) = self.listener.accept().expect("a connection");
        let place = self.free.pop().unwrap_or(self.connections.len());
        self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, place as u64)).expect("epoll");
        if place == self.connections.len() {
            self.connections.push(Connection::new(stream));
        } else {
            self.connections[place].reuse(stream);
        }
    }

    pub fn send(&mut self, event: &Event) {
        self.connections[self.current].stream.write_all(event.bytes()).expect("the event is sent");
    }

    pub fn accept(&mut self) {
        self.connections[self.current].stream.write_all(ACCEPTED).expect("the answer is accepted");
    }

    /// The first line and the body of the last request.
    pub fn last(&self) -> (&[u8], &[u8]) {
        self.connections[self.current].last()
    }
}

/// One connection, and the request that came last.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// Where the last request's body begins and ends.
    body: (usize, usize),
    requests: usize,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("no delay");
        let new = Self { stream, buffer: vec![0; 1 << 16], filled: 0, body: (0, 0), requests: 0 };
        new.patience(PATIENCE);
        new
    }

    /// Another connection in its place; the buffer is kept.
    fn reuse(&mut self, stream: TcpStream) {
        let buffer = std::mem::take(&mut self.buffer);
        *self = Self { buffer, ..Self::new(stream) };
    }

    fn patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).expect("a time-out");
    }

    /// Whether more has been read than the last request.
    fn is_ahead(&self) -> bool {
        self.filled > self.body.1
    }

    fn last(&self) -> (&[u8], &[u8]) {
        let line = &self.buffer[..memchr::memchr(b'\r', &self.buffer[..self.body.0]).unwrap_or(0)];
        (line, &self.buffer[self.body.0..self.body.1])
    }

    /// Waits for a request and reads it to its end. None at the end of the connection, an error if none begins in time.
    fn receive(&mut self) -> io::Result<Option<Request>> {
        self.buffer.copy_within(self.body.1..self.filled, 0);
        self.filled -= self.body.1;
        self.body = (0, 0);
        let head = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer[..self.filled], b"\r\n\r\n") {
                break end + 4;
            }
            match self.read() {
                Ok(true) => {}
                Err(error) if self.filled == 0 => return Err(error),
                _ => return Ok(None),
            }
        };
        let (mut length, mut expects) = (0, false);
        for line in self.buffer[..head].split(|&byte| byte == b'\n') {
            if let Some(value) = field(line, b"content-length:") {
                length = value.trim().parse().expect("a length");
            }
            expects |= field(line, b"expect:").is_some();
            assert!(field(line, b"transfer-encoding:").is_none(), "this server wants a Content-Length");
        }
        let end = head + length;
        if self.buffer.len() < end {
            self.buffer.resize(end + (1 << 16), 0);
        }
        if expects && self.filled < end {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").expect("it goes on");
        }
        let began = Instant::now();
        while self.filled < end {
            match self.read() {
                Ok(true) => {}
                Err(_) if began.elapsed() < PATIENCE => {}
                _ => panic!("a request does not end, or ends early"),
            }
        }
        self.body = (head, end);
        self.requests += 1;
        let line = self.last().0;
        Ok(Some(if line.starts_with(b"GET ") && memchr::memmem::find(line, b"/invocation/next").is_some() {
            Request::Next
        } else if memchr::memmem::find(line, b"/response").is_some() {
            Request::Answer
        } else {
            Request::Other
        }))
    }

    fn read(&mut self) -> io::Result<bool> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        let got = match self.stream.read(&mut self.buffer[self.filled..]) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            got => got?,
        };
        self.filled += got;
        Ok(got > 0)
    }
}

/// The value of a header line, if it has this name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (start, value) = line.split_at_checked(name.len())?;
    if start.eq_ignore_ascii_case(name) { std::str::from_utf8(value).ok() } else { None }
}
