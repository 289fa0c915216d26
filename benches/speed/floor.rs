//! The floor: the least that a runtime with a handler process can do for an event. It asks, reads the event, finds its
//! request id, writes a line to the handler, reads its line, posts it, and reads that it was accepted. It knows nothing of
//! deadlines, logs, crashes or JSON, and does not even look for line breaks in the event.
//!
//! Six system calls for a small event: read, write, read, writev, read, write. Its buffers are kept.

use memchr::{memchr, memmem};
use nix::fcntl::{FcntlArg, fcntl};
use std::io::{IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

const NEXT: &[u8] = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: lambda\r\n\r\n";

/// A buffer, and how much of it is filled.
pub struct Buffer(pub Vec<u8>, pub usize);

impl Buffer {
    pub fn new() -> Self {
        Self(vec![0; 1 << 16], 0)
    }

    /// Reads once. False at the end of the file.
    pub fn read(&mut self, from: &mut impl Read) -> bool {
        if self.1 == self.0.len() {
            self.0.resize(self.1 * 2, 0);
        }
        let got = from.read(&mut self.0[self.1..]).unwrap_or(0);
        self.1 += got;
        got > 0
    }

    /// So many bytes have been dealt with.
    pub fn drop_first(&mut self, count: usize) {
        self.0.copy_within(count..self.1, 0);
        self.1 -= count;
    }
}

/// A message of HTTP in the buffer: where its body begins, and the value of a header. The body lies there to its end, with
/// room for one byte more. None at the end of the connection.
fn message(buffer: &mut Buffer, stream: &mut TcpStream, header: &[u8]) -> Option<(usize, std::ops::Range<usize>)> {
    buffer.1 = 0;
    let body = loop {
        if !buffer.read(stream) {
            return None;
        }
        if let Some(end) = memmem::find(&buffer.0[..buffer.1], b"\r\n\r\n") {
            break end + 4;
        }
    };
    let (mut at, mut length, mut found) = (0, 0, 0..0);
    while let Some(end) = memchr(b'\r', &buffer.0[at..body]) {
        let line = &buffer.0[at..at + end];
        if begins_with(line, b"Content-Length: ") {
            length = std::str::from_utf8(&line[16..]).ok()?.parse().ok()?;
        } else if !header.is_empty() && begins_with(line, header) {
            found = at + header.len()..at + end;
        }
        at += end + 2;
    }
    if buffer.0.len() <= body + length {
        buffer.0.resize(body + length + 1, 0);
    }
    while buffer.1 < body + length {
        if !buffer.read(stream) {
            return None;
        }
    }
    Some((body, found))
}

fn begins_with(line: &[u8], name: &[u8]) -> bool {
    line.len() >= name.len() && line[..name.len()].eq_ignore_ascii_case(name)
}

#[allow(clippy::zombie_processes)] // The server kills it, and the handler reads its end-of-file then.
pub fn run() {
    let handler = std::env::var("_HANDLER").expect("the handler");
    let mut handler =
        Command::new(handler).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the handler starts");
    let (mut stdin, mut stdout) =
        (handler.stdin.take().expect("its stdin"), handler.stdout.take().expect("its stdout"));
    // For large events; without it the two take turns more often.
    let _ = fcntl(stdin.as_fd(), FcntlArg::F_SETPIPE_SZ(1 << 18));
    let _ = fcntl(stdout.as_fd(), FcntlArg::F_SETPIPE_SZ(1 << 18));
    let mut stream =
        TcpStream::connect(std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the server")).expect("connects");
    stream.set_nodelay(true).expect("no delay");
    let (mut event, mut answer, mut accepted, mut head) = (Buffer::new(), Buffer::new(), Buffer::new(), Vec::new());
    while stream.write_all(NEXT).is_ok() {
        let Some((body, id)) = message(&mut event, &mut stream, b"Lambda-Runtime-Aws-Request-Id: ") else { return };
        let end = event.1;
        event.0[end] = b'\n';
        stdin.write_all(&event.0[body..=end]).expect("the event is written");
        answer.1 = 0;
        while answer.1 == 0 || answer.0[answer.1 - 1] != b'\n' {
            assert!(answer.read(&mut stdout), "the handler has ended");
        }
        let line = &answer.0[..answer.1 - 1];
        head.clear();
        head.extend_from_slice(b"POST /2018-06-01/runtime/invocation/");
        head.extend_from_slice(&event.0[id]);
        write!(head, "/response HTTP/1.1\r\nHost: lambda\r\nContent-Length: {}\r\n\r\n", line.len()).expect("memory");
        write_both(&mut stream, &head, line);
        if message(&mut accepted, &mut stream, b"").is_none() {
            return;
        }
    }
}

/// Both, in one system call if the socket takes them.
fn write_both(stream: &mut TcpStream, head: &[u8], body: &[u8]) {
    let sent = stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]).expect("the answer is posted");
    stream.write_all(head.get(sent..).unwrap_or_default()).expect("the head is posted");
    stream.write_all(&body[sent.saturating_sub(head.len())..]).expect("the answer is posted");
}
