//! The command line: `bootstrap [HANDLER] [EVENT-FILE]...`, the handler only where `$_HANDLER` is unset.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use lexopt::prelude::*;

/// What `--help` prints: it teaches with examples.
pub const HELP: &str = "\
lambda-stdio: any program as a Lambda function, here on your shell

Usage: bootstrap [OPTIONS] HANDLER [EVENT-FILE]...

HANDLER is a program or script. It gets each event on its stdin and answers on its stdout.
Events are JSON values in the files, or on stdin (also as -), one after another.
Answers go to stdout, one a line; logs and a REPORT line per event go to stderr.

Options:
      --timeout TIME  give up on an event after TIME (3s, 500ms, 1m), as Lambda would
      --trace         print every exchange to stderr: > to the handler, < from it
      --watch         start HANDLER again when a file in the current folder or below it changes
  -h, --help          this text
  -V, --version       the version

Examples:
  A script that answers each line of its stdin:
    echo '{\"name\":\"Ada\"}' | bootstrap ./handler.sh

  A filter that reads to end-of-file, on events in files:
    HANDLER_MODE=oneshot bootstrap ./filter.jq monday.json tuesday.json

  See why a handler does not answer:
    bootstrap --trace --timeout 3s ./handler.py event.json

  Edit a handler, and type events meanwhile:
    bootstrap --watch ./handler.py

On Lambda the same file, named bootstrap, serves the handler that the function's settings name.
The exit status is 0, or 1 if an event or the start failed, or 2 if the command line was wrong.
";

/// The command line, read.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // Each is an option of its own.
pub struct Arguments {
    pub help: bool,
    pub version: bool,
    pub trace: bool,
    pub watch: bool,
    pub timeout: Option<Duration>,
    /// The first free word where `$_HANDLER` is unset.
    pub handler: Option<OsString>,
    pub event_files: Vec<PathBuf>,
}

impl Arguments {
    /// Reads the command line; `handler` is `$_HANDLER`. An error tells a person what is wrong with it.
    pub fn read(handler: Option<OsString>) -> anyhow::Result<Self> {
        let mut arguments = Self { handler, ..Self::default() };
        let mut words = lexopt::Parser::from_env();
        while let Some(word) = words.next()? {
            match word {
                Short('h') | Long("help") => arguments.help = true,
                Short('V') | Long("version") => arguments.version = true,
                Long("trace") => arguments.trace = true,
                Long("watch") => arguments.watch = true,
                Long("timeout") => {
                    let time = words.value()?.string()?;
                    let time = humantime::parse_duration(&time)
                        .with_context(|| format!("--timeout {time} is no time: say 3s, 500ms or 1m"))?;
                    if time.is_zero() {
                        bail!("--timeout must be longer than nothing: say 3s, 500ms or 1m");
                    }
                    arguments.timeout = Some(time);
                }
                Value(word) if arguments.handler.is_none() => arguments.handler = Some(word),
                Value(word) => arguments.event_files.push(word.into()),
                _ => return Err(word.unexpected().into()),
            }
        }
        Ok(arguments)
    }
}
