//! The JSON values in files or on stdin, one after another: lines, pretty-printed, or end to end.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;

use crate::idle::{self, Tended, Wanted};
use crate::json::{Finder, Scalars, Step};
use crate::log;
use crate::os;

/// One read.
const PIECE: usize = 64 * 1024;

/// What was read.
pub enum Read {
    Event(Vec<u8>),
    /// What stands in the place of an event, and where. Reading goes on behind its line.
    NotJson(String),
    End,
}

/// The events of a shell.
pub struct Events {
    files: VecDeque<PathBuf>,
    open: Option<Input>,
    tended: Option<Tended>,
}

impl Events {
    pub fn new(files: Vec<PathBuf>) -> Self {
        let files = if files.is_empty() { vec![PathBuf::from("-")] } else { files };
        Self { files: files.into(), open: None, tended: None }
    }

    /// No events at all.
    pub fn none() -> Self {
        Self { files: VecDeque::new(), open: None, tended: None }
    }

    pub fn tend(&mut self, tended: Tended) {
        self.tended = Some(tended);
    }

    /// The next event. An error is one of reading; it ends the file.
    pub fn next(&mut self) -> io::Result<Read> {
        loop {
            if let Some(input) = &mut self.open {
                match input.next(self.tended.as_ref())? {
                    Read::End => self.open = None,
                    read => return Ok(read),
                }
            }
            let Some(file) = self.files.pop_front() else { return Ok(Read::End) };
            match Input::open(file) {
                Ok(input) => self.open = Some(input),
                Err(problem) => return Ok(Read::NotJson(problem)),
            }
        }
    }
}

/// One file, or stdin.
struct Input {
    name: String,
    file: File,
    buffer: Vec<u8>,
    ended: bool,
    /// The line and column (in bytes, from 1) that the buffer begins at.
    line: usize,
    column: usize,
}

impl Input {
    fn open(path: PathBuf) -> Result<Self, String> {
        let (name, file) = if path.as_os_str() == "-" {
            if io::stdin().is_terminal() {
                log::info("type events (JSON), each is answered at its end; Ctrl-D ends");
            }
            ("stdin".to_owned(), io::stdin().as_fd().try_clone_to_owned().map(File::from))
        } else {
            (path.display().to_string(), File::open(path))
        };
        let file = file.map_err(|error| format!("the event file {name} cannot be opened: {error}"))?;
        Ok(Self { name, file, buffer: Vec::new(), ended: false, line: 1, column: 1 })
    }

    fn next(&mut self, tended: Option<&Tended>) -> io::Result<Read> {
        self.skip_space(tended)?;
        let mut finder = Finder::new(Scalars::EndAtSpace);
        let mut seen = 0;
        loop {
            match finder.push(&self.buffer[seen..]) {
                Step::End(used) => return Ok(self.take_event(seen + used)),
                Step::Bad(at) => return self.not_json(seen + at, tended),
                Step::More => seen = self.buffer.len(),
            }
            if !self.ended {
                self.fill(tended)?;
            } else if seen == 0 {
                return Ok(Read::End);
            } else if finder.finish() {
                return Ok(self.take_event(seen));
            } else {
                let start = self.place(0);
                self.consume(seen);
                return Ok(Read::NotJson(format!("{start}: the JSON value that begins here has no end")));
            }
        }
    }

    fn take_event(&mut self, end: usize) -> Read {
        let event = self.buffer[..end].to_vec();
        let start = self.place(0);
        self.consume(end);
        match std::str::from_utf8(&event) {
            Ok(_) => Read::Event(event),
            Err(_) => Read::NotJson(format!("{start}: the JSON value that begins here is not UTF-8")),
        }
    }

    /// Passes over the rest of the line that is no JSON: nothing behind it is lost.
    fn not_json(&mut self, at: usize, tended: Option<&Tended>) -> io::Result<Read> {
        let place = self.place(at);
        let mut seen = at;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[seen..]) {
                seen += end;
                break;
            }
            seen = self.buffer.len();
            if self.ended {
                break;
            }
            self.fill(tended)?;
        }
        let start = memchr::memrchr(b'\n', &self.buffer[..at]).map_or(0, |end| end + 1);
        let line = String::from_utf8_lossy(&self.buffer[start..seen.min(start + 80)]).into_owned();
        self.consume(seen);
        Ok(Read::NotJson(format!("{place}: no JSON can go on like this: {line}")))
    }

    fn skip_space(&mut self, tended: Option<&Tended>) -> io::Result<()> {
        loop {
            let space = self.buffer.len() - self.buffer.trim_ascii_start().len();
            self.consume(space);
            if !self.buffer.is_empty() || self.ended {
                return Ok(());
            }
            self.fill(tended)?;
        }
    }

    fn fill(&mut self, tended: Option<&Tended>) -> io::Result<()> {
        if let Some(tended) = tended {
            idle::wait(tended, Wanted::to_read(self.file.as_fd()))?;
        }
        let got = os::read_append(self.file.as_fd(), &mut self.buffer, PIECE)?;
        self.ended = got == 0;
        Ok(())
    }

    fn consume(&mut self, bytes: usize) {
        for &byte in &self.buffer[..bytes] {
            self.column += 1;
            if byte == b'\n' {
                self.line += 1;
                self.column = 1;
            }
        }
        self.buffer.drain(..bytes);
    }

    /// Where in the file a byte of the buffer is, as editors say it.
    fn place(&self, at: usize) -> String {
        let before = &self.buffer[..at];
        let lines = memchr::memchr_iter(b'\n', before).count();
        let column = match memchr::memrchr(b'\n', before) {
            Some(end) => at - end,
            None => self.column + at,
        };
        format!("{}:{}:{column}", self.name, self.line + lines)
    }
}
