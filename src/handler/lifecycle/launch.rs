//! Starting a handler process and waiting until it is ready for an event.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::poll::{self, Wait};
use crate::handler::process::{Cadence, Process, describe};
use crate::handler::program::{Program, cannot_run};
use crate::handler::protocol::Protocol;
use crate::handler::stopping::{GRACE, end_by};
use crate::handler::variables::Variable;
use crate::log;
use crate::os::{Image, Signals};

/// What is started, over and over.
pub struct Launch {
    /// None yet, as long as there is no such handler.
    loaded: Option<(Program, Image)>,
    pub signals: Arc<Signals>,
    ready_timeout: Duration,
}

/// What came of waiting for a process to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    Ready,
    /// It exited with 0 without waiting for an event. It is of no more use.
    Finished,
    /// The wait is over: it runs, and may become ready yet.
    Starting,
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

    /// Starts a process that will be talked with by `protocol`, and leaves it to itself. `variables` are those of the event
    /// that it is started for, if there is one.
    pub fn start(&self, protocol: Protocol, variables: &[Variable]) -> Result<Box<Instance>, Fault> {
        let Some((program, image)) = &self.loaded else {
            return Err(Fault::handler_not_found("There is no handler to start yet"));
        };
        let own = if variables.is_empty() { None } else { Some(image.with(variables)) };
        let own = own.transpose().map_err(|error| Fault::environment_too_large(&error))?;
        let image = own.as_ref().unwrap_or(image);
        let process = Process::start(&program.path, &program.folder, image, &self.signals).map_err(|error| {
            let is_too_large = error.raw_os_error() == Some(Errno::E2BIG as i32);
            if is_too_large && own.is_some() {
                Fault::environment_too_large(&error)
            } else {
                cannot_run(program, &error)
            }
        })?;
        Ok(Box::new(Instance::new(process, protocol)))
    }

    /// Whether `instance` is seen to wait for an event, or has had its time for that. Whoever asks does not wait.
    pub fn see_ready(&self, instance: &mut Instance) -> bool {
        instance.ready = instance.ready
            || instance.started().elapsed() >= self.ready_timeout
            || instance.is_seen_ready(Instant::now());
        instance.ready
    }

    /// Waits until `instance` is ready, which it is when it waits for an event or its time for that is up; at most until
    /// `until`. Its exit before that is a fault, unless it is with 0.
    pub fn await_ready(&self, instance: &mut Instance, until: Option<Instant>) -> Result<Awaited, Fault> {
        if instance.ready {
            return Ok(Awaited::Ready);
        }
        let ready_by = instance.started() + self.ready_timeout;
        let mut cadence = Cadence::new(Duration::from_micros(200), Duration::from_millis(10));
        while !instance.ready {
            // An adapter says when it is ready: it is not looked at, for it may wait for something else until then.
            let look = (!instance.dialogue.awaits_greeting()).then_some(cadence.next);
            let next = [look, Some(ready_by), until].into_iter().flatten().min();
            let wait = Wait { until: next, signals: Some(&self.signals), ..Wait::default() };
            let woke = poll::wait(&mut [&mut instance.process], &wait).map_err(|error| Fault::pipes(&error))?;
            instance.set_aside();
            if instance.process.ended {
                return self.ended(instance);
            }
            if woke.signal {
                return Err(self.interrupted(instance));
            }
            let now = Instant::now();
            let looked_at = !instance.dialogue.awaits_greeting() && cadence.is_due();
            if instance.dialogue.has_greeted() || (looked_at && instance.is_seen_ready(now)) {
                self.set_ready(instance);
            } else if now >= ready_by {
                log::warn(format_args!(
                    "the handler was not seen waiting for an event within {} ms (HANDLER_READY_TIMEOUT_MS): events are asked for all the same",
                    self.ready_timeout.as_millis()
                ));
                self.set_ready(instance);
            } else if until.is_some_and(|until| now >= until) {
                return Ok(Awaited::Starting);
            }
        }
        Ok(Awaited::Ready)
    }

    fn set_ready(&self, instance: &mut Instance) {
        // A greeting may have come since the poll.
        instance.process.stdout.read();
        instance.set_aside();
        instance.ready = true;
        let name = self.loaded.as_ref().map_or(String::new(), |(program, _)| program.to_string());
        log::debug(format_args!("the handler {name} is ready after {:.1?}", instance.started().elapsed()));
    }

    fn ended(&self, instance: &mut Instance) -> Result<Awaited, Fault> {
        let status = instance.process.kill();
        let own = instance.dialogue.opening_error();
        instance.flush_logs();
        if status.is_some_and(|status| status.success()) {
            return Ok(Awaited::Finished);
        }
        if let Some(fault) = own {
            return Err(fault);
        }
        let name = self.loaded.as_ref().map_or(String::new(), |(program, _)| program.to_string());
        let message = format!("The handler {name} ended with {} before it was ready for an event", describe(status));
        Err(Fault::exit(message).with_stack(instance.process.stderr.stack()))
    }

    /// A signal ends `bootstrap`: the process that is not ready yet gets it, and its time to end.
    fn interrupted(&self, instance: &mut Instance) -> Fault {
        let signal = self.signals.pending();
        if let Some(signal) = signal {
            instance.process.signal(signal);
            let _ = end_by(&mut [instance], Instant::now() + GRACE);
        }
        Fault::shutdown(signal.map_or("a signal", |signal| signal.as_str()))
    }
}
