//! The table of options and variables that help, manual page and completions are made of.

/// An option of the command line.
pub struct Choice {
    pub short: Option<char>,
    pub long: &'static str,
    /// What it takes.
    pub value: Option<&'static str>,
    pub help: &'static str,
}

const fn flag(long: &'static str, help: &'static str) -> Choice {
    Choice { short: None, long, value: None, help }
}

/// In the order of the help.
pub const OPTIONS: [Choice; 9] = [
    Choice { value: Some("JSON"), ..flag("event", "an event, in place of files and stdin; may be given again") },
    Choice {
        value: Some("TIME"),
        ..flag("timeout", "give up on an event after TIME (3 or 3s, 500ms, 1m), as Lambda would")
    },
    Choice { short: Some('q'), ..flag("quiet", "no REPORT lines and no hints") },
    flag("trace", "print every exchange to stderr: > to the handler, < from it"),
    flag("watch", "start HANDLER again when a file changes, and run event files again"),
    Choice { value: Some("SHELL"), ..flag("completions", "print completions for bash, zsh or fish") },
    flag("man", "print a manual page, for man -l -"),
    Choice { short: Some('h'), ..flag("help", "this text") },
    Choice { short: Some('V'), ..flag("version", "the version") },
];

/// The shells of `--completions`.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The variables, on Lambda as on a shell, and what they take.
pub const VARIABLES: [(&str, &str); 13] = [
    ("HANDLER_MODE", "auto (finds out), loop, oneshot, cgi, jsonrpc: how to talk with the handler"),
    ("HANDLER_ARGS", "the handler's arguments, quoted as in a shell"),
    ("HANDLER_LANGUAGE", "python, node, ruby, bash, lisp: HANDLER is a function in this"),
    ("HANDLER_RESPONSE", "buffered, streaming: send what is printed as it comes"),
    ("HANDLER_CONTENT_TYPE", "of what is streamed"),
    ("HANDLER_WORKERS", "events at once, each in a process of its own"),
    ("HANDLER_STANDBY", "0, 1: whether the next process is started ahead"),
    ("HANDLER_DEADLINE_MARGIN_MS", "how long before its deadline an event is given up (100)"),
    ("HANDLER_READY_TIMEOUT_MS", "how long a start is waited for (9000)"),
    ("HANDLER_SHUTDOWN", "none, graceful: have SIGTERM sent before a sandbox ends"),
    ("HANDLER_TRACE", "0, 1: as --trace"),
    ("AWS_LAMBDA_EXEC_WRAPPER", "a program that starts the handler, which it gets as arguments"),
    ("AWS_LAMBDA_LOG_FORMAT", "Text, JSON; and AWS_LAMBDA_LOG_LEVEL: as on Lambda"),
];

/// What to read on, in the project.
pub const DOCUMENTS: [(&str, &str); 5] = [
    ("README.md", "from a script to a function on Lambda"),
    ("docs/shell.md", "events, answers, logs and exit status on a shell"),
    ("handlers/README.md", "the protocol, and functions in each language"),
    ("docs/cgi.md", "CGI programs as URLs"),
    ("docs/mcp.md", "JSON-RPC and MCP servers"),
];
