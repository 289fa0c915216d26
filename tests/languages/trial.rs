//! One language's trial: its handlers are built, and each is run on twenty events, as Lambda runs a function: by a user who is
//! nobody, without a HOME, in a locale that is not installed, with three seconds for each event.
//!
//! A success with another answer than the event's own is wrong whatever the handler is, and no exception covers it.

use crate::Outcome;
use crate::harness::files::{Folder, bootstrap, need, search_path, spawn};
use crate::harness::{Call, Event, Function, Running};
use crate::page;
use crate::table::{Language, Mode};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What Lambda gives a function that nobody has configured.
const DEADLINE: Duration = Duration::from_secs(3);

/// How long a caller waits between some events: long enough for a handler to come to rest, or to say something late.
const GAP: Duration = Duration::from_millis(60);

/// How many events a handler gets.
const EVENTS: usize = 20;

/// How many it gets where each takes its whole time.
const FEW: usize = 2;

/// After so many failures it is known to be wrong.
const ENOUGH: usize = 5;

/// A user and a group who own nothing.
const NOBODY: &str = "65534";

/// What `bootstrap` says when it has learned that a handler is a oneshot.
const LEARNED: &str = "from now on it is started once per event.";

/// What is tried of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Loop,
    Filter,
    /// A loop with its cure, which is said to be a loop.
    Cured,
    /// A filter that is said to be a oneshot.
    Told,
}

/// Tries all that a language has.
pub fn of(language: &Language) -> Outcome {
    let mut wrong = Vec::new();
    match build(language) {
        Ok(built) => {
            let filter = language.filter.as_ref().map(|command| (Kind::Filter, command));
            let told = language.late.as_ref().and(language.filter.as_ref()).map(|command| (Kind::Told, command));
            let cured = language.cure.as_ref().map(|(_, command)| (Kind::Cured, command));
            for (kind, command) in [(Kind::Loop, &language.naive)].into_iter().chain(filter).chain(told).chain(cured) {
                let tried = catch_unwind(AssertUnwindSafe(|| try_one(language, kind, command, built.path())));
                let complaints = tried.unwrap_or_else(|panic| vec![words_of(panic.as_ref())]);
                wrong.extend(complaints.into_iter().map(|what| format!("{kind:?}: {what}")));
            }
            wrong.extend(cure_is_not_there(language, built.path()));
        }
        Err(what) => wrong.push(what),
    }
    Outcome { name: language.name.clone(), row: page::row(language), wrong }
}

/// A copy of the language's handlers, built, where anybody may read them.
fn build(language: &Language) -> Result<Folder, String> {
    for program in &language.programs {
        // One with a path is no program but something else that they need.
        if !search_path().split(':').any(|folder| Path::new(folder).join(program).exists()) {
            return Err(format!("{program} is missing: ./build.sh test installs it"));
        }
    }
    let built = Folder::new();
    fs::set_permissions(built.path(), Permissions::from_mode(0o755)).unwrap();
    let mut copy = Command::new(need("cp"));
    copy.arg("-R").arg(language.folder.join(".")).arg(built.path());
    assert!(spawn(&mut copy).wait().unwrap().success(), "{copy:?}");
    if let Some(build) = &language.build {
        let mut command = Command::new(need("sh"));
        command.args(["-ec", build]).current_dir(built.path()).stdin(Stdio::null());
        command.env("PATH", search_path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = spawn(&mut command).wait_with_output().unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
            return Err(format!("it cannot be built: {build}\n{said}"));
        }
    }
    Ok(built)
}

/// The cure must be what its handler has and the naive one has not.
fn cure_is_not_there(language: &Language, built: &Path) -> Option<String> {
    let (cure, cured) = language.cure.as_ref()?;
    // Files in the folder that the command names, or that what it runs was built from.
    let text = |command: &str| {
        let words = command.split([' ', '/']).map(|word| word.trim_start_matches("./"));
        let stems: Vec<_> = words.map(|word| word.split('.').next().unwrap_or_default()).collect();
        let files = files_in(built).into_iter().filter(|path| {
            let file = path.strip_prefix(built).unwrap().to_str().unwrap_or_default();
            let first = file.split(['/', '.']).next().unwrap_or_default();
            stems.contains(&first)
        });
        let texts: String = files.filter_map(|path| fs::read_to_string(path).ok()).collect();
        command.to_owned() + &texts
    };
    // All its words, and more of them than without it: a buffer that is flushed at the end was naive enough.
    let words: Vec<_> = cure.split(' ').collect();
    let count = |command: &str| {
        let text = text(command);
        words.iter().map(|word| text.matches(word).count()).min().unwrap_or(0)
    };
    let right = count(cured) > count(&language.naive);
    (!right).then(|| format!("the cure {cure:?} is not what {cured:?} has beside {:?}", language.naive))
}

fn files_in(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() { files.extend(files_in(&path)) } else { files.push(path) }
    }
    files
}

