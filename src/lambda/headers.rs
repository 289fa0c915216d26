//! The headers that answers and errors go out with, and other small parts of requests and responses.

use std::borrow::Cow;
use std::fmt::Write;

use crate::invocation::Invocation;

pub const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
pub const ERROR_CAUSE: &str = "Lambda-Runtime-Function-XRay-Error-Cause";
pub const INVOCATION_ID: &str = "Lambda-Runtime-Invocation-Id";

/// The longest header of a handler's own that is passed on.
const LONGEST_HEADER: usize = 16 * 1024;

pub fn error_headers(error_type: &str) -> [(&str, &str); 2] {
    [("Content-Type", "application/vnd.aws.lambda.error+json"), (ERROR_TYPE, error_type)]
}

/// `headers`, and the one that says which attempt at the event is answered, where Lambda counts them.
pub fn with_nonce<'a>(headers: &[(&'a str, &'a str)], invocation: &'a Invocation) -> Vec<(&'a str, &'a str)> {
    let nonce = invocation.header(INVOCATION_ID).map(|nonce| (INVOCATION_ID, nonce));
    headers.iter().copied().chain(nonce).collect()
}

/// A request id as a segment of a path, whatever it is made of (RFC 3986, section 3.3): two dots would be another path.
pub fn path_segment(id: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if id.bytes().all(is_plain) && !matches!(id, "" | "." | "..") {
        return Cow::Borrowed(id);
    }
    let mut segment = String::with_capacity(id.len() * 3);
    for byte in id.bytes() {
        if is_plain(byte) && byte != b'.' {
            segment.push(char::from(byte));
        } else {
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    Cow::Owned(segment)
}

/// The status, if its line has come whole.
pub fn status_of(response: &[u8]) -> Option<u16> {
    let end = memchr::memchr(b'\n', response)?;
    let line = std::str::from_utf8(&response[..end]).ok()?.strip_prefix("HTTP/1.")?;
    let status = line.split_ascii_whitespace().nth(1)?;
    status.parse().ok().filter(|_| status.len() == 3)
}

/// A handler may call its error what it likes; a header takes visible ASCII only, and not without end.
pub fn header_value(text: &str) -> String {
    text.chars()
        .take(LONGEST_HEADER)
        .map(|character| if character.is_ascii_graphic() || character == ' ' { character } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_a_path_whatever_it_is_made_of() {
        for (id, segment) in [
            ("8476a536-e9f4", "8476a536-e9f4"),
            ("a b#c", "a%20b%23c"),
            ("..", "%2E%2E"),
            ("a/../../x?y", "a%2F%2E%2E%2F%2E%2E%2Fx%3Fy"),
            ("\u{e9}%", "%C3%A9%25"),
        ] {
            assert_eq!(path_segment(id), segment);
        }
    }

    #[test]
    fn a_status_counts_once_its_line_is_whole() {
        assert_eq!(status_of(b"HTTP/1.1 202 Accepted\r\nContent-Le"), Some(202));
        assert_eq!(status_of(b"HTTP/1.0 410\n"), Some(410));
        for cut in [&b"HTTP/1.1 202 Accep"[..], b"HTTP/1.1 20\r\n", b"HTTP/2 200\r\n", b"", b"rubbish\r\n"] {
            assert_eq!(status_of(cut), None);
        }
    }
}
