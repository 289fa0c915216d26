//! Every variable that `bootstrap` reads: named, explained and checked here and nowhere else.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::fault::Fault;
use crate::log::{Level, Style};
use crate::process_tree;
use crate::words;

/// How `bootstrap` talks with the handler (`HANDLER_MODE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Loop, until the handler shows that it reads to end-of-file.
    Auto,
    /// One process for all events, a line each.
    Loop,
    /// One process per event, which reads to end-of-file.
    Oneshot,
    /// One process per HTTP request, which it finds in its environment (RFC 3875).
    Cgi,
    /// One server process for all events, which are JSON-RPC messages.
    JsonRpc,
}

/// What the environment says about the handler.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // Each is a setting of its own.
pub struct Config {
    /// `$LAMBDA_TASK_ROOT`, else the current folder: absolute.
    pub task_root: PathBuf,
    pub mode: Mode,
    /// How long before the deadline a handler without an answer is killed (`HANDLER_DEADLINE_MARGIN_MS`).
    pub deadline_margin: Duration,
    /// How long a handler may take to become ready before events are asked for all the same
    /// (`HANDLER_READY_TIMEOUT_MS`).
    pub ready_timeout: Duration,
    /// Whether the next process is started ahead (`HANDLER_STANDBY`); `None` leaves it to the mode.
    pub standby: Option<bool>,
    /// Whether Lambda is asked to send a signal before it ends the sandbox (`HANDLER_SHUTDOWN`).
    pub graceful: bool,
    /// Whether each exchange is printed (`HANDLER_TRACE`).
    pub trace: bool,
    /// Whether the handler is started again when a file changes. No variable says so, but the command line.
    pub watch: bool,
    /// Files beside the handler's own that are a reason to start it again.
    pub watched: Vec<PathBuf>,
    /// Whether a person is told what a handler without an answer is seen doing. Only on a shell.
    pub hints: bool,
    /// The handler's arguments (`HANDLER_ARGS`), or what the command line has in their place.
    pub arguments: Vec<OsString>,
    /// The handler is a function in this language (`HANDLER_LANGUAGE`), as `handler::program` calls it.
    pub language: Option<&'static str>,
    /// It is started in the handler's place (`AWS_LAMBDA_EXEC_WRAPPER`).
    pub wrapper: Option<OsString>,
    /// Where answers are streamed as they come (`HANDLER_RESPONSE=streaming`): as what (`HANDLER_CONTENT_TYPE`), if they do
    /// not say that themselves.
    pub streaming: Option<String>,
    /// How many events may be worked on at once (`HANDLER_WORKERS`, else `AWS_LAMBDA_MAX_CONCURRENCY`).
    pub workers: u16,
}

impl Config {
    /// Reads the environment. A value that cannot be read is a fault that names the variable and what it takes.
    pub fn read() -> Result<Self, Fault> {
        let task_root = value("LAMBDA_TASK_ROOT").map_or_else(|| PathBuf::from("."), PathBuf::from);
        Ok(Self {
            task_root: std::path::absolute(&task_root).map_err(|error| {
                Fault::invalid_configuration(format!("LAMBDA_TASK_ROOT={}: {error}", task_root.display()))
            })?,
            mode: choice("HANDLER_MODE", &MODES)?.unwrap_or(Mode::Auto),
            deadline_margin: milliseconds("HANDLER_DEADLINE_MARGIN_MS", 100)?,
            ready_timeout: milliseconds("HANDLER_READY_TIMEOUT_MS", 9000)?,
            standby: choice("HANDLER_STANDBY", &[("0", false), ("1", true)])?,
            graceful: choice("HANDLER_SHUTDOWN", &[("none", false), ("graceful", true)])?.unwrap_or(false),
            trace: choice("HANDLER_TRACE", &[("0", false), ("1", true)])?.unwrap_or(false),
            watch: false,
            watched: Vec::new(),
            hints: false,
            arguments: arguments()?,
            language: choice("HANDLER_LANGUAGE", &LANGUAGES)?,
            wrapper: value("AWS_LAMBDA_EXEC_WRAPPER"),
            streaming: streaming()?,
            workers: workers()?,
        })
    }
}

