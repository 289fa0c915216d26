//! The handler: what the function's author wrote, kept running.
//!
//! `find` says what it is (`adapters` what runs a function), `launch` starts it, `exchange` gives it an event (in the way of `loop_` or `oneshot`),
//! `idle` tends it between events. All of these wait in `pump`, the one poll loop, over the pipes of a `process`.

mod adapters;
mod context;
mod entrypoint;
mod exchange;
pub mod find;
mod idle;
mod launch;
mod loop_;
mod message;
mod messages;
mod oneshot;
mod parcel;
mod process;
mod pump;
mod restart;
mod scan;
mod sight;
mod stderr;
mod stdin;
mod stdout;
mod watch;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::context::ContextFile;
use self::entrypoint::Program;
use self::exchange::Outcome;
use self::launch::Launch;
use self::process::Process;
use self::restart::Restarts;
use self::watch::{Stopping, Watch};
use crate::config::{self, Config, Mode};
use crate::fault::Fault;
use crate::invocation::{Answer, Invocation};
use crate::log;
use crate::os::Signals;

/// How a handler is talked with, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talk {
    Loop,
    Oneshot,
    /// Loop, until it has answered once or is seen to read to end-of-file.
    Undecided,
    Messages,
}

/// The handler with its processes: the one that works, and one that stands by.
pub struct Handler {
    launch: Launch,
    config: Config,
    context: Option<ContextFile>,
    talk: Talk,
    current: Option<Process>,
    spare: Option<Process>,
    /// A oneshot program that does not wait for its event is started when the event is there.
    needs_no_event: bool,
    restarts: Restarts,
    stopping: Option<Stopping>,
    /// An event is being worked on or answered: no process is replaced meanwhile.
    busy: bool,
}

impl Handler {
    /// Starts the handler and waits until it is ready. Any fault is one of the start: an init error.
    pub fn start(config: Config, name: &OsString, program: Program, signals: Arc<Signals>) -> Result<Self, Fault> {
        let context = ContextFile::create().map_err(|error| {
            log::warn(format_args!("there will be no LAMBDA_CONTEXT_FILE: {error}"));
        });
        let context = context.ok();
        let path = context.as_ref().map(ContextFile::path);
        let environment = config::handler_environment(&config, name, path.as_ref());
        let talk = match config.mode {
            _ if program.speaks_messages => Talk::Messages,
            Mode::Auto => Talk::Undecided,
            Mode::Loop => Talk::Loop,
            Mode::Oneshot => Talk::Oneshot,
        };
        let launch = Launch::new(program, &environment, signals, config.ready_timeout)?;
        let mut handler = Self {
            launch,
            config,
            context,
            talk,
            current: None,
            spare: None,
            needs_no_event: false,
            restarts: Restarts::default(),
            stopping: None,
            busy: false,
        };
        handler.start_first()?;
        Ok(handler)
    }

    /// Carries out one exchange: the event goes to the handler, its answer comes back. The body of `invocation` is
    /// used up.
    pub fn exchange(&mut self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        self.busy = true;
        let answer_by = self.answer_by(invocation);
        self.write_context(invocation);
        let body = std::mem::take(&mut invocation.body);
        if self.config.trace {
            log::trace('>', &body);
        }
        let result = self.exchange_twice_at_most(invocation, body, answer_by);
        if self.config.trace {
            match &result {
                Ok(answer) => log::trace('<', &answer.body),
                Err(fault) => log::trace('<', &fault.body()),
            }
        }
        result
    }

    /// Whether a signal has told `bootstrap` to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// A process that ended before it had read a byte of the event ended idle, whatever the clocks say: the event then
    /// goes to the next one. Once, for a process that ends without reading may do so for ever.
    fn exchange_twice_at_most(
        &mut self,
        invocation: &Invocation,
        body: Vec<u8>,
        answer_by: Option<Instant>,
    ) -> Result<Answer, Fault> {
        let began = Instant::now();
        let mut body = Some(body);
        for attempt in 0..2 {
            let mut process = self.process_for_event(answer_by)?;
            process.stdout.talk = match process.stdout.talk {
                Talk::Undecided => self.talk,
                decided => decided,
            };
            let mut watch = Watch {
                signals: &self.launch.signals,
                stopping: &mut self.stopping,
                answer_by,
                spare: self.spare.as_mut(),
                began,
            };
            let event = body.take().unwrap_or_default();
            let outcome = exchange::carry_out(&mut process, invocation, event, &mut watch)
                .map_err(|error| Fault::system("The handler's pipes cannot be waited for", &error))?;
            match outcome {
                Outcome::Untouched if attempt == 0 => {
                    body = Some(process.stdin.take_back().unwrap());
                    self.ended_idle(process);
                }
                Outcome::Untouched => {
                    let status = process::describe(process.kill());
                    let fault = Fault::exit(format!("The handler ended with {status} without reading the event"));
                    return Err(fault.with_stack(process.stderr.stack()));
                }
                outcome => return self.settle(process, outcome),
            }
        }
        Err(Fault::exit("The handler ended without reading the event"))
    }

    /// What an outcome means for the process and for the way to talk.
    fn settle(&mut self, mut process: Process, outcome: Outcome) -> Result<Answer, Fault> {
        let (result, keep) = match outcome {
            Outcome::Answer(answer) => (Ok(answer), self.talk != Talk::Oneshot),
            Outcome::Fault { fault, keep } => (Err(fault), keep),
            Outcome::Untouched => (Err(Fault::exit("The handler ended without reading the event")), false),
            Outcome::ReadsToEnd(answer) => {
                log::info(
                    "the handler reads to end-of-file: from now on it is started once per event. Set HANDLER_MODE=oneshot to say so from the start",
                );
                self.talk = Talk::Oneshot;
                (Ok(answer), false)
            }
        };
        if self.talk == Talk::Undecided && process.answers > 0 {
            self.talk = Talk::Loop;
        }
        if result.is_ok() || keep {
            self.restarts.succeeded();
        }
        if keep {
            if process.stdin.is_done() {
                // A large event is not kept in memory until the next one comes.
                process.stdin.take_back();
            }
            self.current = Some(process);
        }
        result
    }

    /// When the handler must have answered: the margin before the deadline is for the report. Of a time that is no
    /// longer than the margin, half is left to the handler.
    fn answer_by(&self, invocation: &Invocation) -> Option<Instant> {
        let now = Instant::now();
        let left = invocation.deadline?.saturating_duration_since(now);
        let margin = self.config.deadline_margin;
        Some(now + left.checked_sub(margin).filter(|left| *left > Duration::ZERO).unwrap_or(left / 2))
    }

    fn write_context(&mut self, invocation: &Invocation) {
        if let Some(context) = &mut self.context
            && let Err(error) = context.write(invocation)
        {
            log::error(format_args!("LAMBDA_CONTEXT_FILE could not be brought up to date: {error}"));
        }
    }
}