/// Runs one handler on its events; what is wrong with it.
fn try_one(language: &Language, kind: Kind, command: &str, built: &Path) -> Vec<String> {
    let function = start(language, kind, command, built);
    let mut wrong = Vec::new();
    let mut failed = Vec::new();
    let deadline = language.seconds.map_or(DEADLINE, Duration::from_secs);
    let is_late = kind == Kind::Filter && language.late.is_some();
    // What is late takes all of its time for each event.
    for number in 0..if is_late { FEW } else { EVENTS } {
        if number % 3 == 2 {
            // Nobody waits for anything by this: it is what callers do.
            thread::sleep(GAP);
        }
        let event = event(number);
        let answer = function.call(Event::new(event.to_string()).deadline_in(deadline));
        if answer.0.call == Call::Error {
            let body = answer.json();
            failed.push(format!("event {number}: {}: {}", body["errorType"], body["errorMessage"]));
            if failed.len() == ENOUGH {
                break;
            }
        } else if !is_answer(&answer.0.body, &event) {
            let shown = String::from_utf8_lossy(&answer.0.body[..answer.0.body.len().min(200)]).into_owned();
            wrong.push(format!("event {number}, {} bytes: A WRONG SUCCESS: {shown}", event.to_string().len()));
        }
    }
    // Whether it was learned stands in the log before the next event is asked for.
    function.wait_idle();
    let mode = if function.stderr().contains(LEARNED) { Mode::Oneshot } else { Mode::Loop };
    let expected = match kind {
        Kind::Loop => language.mode,
        Kind::Filter if !is_late => Mode::Oneshot,
        // There is nothing to be learned, or nothing was proved.
        Kind::Filter | Kind::Cured | Kind::Told => Mode::Loop,
    };
    if mode != expected {
        wrong.push(format!("it ended as a {mode:?} and not as a {expected:?}"));
    }
    if function.stderr().contains("HANDLER_READY_TIMEOUT_MS") {
        wrong.push("it was not seen to be ready".to_owned());
    }
    let excused = kind == Kind::Loop && language.exception.is_some();
    match (excused, failed.is_empty()) {
        _ if is_late => {}
        (true, true) => wrong.push("it is an exception no more: all events were right".to_owned()),
        (false, false) => wrong.push(format!("{} of {EVENTS} failed: {}", failed.len(), failed.join("\n  "))),
        _ => {}
    }
    if !wrong.is_empty() {
        wrong.push(end_of(&function.stderr()));
    }
    wrong
}

/// Starts the function as Lambda does.
fn start(language: &Language, kind: Kind, command: &str, built: &Path) -> Running {
    let handler = format!("#!/bin/sh\ncd '{}' && exec {command}\n", built.display());
    let mut function = Function::empty().program("handler", handler).handler("handler");
    // Where it is, another user may have no way; and what `bootstrap` writes goes into this folder.
    function = function.copy(bootstrap(), "bootstrap");
    fs::set_permissions(function.folder(), Permissions::from_mode(0o777)).unwrap();
    function = function.env("LANG", "en_US.UTF-8").env("TZ", ":UTC");
    match kind {
        Kind::Cured => function = function.mode("loop"),
        Kind::Told => function = function.mode("oneshot"),
        Kind::Loop | Kind::Filter => {}
    }
    if let Some(locale) = &language.locale {
        function = function.env("LC_ALL", locale);
    }
    // Compilers and caches lie where only this machine's own root has them.
    let folder = function.folder().to_owned();
    function = function.env("LAMBDA_TASK_ROOT", &folder);
    let own = folder.join("bootstrap");
    let mut command = if nix::unistd::geteuid().is_root() {
        let mut command = Command::new(need("setpriv"));
        command.args(["--clear-groups", &format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}")]);
        command.arg(&own);
        command
    } else {
        Command::new(&own)
    };
    command.stdin(Stdio::null());
    function.start_as(command)
}

/// The event with this number: ten bytes, text that is not ASCII, 70 kB, and 1 MB, each by itself and one after another.
fn event(number: usize) -> Value {
    let n = 1000 + number;
    match number {
        2 | 7 | 11 | 16 => json!({"n": n, "t": "Grüße, Žofie: 世界 😀"}),
        4 | 12 | 13 | 18 => json!({"n": n, "p": "0123456789".repeat(7_000)}),
        8 | 15 => json!({"n": n, "p": "abcdefghij klmnopqr ".repeat(50_000)}),
        _ => json!({"n": n}),
    }
}

/// The event itself, or in the envelope that most handlers put around it.
fn is_answer(body: &[u8], event: &Value) -> bool {
    serde_json::from_slice(body).is_ok_and(|answer: Value| answer == *event || answer == json!({"echo": event}))
}

fn end_of(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(6)..].iter().map(|line| line.chars().take(300).collect::<String>());
    format!("its log ends with:\n  {}", end.collect::<Vec<_>>().join("\n  "))
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