impl Config {
    /// When a handler that was given its event at `began` must have answered: the margin before the deadline is for
    /// the report. Of a time that is no longer than the margin, half is left to the handler.
    pub fn answer_by(&self, began: Instant, deadline: Option<Instant>) -> Option<Instant> {
        let left = deadline?.saturating_duration_since(began);
        Some(began + left.checked_sub(self.deadline_margin).filter(|left| !left.is_zero()).unwrap_or(left / 2))
    }

    /// When the next event must be asked for: half a margin before the deadline. Lambda counts an invocation until then.
    pub fn ask_by(&self, began: Instant, deadline: Option<Instant>) -> Option<Instant> {
        let answer_by = self.answer_by(began, deadline)?;
        Some(answer_by + deadline?.saturating_duration_since(answer_by) / 2)
    }
}

/// `$_HANDLER`; `None` where it is unset, as in container images.
pub fn handler_name() -> Option<OsString> {
    env::var_os("_HANDLER")
}

/// What the program was started as: `bootstrap` in a zip, `lambda-stdio` on somebody's `$PATH`.
pub fn program_name() -> String {
    let word = env::args_os().next().unwrap_or_default();
    let name = Path::new(&word).file_name().unwrap_or(OsStr::new("bootstrap"));
    name.to_string_lossy().into_owned()
}

