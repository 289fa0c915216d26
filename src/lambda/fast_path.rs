//! The two calls that every event makes, `/next` and `/response`, when they go as they nearly always do: over a kept
//! connection, with a short head, a `Content-Length` and a good status.
//!
//! ureq spends some 45,000 instructions on each call. Beside the floor of benches/README.md an event takes 2.5 times as long by it,
//! and 1.4 times without. So a request is written, and the head of its response read, by a few lines of our own, over ureq's
//! connection. Whatever is unusual (the first call, chunks, a refusal, a connection that is to be closed) is left to ureq, in the middle of the
//! call if need be: it finds its request sent, and what has come of the response.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use httparse::{Header, Response, Status};
use ureq::http::Uri;

use super::connection::{self, Connection, Expected};
use super::event;
use super::headers::{INVOCATION_ID, path_segment, status_of};
use super::http::{TRUSTED_LENGTH, USER_AGENT};
use super::transport::{Connections, MOST_HANDED_OVER};
use crate::invocation::{Headers, Invocation, REUSED};

/// More headers than Lambda sends; ureq takes 128.
const MOST_HEADERS: usize = 32;

/// A body up to this size is copied behind its head: one buffer is sent faster than two.
const MOST_COPIED: usize = 8 * 1024;

/// What came of a call.
pub enum Went<T> {
    Well(T),
    /// It is ureq's, which may find it begun.
    Unusual,
    /// The server has closed the connection, or broken it off, before it answered.
    Broken,
    /// The same, but behind its status: that counts, and the rest of the response is lost.
    Cut(u16),
}

impl<T> Went<T> {
    /// Goes on, if it went well.
    fn and_then<U>(self, go_on: impl FnOnce(T) -> anyhow::Result<U>) -> anyhow::Result<Went<U>> {
        match self {
            Self::Well(outcome) => go_on(outcome).map(Went::Well),
            Self::Unusual => Ok(Went::Unusual),
            Self::Broken => Ok(Went::Broken),
            Self::Cut(status) => Ok(Went::Cut(status)),
        }
    }
}

/// The calls of one worker.
pub struct FastPath {
    connections: Arc<Connections>,
    /// The request for the next event.
    next: Vec<u8>,
    /// What every answer begins with, up to the request id, and from there to its content type.
    post: String,
    behind_id: String,
    request: Vec<u8>,
    input: Vec<u8>,
    /// An answer that has been posted: its memory is the next event's.
    spare: Vec<u8>,
    /// Room for what will be said of the next event. It is made while the last one's is still there: musl gives memory back to the
    /// kernel when nothing is left in the piece that it came in.
    headers: Headers,
}

impl FastPath {
    /// For the Runtime API whose calls begin with `base`.
    pub fn new(connections: Arc<Connections>, base: &Uri) -> Self {
        let host = base.authority().map(ToString::to_string).unwrap_or_default();
        let path = format!("{}/invocation/", base.path());
        let common = format!("HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n");
        Self {
            connections,
            next: format!("GET {path}next {common}\r\n").into_bytes(),
            post: format!("POST {path}"),
            behind_id: format!("/response {common}Content-Type: "),
            request: Vec::new(),
            input: vec![0; MOST_HANDED_OVER],
            spare: Vec::new(),
            headers: Headers::default(),
        }
    }

    /// Makes ready for the next event: in the memory of what has been posted.
    pub fn renew(&mut self, posted: Vec<u8>) {
        self.headers = event::room_for_headers();
        if posted.capacity() <= REUSED {
            self.spare = posted;
        }
    }

