//! What all calls have in common that ureq makes: how they are made, and what is made of their responses.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::transport::{self, Connections, Loopback};
use crate::log;

pub const USER_AGENT: &str = concat!("lambda-stdio/", env!("CARGO_PKG_VERSION"));

/// The most that is told of what a server says besides a status.
pub const LONGEST_WORDS: usize = 4096;

/// How much more is made room for when a body is longer than was said.
const PIECE: usize = 8 * 1024;

/// The most that is allocated on a `Content-Length`'s word alone. Events are 6 MB at most.
pub const TRUSTED_LENGTH: u64 = 16 * 1024 * 1024;

/// What makes the calls, over connections that `transport` knows of. They are closed when it is dropped.
pub fn agent(connections: &Arc<Connections>) -> Agent {
    let config = Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(1)))
        .max_idle_age(Duration::MAX)
        .user_agent(USER_AGENT)
        .accept("")
        .accept_encoding("")
        .max_response_header_size(transport::LARGEST_HEADERS)
        .build();
    Agent::with_parts(config, transport::Dialer(connections.clone()), Loopback)
}

/// What the server said to a post. What it refuses is logged, and does not end `bootstrap`: the platform knows better by
/// then (410: too late; 413: too large; 403, 400: it has an answer already).
pub fn judge(
    connections: &Connections,
    path: &str,
    response: Result<Response<Body>, ureq::Error>,
) -> anyhow::Result<()> {
    match response {
        Ok(mut response) => {
            let words = read_body(&mut response, LONGEST_WORDS).unwrap_or_default();
            judge_status(path, response.status().as_u16(), String::from_utf8_lossy(&words).trim())
        }
        Err(error) => match connections.take_cut() {
            Some(status) => judge_status(path, status, "(the rest of the response is lost)"),
            None => bail!("the Runtime API's /{path} failed: {error}"),
        },
    }
}

/// The same, of a response of which this is all that is known.
pub fn judge_status(path: &str, status: u16, words: &str) -> anyhow::Result<()> {
    match status {
        200..=299 => {}
        500..=599 => bail!("the Runtime API's /{path} answered {status}: {words}"),
        410 => log::warn(format_args!("/{path} came too late: 410 {words}")),
        413 => log::warn(format_args!("/{path} was too large, as the caller has been told: 413 {words}")),
        _ => log::warn(format_args!("/{path} was refused: {status} {words}")),
    }
    Ok(())
}

pub fn warn_of_double(path: &str) {
    log::warn(format_args!("the connection broke before /{path} was answered; it is sent again"));
}

/// Reads a body to its end, which frees the connection for the next call, and keeps at most `most` bytes of it.
pub fn read_body(response: &mut Response<Body>, most: usize) -> anyhow::Result<Vec<u8>> {
    let length = response.body().content_length().unwrap_or(0).min(TRUSTED_LENGTH);
    let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
    // A byte more than the body shows its end, and has room for the line feed that makes a line of an event.
    let mut body = vec![0; usize::try_from(length)? + 1];
    let mut filled = 0;
    loop {
        let got = reader.read(&mut body[filled..])?;
        if got == 0 {
            body.truncate(filled);
            return Ok(body);
        }
        filled = (filled + got).min(most);
        if filled == body.len() {
            body.resize(body.len() * 2 + PIECE, 0);
        }
    }
}
