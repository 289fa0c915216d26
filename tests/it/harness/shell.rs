//! The builder for `bootstrap` on a shell: no Runtime API, events from stdin and files, answers on stdout.

use super::files::{self, Folder, need};
use super::process::{Process, Stdout};
use super::watch::{Exit, Watch};
use nix::pty::openpty;
use nix::sys::signal::Signal;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A command line to be.
pub struct Shell {
    folder: Folder,
    environment: HashMap<String, String>,
    arguments: Vec<String>,
    program: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    terminal: bool,
}

impl Shell {
    /// `bootstrap handler`, the handler being an executable file with this content.
    pub fn new(script: &str) -> Self {
        let shell = Self::bare().arg("handler");
        shell.folder.write("handler", script.as_bytes(), 0o755);
        shell
    }

    #[track_caller]
    pub fn bash(script: &str) -> Self {
        Self::new(&format!("#!{}\n{script}", need("bash").display()))
    }

    /// `bootstrap` with no arguments, in an empty folder.
    pub fn bare() -> Self {
        Self {
            folder: Folder::new(),
            environment: HashMap::from([("PATH".to_owned(), files::search_path())]),
            arguments: Vec::new(),
            program: vec![files::bootstrap().into()],
            stdin: None,
            terminal: false,
        }
    }

    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn file(self, name: &str, content: &str) -> Self {
        self.folder.write(name, content.as_bytes(), 0o644);
        self
    }

    pub fn program(self, name: &str, content: &str) -> Self {
        self.folder.write(name, content.as_bytes(), 0o755);
        self
    }

    /// Another file, copied with its mode.
    pub fn copy(self, from: &Path, name: &str) -> Self {
        self.folder.copy(from, name);
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs this instead of the plain `bootstrap`; the arguments come behind it.
    pub fn through(mut self, program: &[&OsStr]) -> Self {
        self.program = program.iter().map(OsString::from).collect();
        self
    }

    /// What is typed, to its end.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// The answers go to a terminal.
    pub fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// Starts it. What `stdin` was given is written and closed; without it, stdin stays open for `Typing::type_in`.
    #[track_caller]
    pub fn start(self) -> Typing {
        let watch = Arc::new(Watch::default());
        let mut command = Command::new(&self.program[0]);
        // As for a function: what is left goes with the folder, whose name marks the processes of this test.
        command
            .args(&self.program[1..])
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TMPDIR", self.folder.path())
            .envs(super::sandbox::profile_outside())
            .envs(&self.environment);
        let stdout = if self.terminal {
            let ends = openpty(None, None).unwrap();
            Stdout::Terminal(ends.master, ends.slave)
        } else {
            Stdout::Pipe
        };
        let mut process = Process::start(&mut command, &self.folder, Stdio::piped(), stdout, &watch);
        if let Some(text) = self.stdin {
            let mut stdin = process.stdin().take().unwrap();
            std::thread::spawn(move || match stdin.write_all(&text) {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("stdin: {error}"),
                _ => {}
            });
        }
        Typing { process, watch, folder: self.folder }
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(mut self) -> Output {
        self.stdin.get_or_insert_default();
        self.start().end()
    }
}

/// A `bootstrap` on a shell that still runs.
pub struct Typing {
    process: Process,
    watch: Arc<Watch>,
    folder: Folder,
}

impl Typing {
    pub fn type_in(&mut self, text: &str) {
        self.process.stdin().as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn close_stdin(&mut self) {
        self.process.stdin().take();
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// As a terminal does it: the whole group of processes is told.
    pub fn signal_group(&self, signal: Signal) {
        nix::sys::signal::killpg(nix::unistd::Pid::from_raw(self.process.pid()), signal).unwrap();
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    #[track_caller]
    pub fn wait_stdout(&self, contains: &str) {
        self.watch.wait(&format!("{contains:?} on stdout"), |seen| {
            memchr::memmem::find(&seen.stdout, contains.as_bytes()).map(|_| ())
        });
    }

    /// Waits until this stands in the log.
    #[track_caller]
    pub fn wait_log(&self, contains: &str) {
        self.watch.wait(&format!("the log line {contains:?}"), |seen| {
            memchr::memmem::find(&seen.stderr, contains.as_bytes()).map(|_| ())
        });
    }

    /// Types an event in; the answer, a line, is the next one on stdout.
    #[track_caller]
    pub fn ask(&mut self, event: &str) -> String {
        let before = self.watch.look(|seen| seen.stdout.len());
        self.type_in(&format!("{event}\n"));
        self.watch.wait(&format!("the answer to {event}"), |seen| {
            let end = memchr::memchr(b'\n', &seen.stdout[before..])?;
            Some(String::from_utf8_lossy(&seen.stdout[before..before + end]).into_owned())
        })
    }

    /// Waits for the end.
    #[track_caller]
    pub fn end(self) -> Output {
        self.end_with(|| {})
    }

    /// Waits for the end, and looks at something while the folder is still there.
    #[track_caller]
    pub fn end_with(self, look: impl FnOnce()) -> Output {
        let exit = self.watch.wait("the end of bootstrap", |seen| seen.exit.filter(|_| seen.open == 0));
        look();
        self.watch.look(|seen| Output {
            exit,
            stdout: String::from_utf8_lossy(&seen.stdout).replace("\r\n", "\n"),
            stderr: String::from_utf8_lossy(&seen.stderr).into_owned(),
            story: seen.story(),
        })
    }
}

/// What became of it.
pub struct Output {
    pub exit: Exit,
    pub stdout: String,
    pub stderr: String,
    story: String,
}

impl Output {
    #[track_caller]
    pub fn expect_stdout(self, wanted: &str) -> Self {
        assert_eq!(self.stdout, wanted, "{}", self.story);
        self
    }

    #[track_caller]
    pub fn expect_stderr(self, contains: &str) -> Self {
        assert!(self.stderr.contains(contains), "{contains:?} is not on stderr:\n{}", self.story);
        self
    }

    #[track_caller]
    pub fn expect_status(self, status: i32) -> Self {
        assert_eq!(self.exit, Exit::Status(status), "{}", self.story);
        self
    }
}
