//! One file of events, stdin, or what the command line gives in their place: read piece by piece, and looked ahead in without
//! waiting.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use crate::idle::{self, Tended, Wanted};
use crate::os;

/// One read.
const PIECE: usize = 64 * 1024;

/// What can be known, without waiting, of what follows.
#[derive(Debug)]
pub enum Ahead {
    Something,
    Nothing,
    /// Somebody may type.
    Unknown,
    /// Whoever writes to this pipe has not closed it.
    Open(Arc<OwnedFd>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It can be read to its end at once.
    File,
    Pipe,
    Terminal,
}

/// What is read, as far as it has been, with the place that this begins at.
#[derive(Debug)]
pub struct Input {
    pub name: String,
    file: Option<Arc<OwnedFd>>,
    kind: Kind,
    pub buffer: Vec<u8>,
    pub ended: bool,
    /// Why it could not be read to its end.
    pub problem: Option<String>,
    /// The line and column (in bytes, from 1) that the buffer begins at.
    pub line: usize,
    column: usize,
}

impl Input {
    pub fn words(name: String, words: &OsStr) -> Self {
        let mut input = Self::new(name, None, Kind::File);
        input.buffer = words.as_bytes().to_vec();
        input.ended = true;
        input
    }

    pub fn stdin() -> Result<Self, String> {
        let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        Self::of("stdin".to_owned(), file)
    }

    pub fn file(path: &Path) -> Result<Self, String> {
        Self::of(path.display().to_string(), File::open(path))
    }

    fn of(name: String, file: io::Result<File>) -> Result<Self, String> {
        let file = file.map_err(|error| format!("the event file {name} cannot be opened: {error}"))?;
        let kind = match file.metadata().map(|data| data.file_type()) {
            Ok(kind) if kind.is_dir() => return Err(format!("{name} is a folder, and no event file")),
            Ok(kind) if kind.is_file() => Kind::File,
            Ok(kind) if kind.is_char_device() && file.is_terminal() => Kind::Terminal,
            _ => Kind::Pipe,
        };
        Ok(Self::new(name, Some(Arc::new(file.into())), kind))
    }

    fn new(name: String, file: Option<Arc<OwnedFd>>, kind: Kind) -> Self {
        Self { name, file, kind, buffer: Vec::new(), ended: false, problem: None, line: 1, column: 1 }
    }

    pub fn is_terminal(&self) -> bool {
        self.kind == Kind::Terminal
    }

    /// Nothing has been taken out yet.
    pub fn is_at_start(&self) -> bool {
        (self.line, self.column) == (1, 1)
    }

    /// Waits for more. An error is one of the wait; what cannot be read has ended, with a problem.
    pub fn fill(&mut self, tended: Option<&Tended>) -> io::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| !self.ended) else { return Ok(()) };
        if let Some(tended) = tended {
            idle::wait(tended, Wanted::to_read(file.as_fd()))?;
        }
        self.read();
        Ok(())
    }

    fn read(&mut self) {
        let Some(file) = &self.file else { return };
        match os::read_append(file.as_fd(), &mut self.buffer, PIECE) {
            Ok(got) => self.ended = got == 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.problem = Some(format!("{} cannot be read: {error}", self.name));
                self.ended = true;
            }
        }
    }

    /// What follows behind white space, as far as can be known without waiting.
    pub fn look_ahead(&mut self) -> Ahead {
        loop {
            self.skip_space();
            if !self.buffer.is_empty() || self.problem.is_some() {
                return Ahead::Something;
            }
            let Some(file) = self.file.as_ref().filter(|_| !self.ended) else { return Ahead::Nothing };
            match self.kind {
                Kind::File => self.read(),
                Kind::Terminal => return Ahead::Unknown,
                Kind::Pipe if os::has_ended(file) => self.ended = true,
                Kind::Pipe if os::can_be_read(file) => self.read(),
                Kind::Pipe => return Ahead::Open(file.clone()),
            }
        }
    }

    pub fn skip_space(&mut self) {
        let space = self.buffer.len() - self.buffer.trim_ascii_start().len();
        self.pass(space);
        self.buffer.drain(..space);
    }

    /// Takes so many bytes out. Many are not copied.
    pub fn take(&mut self, bytes: usize) -> Vec<u8> {
        self.pass(bytes);
        if bytes < self.buffer.len() / 2 {
            return self.buffer.drain(..bytes).collect();
        }
        let rest = self.buffer.split_off(bytes);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Counts the lines that are left behind.
    fn pass(&mut self, bytes: usize) {
        let passed = &self.buffer[..bytes];
        match memchr::memrchr(b'\n', passed) {
            Some(end) => {
                self.line += memchr::memchr_iter(b'\n', passed).count();
                self.column = bytes - end;
            }
            None => self.column += bytes,
        }
    }

    /// Where in the file a byte of the buffer is, as editors say it.
    pub fn place(&self, at: usize) -> String {
        let before = &self.buffer[..at];
        let lines = memchr::memchr_iter(b'\n', before).count();
        let column = match memchr::memrchr(b'\n', before) {
            Some(end) => at - end,
            None => self.column + at,
        };
        format!("{}:{}:{column}", self.name, self.line + lines)
    }
}
