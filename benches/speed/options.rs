//! The command line.

use super::entry::Entry;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use std::time::Duration;

const HELP: &str = "\
Usage: cargo bench -- [NAME...] [OPTION...]

  NAME             only these, of: floor bootstrap bootstrap-glibc rust rust-raw python awslambdaric
                   node20 node22 node24 node20-mjs node20-least aws-lambda-ric20 aws-lambda-ric22 aws-lambda-ric24
                   bash bash-loop tutorial lisp lisp-bare oneshot oneshot-cold web-loop cgi-bash cgi-php mcp-time
                   arm64-floor arm64
  --part PART      only this, of: events sizes web answers arm64 growth processors workers
  --size BYTES     only the part `events`, with events of this size (100)
  --seconds N      how long the part `events` measures (60); the others take their share
  --write          writes benches/README.md's tables, docs/speed.md's, the figures in README.md, benches/speed.svg
                   and benches/growth.svg
";

#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Events,
    Sizes,
    Web,
    Answers,
    Arm64,
    Growth,
    Processors,
    Workers,
}

pub struct Options {
    names: Vec<String>,
    part: Option<Part>,
    pub size: usize,
    pub time: Duration,
    pub write: bool,
}

impl Options {
    /// Reads them, or says what they are and exits.
    pub fn read() -> Self {
        parse().unwrap_or_else(|error| {
            eprint!("{error}\n\n{HELP}");
            std::process::exit(2);
        })
    }

    pub fn wants(&self, entry: &Entry) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == entry.name)
    }

    pub fn has(&self, part: Part) -> bool {
        self.part.is_none_or(|only| only == part)
    }
}

fn parse() -> Result<Options, lexopt::Error> {
    let mut options = Options { names: Vec::new(), part: None, size: 100, time: Duration::from_secs(60), write: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("part") => options.part = Some(parser.value()?.parse_with(part)?),
            Long("size") => {
                options.size = parser.value()?.parse()?;
                options.part = Some(Part::Events);
            }
            Long("seconds") => options.time = Duration::from_secs(parser.value()?.parse()?),
            Long("write") => options.write = true,
            // Cargo says this to every benchmark.
            Long("bench") => {}
            Long("help") | Short('h') => {
                print!("{HELP}");
                std::process::exit(0);
            }
            Value(name) => options.names.push(name.string()?),
            _ => return Err(argument.unexpected()),
        }
    }
    if options.write && (options.part.is_some() || !options.names.is_empty()) {
        return Err("--write wants all parts and all names".into());
    }
    Ok(options)
}

fn part(word: &str) -> Result<Part, &'static str> {
    match word {
        "events" => Ok(Part::Events),
        "sizes" => Ok(Part::Sizes),
        "web" => Ok(Part::Web),
        "answers" => Ok(Part::Answers),
        "arm64" => Ok(Part::Arm64),
        "growth" => Ok(Part::Growth),
        "processors" => Ok(Part::Processors),
        "workers" => Ok(Part::Workers),
        _ => Err("there is no such part"),
    }
}
