//! The JSON values in files or on stdin, one after another: lines, pretty-printed, or end to end.
//!
//! What is not JSON ends its file: what stands behind it may be a part of it, and must not run as an event of its own. Only on a
//! terminal, where a person sees the error and types again, the next line is a new beginning.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use nix::sys::eventfd::EventFd;

use super::input::{Ahead, Input};
use crate::idle::{self, Tended, Wanted};
use crate::json::{Finder, Scalars, Step};
use crate::log;
use crate::words::encoding_mark;

/// So much of a line is shown on either side of what is no JSON.
const SHOWN: usize = 40;

/// Where events come from, as the command line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// `-` is stdin.
    File(PathBuf),
    /// They are on the command line themselves.
    Words(OsString),
}

/// What was read.
#[derive(Debug)]
pub enum Read {
    Event {
        body: Vec<u8>,
        /// The file and the line that it begins in.
        place: String,
    },
    /// What stands in the place of an event, and where.
    NotJson(String),
    End,
}

/// The events of a shell.
#[derive(Default)]
pub struct Events {
    given: Vec<Given>,
    left: VecDeque<Given>,
    open: Option<Input>,
    /// Of files that could not be opened.
    problems: VecDeque<String>,
    tended: Option<Tended>,
    /// They are run again when something changes.
    again: bool,
}

impl Events {
    pub fn new(given: Vec<Given>, again: bool) -> Self {
        let given = if given.is_empty() { vec![Given::File("-".into())] } else { given };
        let left = given.iter().cloned().collect();
        Self { given, left, again, ..Self::default() }
    }

    pub fn tend(&mut self, tended: Tended) {
        self.tended = Some(tended);
    }

    /// The event files.
    pub fn files(&self) -> Vec<PathBuf> {
        let file = |given: &Given| match given {
            Given::File(path) if !is_stdin(path) => Some(path.clone()),
            _ => None,
        };
        self.given.iter().filter_map(file).collect()
    }

    /// The next event. An error is one of waiting for it.
    pub fn next(&mut self) -> io::Result<Read> {
        loop {
            if let Some(input) = &mut self.open {
                match read(input, self.tended.as_ref())? {
                    Read::End => self.open = None,
                    Read::NotJson(problem) => {
                        if !input.is_terminal() || input.problem.is_some() {
                            self.open = None;
                        }
                        return Ok(Read::NotJson(problem));
                    }
                    event @ Read::Event { .. } => return Ok(event),
                }
            }
            if let Some(problem) = self.problems.pop_front() {
                return Ok(Read::NotJson(problem));
            }
            if !self.open_next() && !self.begin_again()? {
                return Ok(Read::End);
            }
        }
    }

    /// What follows the event that was read last, as far as can be known without waiting.
    pub fn look_ahead(&mut self) -> Ahead {
        loop {
            if !self.problems.is_empty() {
                return Ahead::Something;
            }
            if let Some(input) = &mut self.open {
                match input.look_ahead() {
                    Ahead::Nothing => self.open = None,
                    ahead => return ahead,
                }
            }
            // A named pipe is opened when somebody else opens it.
            let is_pipe = |path: &Path| path.metadata().is_ok_and(|file| file.file_type().is_fifo());
            if matches!(self.left.front(), Some(Given::File(path)) if is_pipe(path)) {
                return Ahead::Unknown;
            }
            if !self.open_next() {
                return Ahead::Nothing;
            }
        }
    }

    /// Opens the next file, if there is one.
    fn open_next(&mut self) -> bool {
        let Some(next) = self.left.pop_front() else { return false };
        let opened = match &next {
            Given::File(path) if is_stdin(path) => {
                if io::stdin().is_terminal() {
                    log::info("type events (JSON), each is answered at its end; Ctrl-D ends");
                }
                Input::stdin()
            }
            Given::File(path) => Input::file(path),
            Given::Words(words) => {
                let before = self.given.len() - self.left.len();
                let all = self.given.iter().filter(|given| matches!(given, Given::Words(_))).count();
                let name = if all > 1 { format!("--event ({before})") } else { "--event".to_owned() };
                Ok(Input::words(name, words))
            }
        };
        match opened {
            Ok(input) => self.open = Some(input),
            Err(problem) => self.problems.push_back(problem),
        }
        true
    }

