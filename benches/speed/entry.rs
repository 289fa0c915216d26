//! One runtime with its handler: how it is started, and what it is given.

use super::event::Event;
use super::interpreters;
use super::lineup::handlers;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether it is ours, to be compared with others.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Floor,
    Here,
    Other,
}

/// The largest event that Lambda sends.
const LAMBDAS: usize = 6_000_000;
/// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, in MB.
pub const MEMORY: u32 = 1024;

#[derive(Clone)]
pub struct Entry {
    /// As the command line names it.
    pub name: &'static str,
    /// As the tables name it.
    pub title: &'static str,
    pub side: Side,
    /// The largest event that it takes, or takes in reasonable time.
    pub largest: usize,
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    /// Where its interpreter is, before all other folders.
    folder: Option<PathBuf>,
    /// What it says on stderr is known.
    quiet: bool,
    /// An event of its own, and what stands in the answer to that.
    asked: Option<(String, &'static str)>,
}

impl Entry {
    /// `bootstrap` with this handler.
    pub fn here(name: &'static str, title: &'static str, bootstrap: &Path, handler: impl Into<OsString>) -> Self {
        Self::new(name, title, Side::Here, bootstrap).with("_HANDLER", handler)
    }

    /// Another program, if it is there.
    pub fn other(name: &'static str, title: &'static str, side: Side, program: &Path) -> Result<Self, String> {
        there(program)?;
        Ok(Self::new(name, title, side, program))
    }

    fn new(name: &'static str, title: &'static str, side: Side, program: &Path) -> Self {
        let (arguments, variables) = (Vec::new(), Vec::new());
        let program = program.to_owned();
        Self {
            name,
            title,
            side,
            largest: LAMBDAS,
            program,
            arguments,
            variables,
            folder: None,
            quiet: false,
            asked: None,
        }
    }

    pub fn with(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    pub fn arguments(mut self, arguments: Vec<OsString>) -> Self {
        self.arguments = arguments;
        self
    }

    pub fn named(mut self, name: &'static str, title: &'static str) -> Self {
        (self.name, self.title) = (name, title);
        self
    }

    pub fn up_to(mut self, largest: usize) -> Self {
        self.largest = largest;
        self
    }

    /// With an interpreter of its own, in this folder.
    pub fn interpreted_in(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// It is to fail, or to warn, and what it says of that is not of interest.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// With an event of its own, and an answer that has this in it.
    pub fn asked(mut self, body: String, answer: &'static str) -> Self {
        self.asked = Some((body, answer));
        self
    }

    /// With several events at once.
    pub fn at_once(self, events: usize) -> Self {
        let variable = if self.side == Side::Here { "HANDLER_WORKERS" } else { "AWS_LAMBDA_MAX_CONCURRENCY" };
        self.with(variable, events.to_string())
    }

    /// The event that it is given: one of this size, if it has none of its own.
    pub fn event(&self, size: usize) -> Event {
        match &self.asked {
            Some((body, answer)) => Event::of(body, Some(answer)),
            None => Event::new(size),
        }
    }

    pub fn command(&self, address: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(handlers()).stdin(Stdio::null()).stdout(Stdio::null());
        // What a runtime prints of its own accord is not of interest; errors are.
        // A variable of whoever measures may cost one interpreter more than all that is measured.
        command.env_clear().env("TZ", ":UTC").env("LANG", "en_US.UTF-8");
        command.env("AWS_LAMBDA_RUNTIME_API", address).env("LAMBDA_TASK_ROOT", handlers());
        let others = interpreters::search_path();
        let folders = self.folder.iter().cloned().chain(env::split_paths(others));
        command.env("PATH", env::join_paths(folders).expect("a PATH"));
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEMORY.to_string()).envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/echo"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_REGION", "us-east-2"),
        ]);
        if self.quiet {
            command.stderr(Stdio::null());
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

pub fn there(file: &Path) -> Result<(), String> {
    if file.exists() { Ok(()) } else { Err(format!("{} is not there; benches/run.sh installs it", file.display())) }
}

/// This program by another name, under which it is the floor or a handler. See main.
pub fn own(name: &str) -> PathBuf {
    let this = env::current_exe().expect("this program");
    let folder = own_folder();
    let link = folder.join(name);
    if fs::read_link(&link).is_ok_and(|target| target == this) {
        return link;
    }
    fs::create_dir_all(&folder).expect("a folder");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(&this, &link).expect("a link");
    link
}

/// A folder for what this program makes, in Cargo's target folder.
pub fn own_folder() -> PathBuf {
    target_folder().join("speed")
}

/// Where benches/run.sh installs other people's runtimes: beside `release`, in Cargo's target folder.
pub fn peers() -> PathBuf {
    target_folder().join("peers")
}

fn target_folder() -> PathBuf {
    let this = env::current_exe().expect("this program");
    this.ancestors().nth(3).expect("Cargo's target folder").to_owned()
}
