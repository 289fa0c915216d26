//! The log, which is stderr: the handler's lines, and `bootstrap`'s own.
//!
//! Plain, or one JSON object a line where `AWS_LAMBDA_LOG_FORMAT=JSON`. Events and answers never come here, except
//! as a trace that was asked for.

use std::cell::RefCell;
use std::fmt::{Display, Write as _};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::SystemTime;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::fault::Fault;
use crate::invocation::Invocation;
use crate::json;

/// The longest line of a handler that is logged; the rest of it is left out.
const LONGEST_LINE: usize = 256 * 1024;

/// How grave a line of `bootstrap` is: Lambda's own levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Trace, "TRACE"),
        (Self::Debug, "DEBUG"),
        (Self::Info, "INFO"),
        (Self::Warn, "WARN"),
        (Self::Error, "ERROR"),
        (Self::Fatal, "FATAL"),
    ];

    /// The level of that name, in whatever case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|&(level, _)| level)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(level, _)| *level == self).map_or("", |(_, name)| name)
    }
}

/// How lines are written, and which of `bootstrap`'s own.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub json: bool,
    pub level: Level,
}

static STYLE: OnceLock<Style> = OnceLock::new();

thread_local! {
    /// The request that this thread works on, as members of a JSON object: every line of the meantime belongs to it.
    static REQUEST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Says how to write, once, at the start.
pub fn set_style(style: Style) {
    let _ = STYLE.set(style);
}

fn style() -> Style {
    *STYLE.get().unwrap_or(&Style { json: false, level: Level::Info })
}

/// From here on the lines belong to this event, or to none. Only JSON lines say so.
pub fn set_request(invocation: Option<&Invocation>) {
    if style().json {
        REQUEST.with_borrow_mut(|request| {
            request.clear();
            let tenant = invocation.and_then(|invocation| invocation.header("Lambda-Runtime-Aws-Tenant-Id"));
            let id = invocation.map(|invocation| invocation.id.as_str());
            for (name, value) in [("requestId", id), ("tenantId", tenant)] {
                if let Some(value) = value {
                    let _ = write!(request, r#","{name}":{}"#, quoted(value));
                }
            }
        });
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

pub fn debug(message: impl Display) {
    own_line(Level::Debug, &message, None);
}

pub fn info(message: impl Display) {
    own_line(Level::Info, &message, None);
}

pub fn warn(message: impl Display) {
    own_line(Level::Warn, &message, None);
}

pub fn error(message: impl Display) {
    own_line(Level::Error, &message, None);
}

pub fn fatal(message: impl Display) {
    own_line(Level::Fatal, &message, None);
}

/// An error that is reported to Lambda, with its stack.
pub fn fault(fault: &Fault) {
    own_line(Level::Error, &format_args!("{}: {}", fault.error_type, fault.message), Some(fault));
}

/// What goes between `bootstrap` and the handler, each line behind `mark`.
pub fn trace(mark: char, exchange: &[u8]) {
    let mut out = Vec::with_capacity(exchange.len() + 8);
    for line in exchange.strip_suffix(b"\n").unwrap_or(exchange).split(|&byte| byte == b'\n') {
        out.extend_from_slice(format!("{mark} ").as_bytes());
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    write_stderr(&out);
}

/// A plain line for a person at a shell, in whatever style.
pub fn plain(line: &str) {
    write_stderr(format!("{line}\n").as_bytes());
}

fn own_line(level: Level, message: &dyn Display, fault: Option<&Fault>) {
    let Style { json, level: least } = style();
    if level < least {
        return;
    }
    let mut line = String::new();
    if json {
        push_object(&mut line, level, &message.to_string(), fault);
    } else {
        // Whoever says it, its second line is none of ours.
        let inner = |text: &str| text.replace('\n', "\n    ");
        let _ = write!(line, "[{}] lambda-stdio: {}", level.name(), inner(&message.to_string()));
        for entry in fault.map_or(&[][..], |fault| &fault.stack) {
            let _ = write!(line, "\n    {}", inner(entry));
        }
    }
    line.push('\n');
    write_stderr(line.as_bytes());
}

fn push_object(out: &mut String, level: Level, message: &str, fault: Option<&Fault>) {
    let now = humantime::format_rfc3339_millis(SystemTime::now());
    let _ = write!(out, r#"{{"timestamp":"{now}","level":"{}","message":{}"#, level.name(), quoted(message));
    REQUEST.with_borrow(|request| out.push_str(request));
    if let Some(fault) = fault {
        let stack = serde_json::to_string(&fault.stack).unwrap_or_default();
        let _ = write!(out, r#","errorType":{},"stackTrace":{stack}"#, quoted(&fault.error_type));
    }
    out.push('}');
}

/// The lines of one of the handler's pipes, put together from the pieces that are read.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    /// The line has been written up to its greatest length, and what follows of it is left out.
    cut: bool,
    /// Empty lines are not worth a line: on stdout they only end answers.
    drop_empty: bool,
}

impl Lines {
    /// For a pipe on which an empty line says nothing.
    pub fn dropping_empty() -> Self {
        Self { drop_empty: true, ..Self::default() }
    }

    /// Logs the lines that `piece` completes.
    pub fn push(&mut self, mut piece: &[u8]) {
        let mut out = Vec::new();
        while let Some(end) = memchr::memchr(b'\n', piece) {
            self.extend(&piece[..end], &mut out);
            self.end_line(&mut out);
            piece = &piece[end + 1..];
        }
        self.extend(piece, &mut out);
        write_stderr(&out);
    }

    /// Logs what there is of a line that has no end yet.
    pub fn flush(&mut self) {
        if !self.partial.is_empty() || self.cut {
            let mut out = Vec::new();
            self.end_line(&mut out);
            write_stderr(&out);
        }
    }

    fn extend(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.cut {
            return;
        }
        let room = LONGEST_LINE - self.partial.len();
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.write_line(out);
            self.cut = true;
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        if !std::mem::take(&mut self.cut) {
            self.write_line(out);
        }
    }

    fn write_line(&mut self, out: &mut Vec<u8>) {
        let blank = self.partial.trim_ascii().is_empty();
        if !(blank && self.drop_empty) {
            push_handler_line(&self.partial, out);
        }
        self.partial.clear();
    }
}

fn push_handler_line(line: &[u8], out: &mut Vec<u8>) {
    if style().json && !json::is_object(line) {
        let mut object = String::new();
        let text = String::from_utf8_lossy(line);
        push_object(&mut object, Level::Info, text.strip_suffix('\r').unwrap_or(&text), None);
        out.extend_from_slice(object.as_bytes());
    } else {
        out.extend_from_slice(line);
    }
    out.push(b'\n');
}

/// Writes all of it, also where stderr is non-blocking because somebody who shares it made it so. A log that nobody
/// takes any more is no reason to stop.
fn write_stderr(mut bytes: &[u8]) {
    let stderr = std::io::stderr();
    while !bytes.is_empty() {
        match nix::unistd::write(&stderr, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let _ = poll(&mut [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE);
            }
            Err(_) => return,
        }
    }
}
