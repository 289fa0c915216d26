//! The calls of the Runtime API and of the Extensions API, and the ways in which the server can treat one.

/// The calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Next,
    Response,
    Error,
    Init,
    /// SnapStart: answered in a sandbox that was restored.
    RestoreNext,
    RestoreError,
    /// An extension registers, and waits for what it registered for.
    Register,
    ExtensionNext,
}

impl Call {
    /// Which call a request is, and about which event.
    pub fn of(method: &str, path: &str) -> Option<(Self, String)> {
        if let Some(path) = path.strip_prefix("/2020-01-01/extension/") {
            return match (method, path) {
                ("POST", "register") => Some((Self::Register, String::new())),
                ("GET", "event/next") => Some((Self::ExtensionNext, String::new())),
                _ => None,
            };
        }
        let words: Vec<&str> = path.strip_prefix("/2018-06-01/runtime/")?.split('/').collect();
        match (method, words.as_slice()) {
            ("GET", ["invocation", "next"]) => Some((Self::Next, String::new())),
            ("POST", ["invocation", id, "response"]) => Some((Self::Response, (*id).to_owned())),
            ("POST", ["invocation", id, "error"]) => Some((Self::Error, (*id).to_owned())),
            ("POST", ["init", "error"]) => Some((Self::Init, String::new())),
            ("GET", ["restore", "next"]) => Some((Self::RestoreNext, String::new())),
            ("POST", ["restore", "error"]) => Some((Self::RestoreError, String::new())),
            _ => None,
        }
    }

    /// Whether it asks for something, and says nothing.
    pub fn asks(self) -> bool {
        matches!(self, Self::Next | Self::RestoreNext | Self::ExtensionNext)
    }

    /// Whether it reports an error.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::Init | Self::RestoreError)
    }
}

/// What the server does with one request, where it is not simply to do its duty.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with this status. A 200 on `/next` is an event; whatever is refused counts as taken.
    Status(u16),
    /// Reads the request, forgets it, and closes the connection.
    Drop,
    /// Takes an answer in, but closes the connection without saying so.
    TakeAndDrop,
    /// Does its duty, then closes the connection without a word.
    ThenClose,
    /// Does its duty, with `Connection: close`.
    SayClose,
    /// Does its duty, a few bytes at a time.
    InPieces,
    /// Closes the connection when the first chunk of the request's body has come.
    HangUp,
    /// Does its duty, but only when the test calls `Server::release`.
    Held,
}
