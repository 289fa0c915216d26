//! The log, which is stderr: the handler's lines, and `bootstrap`'s own.
//!
//! Plain, or one JSON object a line where `AWS_LAMBDA_LOG_FORMAT=JSON`. Events and answers never come here, except
//! as a trace that was asked for. The handler's lines are put together in `lines`; `shown` is what becomes of control
//! characters in `bootstrap`'s own; all go out through `sink`.

mod lines;
mod shown;
mod sink;

use std::cell::RefCell;
use std::fmt::{Display, Write as _};
use std::sync::OnceLock;
use std::time::SystemTime;

pub use lines::Lines;
use lines::{CUT, LONGEST_LINE};
use shown::shown;

use crate::fault::Fault;
use crate::invocation::Invocation;

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
    /// Plain lines that belong together are one entry of Lambda's log, joined by CR as AWS's own runtimes do it. On a shell,
    /// they stay lines.
    pub joined: bool,
}

static STYLE: OnceLock<Style> = OnceLock::new();

thread_local! {
    /// The request that this thread works on, as members of a JSON object: every line of the meantime belongs to it.
    static REQUEST: RefCell<String> = const { RefCell::new(String::new()) };

    /// Where a person finds the event, behind an error.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Says how to write, once, at the start.
pub fn set_style(style: Style) {
    let _ = STYLE.set(style);
}

fn style() -> Style {
    *STYLE.get().unwrap_or(&Style { json: false, level: Level::Info, joined: false })
}

/// From here on the lines belong to this event, or to none. JSON lines say so, and errors where it has a place.
pub fn set_request(invocation: Option<&Invocation>) {
    PLACE.with_borrow_mut(|place| {
        place.clear();
        if let Some(known) = invocation.and_then(|invocation| invocation.place.as_deref()) {
            let _ = write!(place, " ({known})");
        }
    });
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

/// An error that is reported to Lambda, with its stack, unless the handler has logged it.
pub fn fault(fault: &Fault) {
    if fault.logged {
        return;
    }
    PLACE.with_borrow(|place| {
        own_line(Level::Error, &format_args!("{}: {}{place}", fault.error_type, fault.message), Some(fault));
    });
}

/// Whether what belongs together is one entry.
fn entries_are_joined() -> bool {
    style().joined || style().json
}

/// The log ends: says what it lost, if somebody reads it.
pub fn finish() {
    sink::tell();
}

/// What goes between `bootstrap` and the handler, each line behind `mark`.
pub fn trace(mark: char, exchange: &[u8]) {
    let mut out = Vec::with_capacity(exchange.len() + 8);
    for line in exchange.strip_suffix(b"\n").unwrap_or(exchange).split(|&byte| byte == b'\n') {
        let marked = [format!("{mark} ").as_bytes(), line].concat();
        if style().json {
            let mut object = String::new();
            push_object(&mut object, Level::Trace, &String::from_utf8_lossy(&marked), None);
            out.extend_from_slice(object.as_bytes());
        } else {
            out.extend_from_slice(&marked);
        }
        out.push(b'\n');
    }
    sink::write(&out);
}

/// A plain line for a person at a shell, in whatever style. It may have line feeds, but no other control characters.
pub fn plain(line: &str) {
    sink::write(format!("{}\n", shown(line)).as_bytes());
}

fn own_line(level: Level, message: &dyn Display, fault: Option<&Fault>) {
    let Style { json, level: least, joined } = style();
    if level < least {
        return;
    }
    let message = cut(message.to_string());
    let mut line = String::new();
    if json {
        push_object(&mut line, level, &message, fault);
    } else {
        // Whoever says it, its second line is none of ours.
        let inner = |text: &str| shown(text).replace('\n', "\n    ");
        let _ = write!(line, "[{}] lambda-stdio: {}", level.name(), inner(&message));
        for entry in fault.map_or(&[][..], |fault| &fault.stack) {
            let _ = write!(line, "\n    {}", inner(entry));
            if line.len() > LONGEST_LINE {
                break;
            }
        }
        line = cut(line);
        if joined {
            line = line.replace('\n', "\r");
        }
    }
    line.push('\n');
    sink::write(line.as_bytes());
}

/// No entry is longer than the longest line.
fn cut(mut line: String) -> String {
    if line.len() > LONGEST_LINE {
        let end = (0..=LONGEST_LINE).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
        line.truncate(end);
        line.push_str(CUT);
    }
    line
}

fn push_object(out: &mut String, level: Level, message: &str, fault: Option<&Fault>) {
    let now = humantime::format_rfc3339_millis(SystemTime::now());
    let _ = write!(out, r#"{{"timestamp":"{now}","level":"{}","message":{}"#, level.name(), quoted(message));
    REQUEST.with_borrow(|request| out.push_str(request));
    if let Some(fault) = fault {
        let mut room = LONGEST_LINE;
        let kept: Vec<_> = fault
            .stack
            .iter()
            .take_while(|entry| {
                let fits = room >= entry.len();
                room = room.saturating_sub(entry.len());
                fits
            })
            .collect();
        let stack = serde_json::to_string(&kept).unwrap_or_default();
        let _ = write!(
            out,
            r#","errorType":{},"errorMessage":{},"stackTrace":{stack}"#,
            quoted(&cut(fault.error_type.clone())),
            quoted(&cut(fault.message.clone())),
        );
    }
    out.push('}');
}
