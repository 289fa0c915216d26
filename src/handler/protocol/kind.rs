//! The ways to talk with a handler process.

/// How a handler process is talked with, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A line in, a JSON value out, and the process lives on.
    Loop,
    /// The event and end-of-file in, all of stdout out: one process per event.
    Oneshot,
    /// A loop, until the handler has answered once, or is seen to read to end-of-file.
    Undecided,
    /// One process per event, since an undecided handler was seen to read to end-of-file. Its input is what was proved
    /// to work: the line, its line feed, then end-of-file.
    LearnedOneshot,
    /// A loop whose answers sit in a buffer until it ends: one process per event, which gets the line and then end-of-file.
    /// Its answer is a loop's, a value among lines of text.
    BufferedLoop,
    /// Messages with headers, from adapters and libraries.
    Messages,
    /// The request in the environment, its body and end-of-file in, a response with header lines out: one process per
    /// request.
    Cgi,
    /// Messages of JSON-RPC, a line each, to a server that lives on.
    JsonRpc,
}

impl Protocol {
    /// Whether there is one process per event.
    pub fn is_oneshot(self) -> bool {
        matches!(self, Self::Oneshot | Self::LearnedOneshot | Self::BufferedLoop | Self::Cgi)
    }

    /// Whether what is printed before the event, but for finished lines and values, is the beginning of its answer.
    pub fn keeps_beginning(self) -> bool {
        matches!(self, Self::Undecided | Self::LearnedOneshot)
    }
}
