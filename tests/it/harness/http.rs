//! As much HTTP/1.1 as a Runtime API needs: requests in, answers out, on a connection that is kept.

use super::calls::Call;
use super::event::Request;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read};
use std::time::Instant;

/// A client for servers on this machine, for which no status is a failure of its own.
pub fn client() -> ureq::Agent {
    ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().into()
}

/// A request as it stood on the wire. Trailers are among the headers.
pub struct Wire {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Wire {
    /// The same for the account of what was seen, as a call about this event. It has come now, and counts.
    pub fn request(self, call: Call, id: String) -> Request {
        Request {
            number: 0,
            call,
            id,
            method: self.method,
            path: self.path,
            headers: self.headers,
            body: self.body,
            connection: 0,
            at: Instant::now(),
            probe: String::new(),
            status: 0,
            counts: true,
        }
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The next request; `None` where the client has closed the connection between two of them. Each chunk of a body that
/// comes in chunks is shown to `on_chunk` as it comes.
pub fn read_request(stream: &mut impl BufRead, on_chunk: impl Fn(&[u8])) -> io::Result<Option<Wire>> {
    let Some(line) = read_line(stream)? else {
        return Ok(None);
    };
    let mut words = line.split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        return Err(io::Error::other(format!("not a request line: {line}")));
    };
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        headers.push(field(&line)?);
    }
    let body = if header(&headers, "Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        let (body, trailers) = read_chunks(stream, on_chunk)?;
        headers.extend(trailers);
        body
    } else {
        let length = header(&headers, "Content-Length").map_or(Ok(0), str::parse).map_err(io::Error::other)?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        body
    };
    Ok(Some(Wire { method: method.to_owned(), path: path.to_owned(), headers, body }))
}

fn read_line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\r\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).map(Some).map_err(io::Error::other)
}

fn field(line: &str) -> io::Result<(String, String)> {
    let (name, value) = line.split_once(':').ok_or_else(|| io::Error::other(format!("not a header: {line}")))?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// A body and the trailers behind it.
type Chunked = (Vec<u8>, Vec<(String, String)>);

fn read_chunks(stream: &mut impl BufRead, on_chunk: impl Fn(&[u8])) -> io::Result<Chunked> {
    let (mut body, mut trailers) = (Vec::new(), Vec::new());
    loop {
        let line = read_line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::from_str_radix(&line, 16).map_err(io::Error::other)?;
        if length == 0 {
            break;
        }
        let start = body.len();
        stream.by_ref().take(length as u64).read_to_end(&mut body)?;
        if body.len() < start + length || read_line(stream)?.is_none_or(|rest| !rest.is_empty()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        on_chunk(&body[start..]);
    }
    loop {
        let line = read_line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok((body, trailers));
        }
        trailers.push(field(&line)?);
    }
}

/// An answer's bytes; the body in chunks of an odd length where that is asked for.
pub fn answer(status: u16, headers: &[(String, String)], body: &[u8], chunked: bool) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if status == 204 {
        head.push_str("\r\n");
        return head.into_bytes();
    }
    if !chunked {
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        return [head.as_bytes(), body].concat();
    }
    head.push_str("Transfer-Encoding: chunked\r\n\r\n");
    let mut bytes = head.into_bytes();
    for chunk in body.chunks(777) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        410 => "Gone",
        413 => "Payload Too Large",
        _ => "Internal Server Error",
    }
}
