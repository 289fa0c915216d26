//! The handler: what the function's author wrote, kept running.
//!
//! `find` says what it is (`adapters`, what runs a function), `launch` starts it, `exchange` gives it an event in the
//! way that it talks (`loop_`, `oneshot`, `messages`, or several at once: `shared`), `idle` tends it between events,
//! `restart` starts it again, `follow` when a person has edited it (`changes`), and `snapshot` prepares it for SnapStart.
//! All of these wait in `pump`, the one poll loop, over the pipes (`stdin`, `stdout`, `stderr`) of a `process`.

mod adapters;
mod changes;
mod context;
mod desk;
mod entrypoint;
mod exchange;
pub mod find;
mod follow;
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
mod shared;
mod sight;
mod snapshot;
mod stderr;
mod stdin;
mod stdout;
mod watch;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Instant;

use self::changes::Changes;
use self::context::ContextFile;
pub use self::desk::Desk;
pub use self::entrypoint::Program;
use self::exchange::{Outcome, Streamed};
use self::launch::Launch;
use self::process::Process;
use self::restart::Restarts;
pub use self::shared::Shared;
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
    name: OsString,
    config: Config,
    context: Option<ContextFile>,
    talk: Talk,
    current: Option<Process>,
    spare: Option<Process>,
    /// A oneshot program that does not wait for its event is started when the event is there.
    needs_no_event: bool,
    restarts: Restarts,
    stopping: Option<Stopping>,
    /// Of files, where they are watched.
    changes: Option<Changes>,
    /// An event is being worked on or answered: no process is replaced meanwhile.
    busy: bool,
    /// When the last event was given to the handler.
    began: Instant,
}

impl Handler {
    /// Starts the handler and waits until it is ready. Any fault is one of the start: an init error.
    /// Without a `program` it is found here, and anew when it has changed.
    pub fn start(
        config: Config,
        name: &OsString,
        program: Option<Program>,
        signals: Arc<Signals>,
    ) -> Result<Self, Fault> {
        // Before anything is written: the context file may be in there.
        let changes = config.watch.then(|| Changes::under(&config.task_root)).transpose().map_err(|error| {
            Fault::system(&format!("The files in {} cannot be watched", config.task_root.display()), &error)
        })?;
        let context = ContextFile::create().map_err(|error| {
            log::warn(format_args!("there will be no LAMBDA_CONTEXT_FILE: {error}"));
        });
        let mut handler = Self {
            launch: Launch::new(signals, config.ready_timeout),
            name: name.clone(),
            restarts: Restarts::new(config.watch),
            config,
            context: context.ok(),
            talk: Talk::Undecided,
            current: None,
            spare: None,
            needs_no_event: false,
            stopping: None,
            changes,
            busy: false,
            began: Instant::now(),
        };
        match program {
            Some(program) => handler.start_first(program)?,
            None => handler.start_anew()?,
        }
        Ok(handler)
    }

    /// Makes `program` the one to start, of which nothing is known yet.
    fn load(&mut self, program: Program) -> Result<(), Fault> {
        self.talk = match self.config.mode {
            _ if program.speaks_messages => Talk::Messages,
            Mode::Auto => Talk::Undecided,
            Mode::Loop => Talk::Loop,
            Mode::Oneshot => Talk::Oneshot,
        };
        self.needs_no_event = false;
        let context = self.context.as_ref().map(ContextFile::path);
        let environment = config::handler_environment(&self.config, &self.name, context.as_ref());
        self.launch.load(program, &environment)
    }

    /// Carries out one exchange: the event goes to the handler, its answer comes back. The body of `invocation` is
    /// used up.
    pub fn exchange(&mut self, invocation: &mut Invocation) -> Result<Answer, Fault> {
        self.busy = true;
        self.began = Instant::now();
        // In messages it is in the headers.
        if self.talk != Talk::Messages {
            self.write_context(invocation);
        }
        let body = std::mem::take(&mut invocation.body);
        if self.config.trace {
            log::trace('>', &body);
        }
        let result = self.exchange_twice_at_most(invocation, body);
        if self.config.trace {
            trace_result(&result);
        }
        result
    }

    /// The next piece of an answer that is a stream.
    pub fn stream(&mut self, deadline: Option<Instant>, piece: &mut [u8]) -> Result<usize, Fault> {
        let Some(mut process) = self.current.take() else { return Err(Fault::exit("The handler is gone")) };
        let streamed = exchange::stream(&mut process, piece, &mut self.watch(deadline));
        let streamed = streamed.map_err(|error| pipes_fault(&error))?;
        let (result, keep) = match streamed {
            Streamed::Piece(length) => (Ok(length), true),
            Streamed::End => (Ok(0), process.stdout.talk != Talk::Oneshot),
            Streamed::Failed(Outcome::Fault { fault, keep }) => (Err(fault), keep),
            Streamed::Failed(_) => (Err(Fault::exit("The handler ended before its answer was complete")), false),
        };
        self.current = keep.then_some(process);
        result
    }

