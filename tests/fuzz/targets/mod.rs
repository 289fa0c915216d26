//! What is fuzzed: each `check` takes any bytes, and panics if something does not hold that must.

pub mod cgi;
pub mod dialogue;
pub mod events;
pub mod fault;
pub mod find;
pub mod finder;
pub mod http_event;
pub mod jsonrpc;
pub mod layout;
pub mod looks;
pub mod message;
pub mod poll_set;
pub mod prelude;
pub mod proc;
pub mod runtime_api;
pub mod scan;
mod script;
pub mod words;
mod work;

/// Where to cut the rest of the input: taken from its first bytes, so that the fuzzer may choose.
pub struct Cuts<'a> {
    sizes: &'a [u8],
    at: usize,
}

/// An input's parts: a number of choices, where to cut, and the bytes themselves.
pub fn parts(data: &[u8]) -> Option<(u8, Cuts<'_>, &[u8])> {
    let (&choice, data) = data.split_first()?;
    let (sizes, data) = data.split_at_checked(4)?;
    Some((choice, Cuts { sizes, at: 0 }, data))
}

impl Cuts<'_> {
    /// The size of the next piece, at least 1.
    fn next_size(&mut self) -> usize {
        let size = self.sizes[self.at % self.sizes.len()];
        self.at += 1;
        usize::from(size) % 64 + 1
    }

    /// The pieces of `bytes`.
    pub fn cut(mut self, bytes: &[u8]) -> Vec<&[u8]> {
        self.pieces(bytes)
    }

    /// The same, where there are other bytes to be cut after them.
    pub fn pieces<'b>(&mut self, bytes: &'b [u8]) -> Vec<&'b [u8]> {
        let (mut pieces, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(self.next_size().min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }
}

/// Whether `serde_json` may be asked: it gives up on values that are deeply nested.
pub fn is_shallow(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 100
}
