//! The command line. On a shell: `bootstrap [OPTIONS] HANDLER [EVENT-FILE]... [-- ARGUMENT...]`. On Lambda: the handler and its
//! arguments, none of which is an option. In both, `$_HANDLER` may have named the handler before.
//!
//! `options` is the table of what there is, and `pages` what is made of it: the help, a manual page, completions.

mod options;
mod pages;

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, bail};
use lexopt::prelude::*;

use crate::shell::Given;

pub use self::pages::Page;

/// The command line of a shell, read.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // Each is an option of its own.
pub struct Arguments {
    /// This is printed, and nothing else is done.
    pub page: Option<Page>,
    pub trace: bool,
    pub watch: bool,
    pub quiet: bool,
    pub timeout: Option<Duration>,
    /// The first free word where `$_HANDLER` is unset.
    pub handler: Option<OsString>,
    /// Where events come from, in this order.
    pub events: Vec<Given>,
    /// What stands behind `--`: the handler's own.
    pub for_handler: Vec<OsString>,
}

impl Arguments {
    /// Reads the command line; `handler` is `$_HANDLER`. An error tells a person what is wrong with it.
    pub fn read(handler: Option<OsString>) -> anyhow::Result<Self> {
        let mut arguments = Self { handler, ..Self::default() };
        let mut words = lexopt::Parser::from_env();
        loop {
            if let Some(mut rest) = words.try_raw_args()
                && rest.next_if(|word| word == "--").is_some()
            {
                arguments.for_handler = rest.collect();
                return Ok(arguments);
            }
            let Some(word) = words.next()? else { return Ok(arguments) };
            match word {
                Short('h') | Long("help") => arguments.page = Some(Page::Help),
                Short('V') | Long("version") => arguments.page = Some(Page::Version),
                Long("man") => arguments.page = Some(Page::Manual),
                Long("completions") => arguments.page = Some(Page::completions(&words.value()?)?),
                Short('q') | Long("quiet") => arguments.quiet = true,
                Long("trace") => arguments.trace = true,
                Long("watch") => arguments.watch = true,
                Long("event") => arguments.events.push(Given::Words(words.value()?)),
                Long("timeout") => arguments.timeout = Some(time(&words.value()?.string()?)?),
                Value(word) if arguments.handler.is_none() => arguments.handler = Some(word),
                Value(word) => arguments.events.push(Given::File(word.into())),
                _ => return Err(word.unexpected().into()),
            }
        }
    }
}

/// The handler and its arguments, where Lambda has started this: all words are theirs.
pub fn on_lambda(handler: Option<OsString>) -> (OsString, Vec<OsString>) {
    let mut words: Vec<_> = std::env::args_os().skip(1).collect();
    match handler {
        // An emulator takes the last word of an image's command for the handler's name.
        Some(name) if words.len() > 1 && words.last() == Some(&name) => {}
        Some(name) if words.first() == Some(&name) => {}
        Some(name) => return (name, Vec::new()),
        None => {}
    }
    let name = if words.is_empty() { OsString::new() } else { words.remove(0) };
    (name, words)
}

/// A time as a person writes it. A number alone is seconds, as Lambda's own setting is.
fn time(text: &str) -> anyhow::Result<Duration> {
    const SAY: &str = "say 3s, 500ms or 1m";
    let time = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(anyhow::Error::from),
        Err(_) => humantime::parse_duration(text).map_err(anyhow::Error::from),
    };
    let time = time.with_context(|| format!("--timeout {text} is no time: {SAY}"))?;
    if time.is_zero() {
        bail!("--timeout must be longer than nothing: {SAY}");
    }
    Ok(time)
}
