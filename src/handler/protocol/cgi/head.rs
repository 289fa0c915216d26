//! The head of a CGI response (RFC 3875, 6): header lines that end with LF or CR LF, and an empty line. It comes in pieces of
//! any size, and each byte is looked at once.

use crate::http_event::{MOST_COOKIES, Response};

#[cfg(test)]
mod tests;

/// A head that goes on for longer is none.
const LONGEST: usize = 64 * 1024;

/// Why what a program printed is no CGI response. It is for the log; the caller sees a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// What the header lines say. The response's body is still empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub response: Response,
    /// `Content-Length`, where the program says one: what follows must keep it.
    pub length: Option<u64>,
}

/// Reads up to the empty line.
#[derive(Debug, Default)]
pub struct HeadReader {
    read: Vec<u8>,
    /// How far it was looked through for the ends of lines, and where the line begins that this is in.
    seen: usize,
    line: usize,
}

impl HeadReader {
    /// Takes the next piece. With the head complete, it comes with as much of the body as was in the piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<Option<(Head, Vec<u8>)>, Broken> {
        // Of a large piece only as much is kept as a head may have.
        let room = LONGEST.saturating_sub(self.read.len()).min(piece.len());
        let (taken, rest) = piece.split_at(room);
        self.read.extend_from_slice(taken);
        while let Some(found) = memchr::memchr(b'\n', &self.read[self.seen..]) {
            let end = self.seen + found;
            self.seen = end + 1;
            let line = &self.read[self.line..end];
            if matches!(line, b"" | b"\r") {
                let mut body = self.read.split_off(self.seen);
                body.extend_from_slice(rest);
                return Ok(Some((head(&self.read)?, body)));
            }
            // Text that is no header is known at its first line.
            if self.line == 0 && !line.contains(&b':') {
                return Err(no_header(line));
            }
            self.line = self.seen;
        }
        self.seen = self.read.len();
        if rest.is_empty() && self.read.len() < LONGEST { Ok(None) } else { Err(too_long()) }
    }

    /// The output ended before the head did.
    pub fn finish(&self) -> Broken {
        if self.read.is_empty() {
            return Broken(
                "the program printed nothing: a CGI response begins with a header like Content-Type".to_owned(),
            );
        }
        Broken(format!("the output ended before the empty line that ends the headers: {}", quoted(&self.read)))
    }
}

fn too_long() -> Broken {
    Broken(format!("the headers are not ended by an empty line within {} KiB", LONGEST / 1024))
}

fn no_header(line: &[u8]) -> Broken {
    Broken(format!(
        "the output does not begin with a header like Content-Type: text/html and an empty line: {}",
        quoted(line)
    ))
}

fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default();
    format!("{:?}", line.chars().take(100).collect::<String>())
}

/// The header lines, each with its end, and the empty line.
fn head(bytes: &[u8]) -> Result<Head, Broken> {
    let mut status = None;
    let mut response = Response::default();
    let mut length = None;
    let mut is_cgi = false;
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let (name, value) = field(line)?;
        let known = name.to_ascii_lowercase();
        match known.as_str() {
            "status" => {
                is_cgi = true;
                once(status.replace(status_code(&value)?).is_none(), &name)?;
            }
            "content-length" => {
                let digits = !value.is_empty() && value.len() < 19 && value.bytes().all(|byte| byte.is_ascii_digit());
                let said = digits.then(|| value.parse::<u64>().ok()).flatten();
                let said = said.ok_or_else(|| Broken(format!("Content-Length is no number of bytes: {value:?}")))?;
                once(length.replace(said).is_none_or(|other| other == said), &name)?;
            }
            "set-cookie" => response.cookies.push(value),
            // Whoever carries the response says how: these are not the program's.
            "connection" | "keep-alive" => {}
            "transfer-encoding" => {
                return Err(Broken("a CGI program sends its body as it is, without Transfer-Encoding".to_owned()));
            }
            _ => {
                if known == "content-type" || known == "location" {
                    is_cgi = true;
                    once(response.header(&known).is_none(), &name)?;
                }
                response.headers.push((name, value));
            }
        }
    }
    if !is_cgi {
        return Err(Broken(format!(
            "of the headers of a CGI response none is there (Content-Type, Location or Status): {}",
            quoted(bytes)
        )));
    }
    if response.cookies.len() > MOST_COOKIES {
        return Err(Broken(format!("there are more than {MOST_COOKIES} Set-Cookie headers")));
    }
    // A Location that is a path would, by the RFC, be a request of the server to itself. Here the caller makes it: it is the
    // same page, one more process either way, and no loop that nobody sees.
    let location = response.header("location").is_some();
    response.status = status.unwrap_or(if location { 302 } else { 200 });
    Ok(Head { response, length })
}

fn once(first: bool, name: &str) -> Result<(), Broken> {
    if first { Ok(()) } else { Err(Broken(format!("the header {name} is there twice"))) }
}

fn field(line: &[u8]) -> Result<(String, String), Broken> {
    let broken = || Broken(format!("a line among the headers is none: {}", quoted(line)));
    let colon = memchr::memchr(b':', line).ok_or_else(broken)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(is_token) {
        return Err(broken());
    }
    if value.iter().any(|&byte| byte != b'\t' && (byte < b' ' || byte == 0x7f)) {
        return Err(Broken(format!("a header has a control character in it: {}", quoted(line))));
    }
    // Other than UTF-8 it is Latin-1, as HTTP once had it.
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|&byte| char::from(byte)).collect(),
    };
    Ok((String::from_utf8_lossy(name).into_owned(), text))
}

/// `404` and what may follow it.
fn status_code(value: &str) -> Result<u16, Broken> {
    let digits = value.split(' ').next().unwrap_or_default();
    let code = if digits.len() == 3 { digits.parse().ok() } else { None };
    // What is below is no end of an exchange, and what is above HTTP does not have.
    code.filter(|code| (200..=599).contains(code))
        .ok_or_else(|| Broken(format!("Status is no status of a response: {value:?}")))
}