    /// Waits for a change, and begins with the first file again. What came on stdin is gone.
    fn begin_again(&mut self) -> io::Result<bool> {
        let Some(tended) = self.tended.as_ref().filter(|_| self.again) else { return Ok(false) };
        self.given.retain(|given| !matches!(given, Given::File(path) if is_stdin(path)));
        if self.given.is_empty() {
            return Ok(false);
        }
        let never = EventFd::new()?;
        idle::wait(tended, Wanted { until_changed: true, ..Wanted::to_read(never.as_fd()) })?;
        self.left = self.given.iter().cloned().collect();
        Ok(true)
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The next value of `input`. `End` is the input's.
fn read(input: &mut Input, tended: Option<&Tended>) -> io::Result<Read> {
    let is_start = input.is_at_start();
    loop {
        input.skip_space();
        if !input.buffer.is_empty() || input.ended {
            break;
        }
        input.fill(tended)?;
    }
    let mut finder = Finder::new(Scalars::EndAtSpace);
    let mut seen = 0;
    loop {
        match finder.push(&input.buffer[seen..]) {
            Step::End(used) => return Ok(event(input, seen + used)),
            Step::Bad(at) => return not_json(input, seen + at, is_start, tended),
            Step::More => seen = input.buffer.len(),
        }
        if !input.ended {
            input.fill(tended)?;
        } else if let Some(problem) = &input.problem {
            return Ok(Read::NotJson(problem.clone()));
        } else if seen == 0 {
            return Ok(Read::End);
        } else if finder.finish() {
            return Ok(event(input, seen));
        } else {
            let start = input.place(0);
            input.take(seen);
            return Ok(Read::NotJson(format!("{start}: the JSON value that begins here has no end")));
        }
    }
}

fn event(input: &mut Input, end: usize) -> Read {
    let (start, place) = (input.place(0), format!("{}:{}", input.name, input.line));
    let body = input.take(end);
    match std::str::from_utf8(&body) {
        Ok(_) => Read::Event { body, place },
        Err(_) => Read::NotJson(format!("{start}: the JSON value that begins here is not UTF-8")),
    }
}

/// What to say of the byte that no JSON can have there. What is shown of its line does not depend on how it came.
fn not_json(input: &mut Input, at: usize, is_start: bool, tended: Option<&Tended>) -> io::Result<Read> {
    let place = input.place(at);
    let line_end = |input: &Input| memchr::memchr(b'\n', &input.buffer[at..]).map(|end| at + end);
    // On a terminal the whole line is of no use.
    while !input.ended && line_end(input).is_none() && (input.is_terminal() || input.buffer.len() < at + SHOWN) {
        input.fill(tended)?;
    }
    let end = line_end(input).unwrap_or(input.buffer.len());
    let start = memchr::memrchr(b'\n', &input.buffer[..at]).map_or(0, |end| end + 1).max(at.saturating_sub(SHOWN));
    let line = &input.buffer[start..end.min(at + SHOWN)];
    let problem = match encoding_mark(&input.buffer).filter(|_| at == 0 && is_start) {
        Some(mark) => format!("{place}: it begins with {mark}"),
        None if input.buffer[at] == 0 => format!("{place}: no JSON has a zero byte: save it as UTF-8, if it is UTF-16"),
        None => format!("{place}: no JSON can go on like this: {}", String::from_utf8_lossy(line).trim_end()),
    };
    let problem = if input.is_terminal() {
        problem
    } else {
        format!("{problem} (nothing from here to the end of {} is run)", input.name)
    };
    input.take(end);
    Ok(Read::NotJson(problem))
}
