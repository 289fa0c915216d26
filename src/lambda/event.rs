//! An event as `/next` gives it: its headers become an invocation.

use std::borrow::Cow;
use std::time::Instant;

use anyhow::Context;
use httparse::Header;
use memchr::arch::all::is_equal;
use ureq::Body;
use ureq::http::{HeaderMap, Response};

use super::headers::INVOCATION_ID;
use super::http::read_body;
use crate::fault::Fault;
use crate::invocation::{Headers, Invocation};

const REQUEST_ID: &str = "Lambda-Runtime-Aws-Request-Id";
const DEADLINE: &str = "Lambda-Runtime-Deadline-Ms";

/// What Lambda is known to say of an event, as its documentation writes it.
const KNOWN: [&str; 9] = [
    "Content-Type",
    REQUEST_ID,
    DEADLINE,
    "Lambda-Runtime-Trace-Id",
    "Lambda-Runtime-Invoked-Function-Arn",
    INVOCATION_ID,
    "Lambda-Runtime-Client-Context",
    "Lambda-Runtime-Cognito-Identity",
    "Lambda-Runtime-Aws-Tenant-Id",
];

/// What the values of an event have together, or less.
const USUAL_BYTES: usize = 512;

/// What else begins like this says something of an event, too.
const PREFIX: &str = "Lambda-Runtime-";

/// An invocation whose body is still to come.
pub fn with_headers(headers: Headers) -> anyhow::Result<Invocation> {
    let mut invocation = Invocation { headers, ..Invocation::default() };
    invocation.id = invocation
        .header(REQUEST_ID)
        .context("the Runtime API gave an event without Lambda-Runtime-Aws-Request-Id: it cannot be answered")?
        .to_owned();
    if let Some(deadline) = invocation.header(DEADLINE).and_then(|text| text.parse().ok()) {
        invocation.set_deadline(deadline);
    }
    Ok(invocation)
}

/// The same with its body. Where that has broken off, the event is there all the same: it gets its error.
pub fn with_body(mut invocation: Invocation, body: anyhow::Result<Vec<u8>>) -> Invocation {
    match body {
        Ok(body) => invocation.body = body,
        Err(error) => {
            invocation.fault = Some(Fault::broken_event(&error));
            // Whoever has broken it off may take no answer either.
            invocation.deadline.get_or_insert_with(Instant::now);
        }
    }
    invocation
}

/// The event that ureq has got.
pub fn read(response: &mut Response<Body>) -> anyhow::Result<Invocation> {
    let invocation = with_headers(headers_in(response.headers()))?;
    Ok(with_body(invocation, read_body(response, usize::MAX)))
}

/// Room for what is usually said of an event.
pub fn room_for_headers() -> Headers {
    Headers::with_capacity(KNOWN.len(), USUAL_BYTES)
}

/// The headers that say something of an event, from ureq.
fn headers_in(map: &HeaderMap) -> Headers {
    told(map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), room_for_headers())
}

/// The same from a head that `fast_path` has read, in this room.
pub fn headers_of(headers: &[Header<'_>], room: Headers) -> Headers {
    told(headers.iter().map(|header| (header.name, header.value)), room)
}

/// Empty means absent.
fn told<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>, room: Headers) -> Headers {
    let mut headers = room;
    for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
        if let Some(name) = name_of(name) {
            match std::str::from_utf8(value) {
                Ok(value) => headers.push(name, value),
                Err(_) => headers.push(name, &String::from_utf8_lossy(value)),
            }
        }
    }
    headers
}

/// The name as the documentation writes it, if what stands under it says something of an event.
fn name_of(name: &str) -> Option<Cow<'static, str>> {
    let as_documented = KNOWN.iter().find(|known| is_equal(known.as_bytes(), name.as_bytes()));
    if let Some(known) = as_documented.or_else(|| KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name))) {
        return Some(Cow::Borrowed(known));
    }
    let says_something = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    says_something.then(|| Cow::Owned(title_case(name)))
}

fn title_case(name: &str) -> String {
    let mut at_start = true;
    let letters = name.bytes().map(|letter| {
        let first = std::mem::replace(&mut at_start, letter == b'-');
        char::from(if first { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() })
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_something_of_the_event_is_kept_as_the_documentation_writes_it() {
        let field = |name: &'static str, value: &'static [u8]| (name, value);
        let fields = [
            field("content-length", b"12"),
            field("lambda-runtime-aws-request-id", b"id"),
            field("LAMBDA-RUNTIME-NEW-THING", b"\xffx"),
            field("lambda-runtime-trace-id", b""),
            field("content-type", b"application/json"),
            field("date", b"today"),
        ];
        let headers = told(fields.into_iter(), room_for_headers());
        let kept: Vec<_> = headers.iter().collect();
        let expected =
            [(REQUEST_ID, "id"), ("Lambda-Runtime-New-Thing", "\u{fffd}x"), ("Content-Type", "application/json")];
        assert_eq!(kept, expected);
    }
}
