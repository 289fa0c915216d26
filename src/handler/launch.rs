//! Starting a handler process and waiting until it is ready for an event.

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entrypoint::Program;
use super::process::{Process, describe};
use super::pump::{self, Wait};
use super::sight::{Cadence, Sight};
use super::watch::GRACE;
use super::{Talk, pipes_fault};
use crate::fault::Fault;
use crate::log;
use crate::os::{Image, Signals};

/// How long a handler lives before it counts as ready where `/proc` cannot tell.
const ALIVE: Duration = Duration::from_millis(10);

/// What is started, over and over.
pub struct Launch {
    /// None yet, as long as there is no such handler.
    loaded: Option<(Program, Image)>,
    pub signals: Arc<Signals>,
    ready_timeout: Duration,
}

/// What came of a start.
pub enum Started {
    Ready(Process),
    /// It exited with 0 without waiting for an event.
    Finished,
    /// Time was up: it runs, and may become ready yet.
    Starting(Process),
}

impl Launch {
    pub fn new(signals: Arc<Signals>, ready_timeout: Duration) -> Self {
        Self { loaded: None, signals, ready_timeout }
    }

    /// From now on it is `program` that is started.
    pub fn load(&mut self, program: Program, environment: &[(OsString, OsString)]) -> Result<(), Fault> {
        let mut words = vec![program.path.clone().into_os_string()];
        words.extend(program.arguments.iter().cloned());
        let image = Image::new(program.path.as_os_str(), &words, environment)
            .map_err(|error| Fault::system("The handler's environment cannot be passed on", &error))?;
        self.loaded = Some((program, image));
        Ok(())
    }

    /// Starts a process that will be talked with in the way of `talk`, and leaves it to itself.
    pub fn start(&self, talk: Talk) -> Result<Process, Fault> {
        let Some((program, image)) = &self.loaded else {
            return Err(Fault::handler_not_found("There is no handler to start yet"));
        };
        Process::start(program, image, &self.signals, talk)
    }

    /// Starts a process and waits until it is ready: it waits for an event, or its time is up. At most until `until`.
    /// Its exit before that is a fault, unless it is with 0.
    pub fn start_ready(&self, talk: Talk, until: Option<Instant>) -> Result<Started, Fault> {
        let mut process = self.start(talk)?;
        let ready_by = process.started + self.ready_timeout;
        let sight = Sight::of(&process);
        let mut cadence = Cadence::new(Duration::from_micros(200), Duration::from_millis(10));
        loop {
            // An adapter says when it is ready: it is not looked at, for it may wait for something else until then.
            let look = (!process.stdout.awaits_greeting()).then_some(cadence.next);
            let next = [look, Some(ready_by), until].into_iter().flatten().min();
            let wait = Wait { until: next, signals: Some(&self.signals), ..Wait::default() };
            let woke = pump::pump(&mut [&mut process], &wait).map_err(|error| pipes_fault(&error))?;
            process.stdout.set_aside();
            if process.ended {
                return self.ended(process);
            }
            if woke.signal {
                return Err(self.interrupted(process));
            }
            let now = Instant::now();
            let awaits_greeting = process.stdout.awaits_greeting();
            let greeted = process.stdout.talk == Talk::Messages && !awaits_greeting;
            let looked_at = !awaits_greeting && cadence.is_due();
            let seen = || sight.as_ref().and_then(Sight::is_ready).unwrap_or(process.started + ALIVE <= now);
            if greeted || (looked_at && seen()) {
                return Ok(Started::Ready(self.ready(process)));
            }
            if now >= ready_by {
                log::warn(format_args!(
                    "the handler was not seen waiting for an event within {} ms (HANDLER_READY_TIMEOUT_MS): events are asked for all the same",
                    self.ready_timeout.as_millis()
                ));
                return Ok(Started::Ready(self.ready(process)));
            }
            if until.is_some_and(|until| now >= until) {
                return Ok(Started::Starting(process));
            }
        }
    }

    fn name(&self) -> impl Display {
        self.loaded.as_ref().map_or(Path::new(""), |(program, _)| &program.path).display()
    }

    fn ready(&self, mut process: Process) -> Process {
        // A greeting may have come since the poll.
        process.stdout.read();
        process.stdout.set_ready();
        log::debug(format_args!("the handler {} is ready after {:.1?}", self.name(), process.started.elapsed()));
        process
    }

    fn ended(&self, mut process: Process) -> Result<Started, Fault> {
        let status = process.kill();
        let own = process.stdout.opening_error();
        process.stdout.set_ready();
        process.flush_logs();
        if status.is_some_and(|status| status.success()) {
            return Ok(Started::Finished);
        }
        if let Some(fault) = own {
            return Err(fault);
        }
        let message =
            format!("The handler {} ended with {} before it was ready for an event", self.name(), describe(status));
        Err(Fault::exit(message).with_stack(process.stderr.stack()))
    }

    /// A signal ends `bootstrap`: the process that is not ready yet gets it, and its time to end.
    fn interrupted(&self, mut process: Process) -> Fault {
        let signal = self.signals.pending();
        if let Some(signal) = signal {
            process.signal(signal);
            let _ = end_by(&mut [&mut process], Instant::now() + GRACE);
        }
        Fault::shutdown(signal.map_or("a signal", |signal| signal.as_str()))
    }
}

/// Gives the processes until `kill_at` to end by themselves.
pub fn end_by(processes: &mut [&mut Process], kill_at: Instant) -> io::Result<()> {
    while processes.iter().any(|process| !process.ended) && Instant::now() < kill_at {
        pump::pump(processes, &Wait { until: Some(kill_at), ..Wait::default() })?;
        for process in processes.iter_mut() {
            process.stdout.set_aside();
        }
    }
    Ok(())
}