/// `$PATH`, or where programs are without it.
pub fn search_path() -> OsString {
    value("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// `$AWS_LAMBDA_RUNTIME_API`: where events come from; `None` on a shell.
pub fn runtime_api() -> Option<String> {
    value("AWS_LAMBDA_RUNTIME_API").map(|address| address.to_string_lossy().into_owned())
}

/// `$AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, in MB; `None` on a shell.
pub fn function_memory() -> Option<u32> {
    value("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?.to_str()?.parse().ok()
}

/// `$AWS_LAMBDA_LOG_FORMAT` and `$AWS_LAMBDA_LOG_LEVEL`. They are Lambda's: what is unknown there is passed over.
pub fn log_style() -> Style {
    let text = |name| value(name).unwrap_or_default().to_string_lossy().into_owned();
    Style {
        // Lines of several events are told apart by what they say of their request.
        json: text("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") || value(MAX_CONCURRENCY).is_some(),
        level: Level::named(&text("AWS_LAMBDA_LOG_LEVEL")).unwrap_or(Level::Info),
        joined: runtime_api().is_some(),
    }
}

/// Whether a snapshot of the sandbox is taken before the first event (`$AWS_LAMBDA_INITIALIZATION_TYPE`).
pub fn is_snapstart() -> bool {
    value("AWS_LAMBDA_INITIALIZATION_TYPE").is_some_and(|kind| kind == "snap-start")
}

/// The descriptor that the platform keeps its telemetry on, not ours to use or to pass on.
pub fn telemetry_descriptor() -> Option<RawFd> {
    env::var(TELEMETRY_DESCRIPTOR).ok()?.parse().ok().filter(|&number| number > 2)
}

/// `$AWS_LAMBDA_FUNCTION_NAME`, or what the function of this handler could be called: its file, without an ending.
pub fn function_name(handler: &OsStr) -> String {
    if let Some(name) = value("AWS_LAMBDA_FUNCTION_NAME") {
        return name.to_string_lossy().into_owned();
    }
    let file = handler.as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let stem = file.split(|&byte| byte == b'.').find(|part| !part.is_empty()).unwrap_or_default();
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let name: String = stem.iter().copied().filter(allowed).take(64).map(char::from).collect();
    if name.is_empty() { "function".to_owned() } else { name }
}

/// What Lambda would call this function in full. The account is the one of AWS's own examples.
pub fn function_arn(name: &str) -> String {
    let region = value("AWS_REGION").or_else(|| value("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".into());
    format!("arn:aws:lambda:{}:123456789012:function:{name}", region.to_string_lossy())
}

/// The environment of a handler: all of ours less what is not for it, and what helps it.
/// `handler` is `$_HANDLER` or what stood in its place.
pub fn handler_environment(
    config: &Config,
    handler: &OsString,
    context_file: Option<&OsString>,
) -> Vec<(OsString, OsString)> {
    let ours = [TELEMETRY_DESCRIPTOR, TELEMETRY_SOCKET, process_tree::MARK, "LAMBDA_CONTEXT_FILE", "LAMBDA_TASK_ROOT"];
    let mut environment: Vec<_> = env::vars_os().filter(|(name, _)| !ours.iter().any(|known| name == known)).collect();
    let mut default = |name: &str, value: OsString| {
        if !environment.iter().any(|(known, _)| known == name) {
            environment.push((name.into(), value));
        }
    };
    default("_HANDLER", handler.clone());
    default("LAMBDA_TASK_ROOT", config.task_root.clone().into());
    // Python keeps what it prints to itself when stdout is a pipe.
    default("PYTHONUNBUFFERED", "1".into());
    if let Some(path) = context_file {
        default("LAMBDA_CONTEXT_FILE", path.clone());
    }
    if runtime_api().is_none() {
        // On a shell, a function finds what it finds on Lambda.
        let name = function_name(handler);
        let day = humantime::format_rfc3339(SystemTime::now()).to_string()[..10].replace('-', "/");
        default("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}").into());
        default("AWS_LAMBDA_LOG_STREAM_NAME", format!("{day}/[$LATEST]{:032x}", std::process::id()).into());
        default("AWS_LAMBDA_FUNCTION_NAME", name.into());
        default("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into());
        default("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".into());
    }
    environment
}

/// What `HANDLER_MODE` takes.
const MODES: [(&str, Mode); 5] = [
    ("auto", Mode::Auto),
    ("loop", Mode::Loop),
    ("oneshot", Mode::Oneshot),
    ("cgi", Mode::Cgi),
    ("jsonrpc", Mode::JsonRpc),
];

/// What `HANDLER_LANGUAGE` takes, and what that means.
const LANGUAGES: [(&str, &str); 5] =
    [("python", "Python"), ("node", "Node.js"), ("ruby", "Ruby"), ("bash", "bash"), ("lisp", "SBCL")];

/// Set, even to 1, where Lambda gives a function several events at once (Managed Instances).
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// Each has a process: a sandbox has 1,024 processes and threads.
const MOST_WORKERS: u16 = 500;

const TELEMETRY_DESCRIPTOR: &str = "_LAMBDA_TELEMETRY_LOG_FD";

/// Where the runtime alone may ask for such a descriptor (Managed Instances).
const TELEMETRY_SOCKET: &str = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET";

/// An empty value is none: that is how a variable is cleared in many a deployment tool.
fn value(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn choice<T: Copy>(name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Fault> {
    let Some(given) = value(name) else { return Ok(None) };
    choices.iter().find(|(known, _)| given == *known).map(|&(_, choice)| Some(choice)).ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
        unreadable(name, &given, &format!("one of {}", known.join(", ")))
    })
}

fn milliseconds(name: &str, default: u64) -> Result<Duration, Fault> {
    let Some(given) = value(name) else { return Ok(Duration::from_millis(default)) };
    given
        .to_str()
        .and_then(|text| text.parse::<u32>().ok())
        .map(|number| Duration::from_millis(number.into()))
        .ok_or_else(|| unreadable(name, &given, &format!("a whole number of milliseconds, such as {default}")))
}

fn arguments() -> Result<Vec<OsString>, Fault> {
    let given = value("HANDLER_ARGS").unwrap_or_default();
    words::split(given.as_bytes()).map_err(|problem| {
        unreadable(
            "HANDLER_ARGS",
            &given,
            &format!("words as a shell does, with quotes and backslashes, and {problem}"),
        )
    })
}

fn streaming() -> Result<Option<String>, Fault> {
    if choice("HANDLER_RESPONSE", &[("buffered", false), ("streaming", true)])? != Some(true) {
        return Ok(None);
    }
    let Some(given) = value("HANDLER_CONTENT_TYPE") else { return Ok(Some("application/octet-stream".to_owned())) };
    let is_text = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let content_type = given.clone().into_string().ok().filter(is_text);
    content_type
        .map(Some)
        .ok_or_else(|| unreadable("HANDLER_CONTENT_TYPE", &given, "a content type, such as text/plain"))
}

fn workers() -> Result<u16, Fault> {
    for name in ["HANDLER_WORKERS", MAX_CONCURRENCY] {
        if let Some(given) = value(name) {
            let count =
                given.to_str().and_then(|text| text.parse().ok()).filter(|count| (1..=MOST_WORKERS).contains(count));
            return count.ok_or_else(|| unreadable(name, &given, &format!("a whole number from 1 to {MOST_WORKERS}")));
        }
    }
    Ok(1)
}

fn unreadable(name: &str, given: &OsString, takes: &str) -> Fault {
    Fault::invalid_configuration(format!("{name}={} cannot be read: it takes {takes}", given.to_string_lossy()))
}
