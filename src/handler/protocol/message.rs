//! Messages: header lines, an empty line, and a body, as HTTP has them. What an adapter and `bootstrap` say to each
//! other in place of lines (section "Messages" of handlers/README.md). `reader` reads them.

use crate::invocation::Invocation;

/// A message that has come from a handler.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How long the body was, where it was too large to be kept.
    pub too_large: Option<usize>,
}

impl Message {
    /// A header's (or trailer's) value, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The message that carries an event, in memory of which nothing is left.
pub fn encode(invocation: &Invocation, body: &[u8], memory: Vec<u8>) -> Vec<u8> {
    let mut message = memory;
    message.clear();
    message.reserve_exact(body.len() + 1024);
    for (name, value) in invocation.headers.iter() {
        for part in [name, ": ", value, "\n"] {
            message.extend_from_slice(part.as_bytes());
        }
    }
    message.extend_from_slice(format!("Content-Length: {}\n\n", body.len()).as_bytes());
    message.extend_from_slice(body);
    message
}