    /// Asks for the next event. An error is one of the wait or of the event.
    pub fn next(&mut self) -> anyhow::Result<Went<Invocation>> {
        let Some(connection) = self.connections.kept() else { return Ok(Went::Unusual) };
        let good = |status| status == 200;
        let mut room = std::mem::take(&mut self.headers);
        let keep = |headers: &[Header<'_>]| event::headers_of(headers, std::mem::take(&mut room));
        let went = call(&connection, &self.next, &[], &mut self.input, Expected::Later, good, keep);
        went.context("the Runtime API's /next failed")?.and_then(|(head, came)| {
            let invocation = event::with_headers(head.kept)?;
            let memory = std::mem::take(&mut self.spare);
            let body = read_body(&connection, head.body_length, &self.input[head.length..came], memory);
            Ok(event::with_body(invocation, body))
        })
    }

    /// Posts an answer.
    pub fn respond(&mut self, invocation: &Invocation, content_type: &str, body: &[u8]) -> anyhow::Result<Went<()>> {
        let nonce = invocation.header(INVOCATION_ID);
        let Some(connection) = self.connections.kept() else { return Ok(Went::Unusual) };
        if !nonce.is_none_or(is_header_value) {
            return Ok(Went::Unusual);
        }
        let id = path_segment(&invocation.id);
        self.request.clear();
        for part in [&self.post, &*id, &self.behind_id, content_type, "\r\n"] {
            self.request.extend_from_slice(part.as_bytes());
        }
        for part in nonce.map_or([""; 4], |nonce| [INVOCATION_ID, ": ", nonce, "\r\n"]) {
            self.request.extend_from_slice(part.as_bytes());
        }
        let _ = write!(self.request, "Content-Length: {}\r\n\r\n", body.len());
        let (small, large) = if body.len() <= MOST_COPIED { (body, &[][..]) } else { (&[][..], body) };
        self.request.extend_from_slice(small);
        let good = |status| (200..300).contains(&status);
        let went = call(&connection, &self.request, large, &mut self.input, Expected::Soon, good, |_| ())?;
        went.and_then(|(head, came)| {
            // Its status is what counts. What else it says may be lost.
            let _ = read_body(&connection, head.body_length, &self.input[head.length..came], Vec::new());
            Ok(())
        })
    }
}

/// The head of a usual response.
struct Head<T> {
    /// Its own length, and how long the body behind it is.
    length: usize,
    body_length: usize,
    /// What the caller wants of its header lines.
    kept: T,
}

/// Sends a request and reads the head of its response; how much of `input` is filled comes with it. A response that is
/// not usual, or not `good`, is handed over to ureq.
fn call<T>(
    connection: &Connection,
    request: &[u8],
    body: &[u8],
    input: &mut [u8],
    expected: Expected,
    good: impl Fn(u16) -> bool,
    mut keep: impl FnMut(&[Header<'_>]) -> T,
) -> anyhow::Result<Went<(Head<T>, usize)>> {
    if connection.is_handed_over() {
        return Ok(Went::Unusual);
    }
    let mut filled = 0;
    let mut outcome = connection.send(request, body, false);
    while outcome.is_ok() && filled < input.len() {
        match connection.receive(&mut input[filled..], if filled == 0 { expected } else { Expected::Now }) {
            Ok(0) => outcome = Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(got) => filled += got,
            Err(error) => outcome = Err(error),
        }
        match read_head(&input[..filled], &good, &mut keep) {
            Read::Usual(head) => return Ok(Went::Well((head, filled))),
            Read::Partial => {}
            Read::Unusual => break,
        }
    }
    match outcome {
        Err(error) if filled == 0 && connection::is_broken(error.kind()) => {
            connection.break_off();
            Ok(Went::Broken)
        }
        Err(error) if !connection::is_broken(error.kind()) => Err(anyhow!(error)),
        Err(_) if status_of(&input[..filled]).is_some() => {
            connection.break_off();
            Ok(Went::Cut(status_of(&input[..filled]).unwrap_or_default()))
        }
        _ => {
            connection.hand_over(input[..filled].to_vec());
            Ok(Went::Unusual)
        }
    }
}

enum Read<T> {
    Usual(Head<T>),
    Partial,
    Unusual,
}

fn read_head<T>(input: &[u8], good: impl Fn(u16) -> bool, keep: impl FnOnce(&[Header<'_>]) -> T) -> Read<T> {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut headers);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Read::Partial,
        Err(_) => return Read::Unusual,
    };
    let usual = response.version == Some(1) && response.code.is_some_and(good);
    match body_length(response.headers).filter(|_| usual) {
        Some(body_length) => Read::Usual(Head { length, body_length, kept: keep(response.headers) }),
        None => Read::Unusual,
    }
}

/// How long the body is, if it is said once and plainly, and the connection stays open behind it.
fn body_length(headers: &[Header<'_>]) -> Option<usize> {
    let mut length = None;
    for header in headers {
        // Most servers write it like this, and to compare it as it is costs less.
        if header.name == "Content-Length" || header.name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(header.value).ok()?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && length.is_none();
            length = Some(digits.parse().ok().filter(|_| plain)?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding")
            || header.name.eq_ignore_ascii_case("connection") && !header.value.eq_ignore_ascii_case(b"keep-alive")
        {
            return None;
        }
    }
    length
}

/// Reads a body whose beginning has come already, into memory of which nothing is left. There is room behind it for the line feed that
/// makes a line of an event.
fn read_body(connection: &Connection, length: usize, come: &[u8], memory: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let mut body = memory;
    let come = &come[..come.len().min(length)];
    let trusted = length.min(usize::try_from(TRUSTED_LENGTH)?);
    if come.len() == length {
        body.clear();
        body.reserve_exact(length + 1);
        body.extend_from_slice(come);
        return Ok(body);
    }
    // What it holds is overwritten: to fill it with zeros again would cost as much as reading.
    body.resize(trusted + 1, 0);
    let mut filled = come.len();
    body[..filled].copy_from_slice(come);
    while filled < length {
        if filled == body.len() {
            body.resize((body.len() * 2).min(length + 1), 0);
        }
        let end = body.len().min(length);
        match connection.receive(&mut body[filled..end], Expected::Now) {
            Ok(got) if got > 0 => filled += got,
            ended => {
                connection.break_off();
                return Err(ended.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()).into());
            }
        }
    }
    body.truncate(length);
    Ok(body)
}

/// Whether it can stand in a header line as it is.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

#[cfg(test)]
mod tests;