    /// How many events the handler takes at once in one process.
    pub fn concurrency(&self) -> u16 {
        self.current.as_ref().map_or(1, |process| process.stdout.concurrency())
    }

    /// The answer that the handler is giving is of no use any more: neither is the handler.
    pub fn abandon(&mut self) {
        self.current = None;
    }

    /// Whether a signal has told `bootstrap` to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// A process that ended before it had read a byte of the event ended idle, whatever the clocks say: the event then
    /// goes to the next one. Once, for a process that ends without reading may do so for ever.
    fn exchange_twice_at_most(&mut self, invocation: &Invocation, body: Vec<u8>) -> Result<Answer, Fault> {
        let (mut process, outcome) = self.hand_over(invocation, body)?;
        if !matches!(outcome, Outcome::Untouched) {
            return self.settle(process, outcome);
        }
        let body = process.stdin.take_back().unwrap();
        self.ended_idle(process);
        let (process, outcome) = self.hand_over(invocation, body)?;
        self.settle(process, outcome)
    }

    fn hand_over(&mut self, invocation: &Invocation, body: Vec<u8>) -> Result<(Process, Outcome), Fault> {
        let answer_by = self.config.answer_by(self.began, invocation.deadline);
        let mut process = self.process_for_event(answer_by)?;
        if process.stdout.talk == Talk::Undecided {
            // It may have been decided since this one was started.
            process.stdout.talk = self.talk;
        }
        let streaming = self.config.streaming.clone();
        let mut watch = self.watch(invocation.deadline);
        let outcome = exchange::carry_out(&mut process, invocation, body, streaming.as_deref(), &mut watch);
        Ok((process, outcome.map_err(|error| pipes_fault(&error))?))
    }

    fn watch(&mut self, deadline: Option<Instant>) -> Watch<'_> {
        self.watch_until(self.config.answer_by(self.began, deadline))
    }

    fn watch_until(&mut self, answer_by: Option<Instant>) -> Watch<'_> {
        Watch {
            signals: &self.launch.signals,
            stopping: &mut self.stopping,
            answer_by,
            spare: self.spare.as_mut(),
            began: self.began,
            looked: None,
        }
    }

    /// What an outcome means for the process and for the way to talk.
    fn settle(&mut self, mut process: Process, outcome: Outcome) -> Result<Answer, Fault> {
        let (result, keep) = match outcome {
            Outcome::Answer(answer) => {
                let goes_on = matches!(answer, Answer::Stream { .. }) || process.stdout.talk != Talk::Oneshot;
                (Ok(answer), goes_on)
            }
            Outcome::Fault { fault, keep } => (Err(fault), keep),
            Outcome::Untouched => {
                let status = process::describe(process.kill());
                let fault = Fault::exit(format!("The handler ended with {status} without reading the event"));
                (Err(fault.with_stack(process.stderr.stack())), false)
            }
            Outcome::ReadsToEnd(answer) => {
                log::info(
                    "the handler reads to end-of-file: from now on it is started once per event. Set HANDLER_MODE=oneshot to say so from the start",
                );
                self.talk = Talk::Oneshot;
                (Ok(answer), false)
            }
        };
        if process.stdout.talk == Talk::Messages {
            // It has greeted, and so will the next one, which may still be starting when its event comes.
            self.talk = Talk::Messages;
        } else if self.talk == Talk::Undecided && process.answers > 0 {
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

    fn write_context(&mut self, invocation: &Invocation) {
        if let Some(context) = &mut self.context
            && let Err(error) = context.write(invocation)
        {
            log::error(format_args!("LAMBDA_CONTEXT_FILE could not be brought up to date: {error}"));
        }
    }
}

/// Prints what came of an exchange, for whoever asked for it.
fn trace_result(result: &Result<Answer, Fault>) {
    match result {
        Ok(Answer::Whole(answer)) => log::trace('<', &answer.body),
        Ok(Answer::Stream { .. }) => log::trace('<', b"(a stream)"),
        Err(fault) => log::trace('<', &fault.body()),
    }
}

/// Polling fails where the system has no memory left for it.
fn pipes_fault(error: &std::io::Error) -> Fault {
    Fault::system("The handler's pipes cannot be waited for", error)
}
