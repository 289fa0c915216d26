//! Starting the handler: in the first place, ahead of the next event, and again after an end.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::launch::{Awaited, Launch};
use super::learned::Learned;
use super::pool::Pool;
use super::restarts::Restarts;
use crate::config::{self, Config, Mode};
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::describe;
use crate::handler::program::Program;
use crate::handler::protocol::{Protocol, cgi};
use crate::handler::variables::Variable;
use crate::log;
use crate::os::Signals;

/// A process that ends idle, without one answer, before it is this old was not really started.
const YOUNG: Duration = Duration::from_secs(1);

/// What is started, what is known of it, and how its starts went.
pub struct Starts {
    config: Config,
    name: OsString,
    context_file: Option<OsString>,
    pub launch: Launch,
    pub learned: Learned,
    pub restarts: Restarts,
}

impl Starts {
    /// For the handler that is called `name`. `context_file` is where it finds what Lambda says of its event.
    pub fn new(config: Config, name: OsString, context_file: Option<OsString>, signals: Arc<Signals>) -> Self {
        Self {
            launch: Launch::new(signals, config.ready_timeout),
            learned: Learned::new(config.mode, false),
            restarts: Restarts::new(config.watch),
            config,
            name,
            context_file,
        }
    }

    /// An error once the handler has been given up.
    pub fn is_alive(&self) -> anyhow::Result<()> {
        match self.restarts.given_up() {
            Some(fault) if !self.restarts.at_changes => bail!("{}: {}", fault.error_type, fault.message),
            _ => Ok(()),
        }
    }

    /// From now on it is `program` that is started, of which nothing is known yet.
    pub fn load(&mut self, program: Program) -> Result<(), Fault> {
        self.learned = Learned::new(self.config.mode, program.speaks_messages);
        let mut environment = config::handler_environment(&self.config, &self.name, self.context_file.as_ref());
        for (name, value) in program.variables {
            if !environment.iter().any(|(known, _)| known == name) {
                environment.push((name.into(), value.into()));
            }
        }
        if self.learned.protocol == Protocol::Cgi {
            environment.retain(|(name, _)| !cgi::is_meta_variable(&name.to_string_lossy()));
        }
        if program.speaks_messages && matches!(self.config.mode, Mode::Cgi | Mode::JsonRpc) {
            return Err(Fault::invalid_configuration(format!(
                "{program} is a function, and HANDLER_MODE says that it is a program which talks otherwise: name a program as the handler, or leave HANDLER_MODE unset"
            )));
        }
        self.launch.load(program, &environment)
    }

    /// The first start. A fault is an init error at once.
    pub fn first(&mut self) -> Result<Pool, Fault> {
        let mut pool = Pool::default();
        if self.starts_ahead() {
            pool.current = self.once()?;
            if self.wants_standby() {
                pool.standby = self.once()?;
            }
        }
        Ok(pool)
    }

    fn once(&mut self) -> Result<Option<Box<Instance>>, Fault> {
        let mut instance = self.launch.start(self.learned.protocol, &[])?;
        match self.launch.await_ready(&mut instance, None)? {
            Awaited::Ready | Awaited::Starting => Ok(Some(instance)),
            Awaited::Finished => self.finished_early().map(|()| None),
        }
    }

    /// Starts a process without waiting for it, if it is time to.
    pub fn unattended(&mut self) -> Option<Box<Instance>> {
        if self.restarts.next.is_some_and(|next| Instant::now() < next) || self.restarts.given_up().is_some() {
            return None;
        }
        self.launch.start(self.learned.protocol, &[]).map_err(|fault| self.restarts.failed(fault)).ok()
    }

    /// Starts the next process as soon as it is time to, at most until `until`, and does not wait for it.
    /// `variables` are those of the event that it is started for, if there is one.
    pub fn next(
        &mut self,
        pool: &mut Pool,
        until: Option<Instant>,
        variables: &[Variable],
    ) -> Result<Box<Instance>, Fault> {
        loop {
            if let Some(fault) = self.restarts.given_up() {
                return Err(fault);
            }
            if let Some(next) = self.restarts.next {
                pool.pause(until.map_or(next, |until| until.min(next)), &self.launch.signals);
            }
            if let Some(stopping) = &pool.stopping {
                return Err(Fault::shutdown(stopping.signal.as_str()));
            }
            if let Some(last) = &self.restarts.last
                && until.is_some_and(|until| Instant::now() >= until)
            {
                let mut fault = last.clone();
                fault.message = format!("The handler could not be started in time: {}", last.message);
                return Err(fault);
            }
            match self.launch.start(self.learned.protocol, variables) {
                Ok(instance) => return Ok(instance),
                Err(fault) if fault.is_of_the_event() => return Err(fault),
                Err(fault) => self.restarts.failed(fault),
            }
        }
    }

    /// Waits for `instance`, or for one that is started in its place, to be ready, at most until `until`: it may be starting
    /// still. `None` if there is none.
    pub fn bring_up(
        &mut self,
        pool: &mut Pool,
        instance: Option<Box<Instance>>,
        until: Option<Instant>,
    ) -> Option<Box<Instance>> {
        let mut next = instance;
        while self.starts_ahead() && !pool.is_stopping() {
            let mut instance = match next.take() {
                Some(instance) => instance,
                None => self.next(pool, until, &[]).ok()?,
            };
            if let Some(Awaited::Ready | Awaited::Starting) = self.await_ready(pool, &mut instance, until) {
                return Some(instance);
            }
        }
        None
    }

    /// Waits for `instance` to be ready. `None`: its start has failed, which is noted.
    pub fn await_ready(&mut self, pool: &mut Pool, instance: &mut Instance, until: Option<Instant>) -> Option<Awaited> {
        match self.launch.await_ready(instance, until) {
            Ok(Awaited::Finished) => {
                if let Err(fault) = self.finished_early() {
                    self.restarts.failed(fault);
                }
                Some(Awaited::Finished)
            }
            Ok(awaited) => Some(awaited),
            Err(fault) => {
                pool.note_signal(&self.launch.signals);
                if !pool.is_stopping() {
                    self.restarts.failed(fault);
                }
                None
            }
        }
    }

    /// A process has ended between events: nothing is reported, and it is started again.
    pub fn ended_idle(&mut self, mut instance: Box<Instance>) {
        let status = instance.process.kill();
        let own = instance.dialogue.opening_error();
        instance.flush_logs();
        let well = status.is_some_and(|status| status.success());
        let status = describe(status);
        if instance.answers > 0 {
            if well {
                log::debug("the handler ended with exit status 0 after its answer; it is started again");
            } else {
                log::warn(format_args!("the handler ended with {status} after its answer; it is started again"));
            }
        } else if well && instance.protocol().is_oneshot() {
            self.learned.note_needs_no_event();
        } else if !instance.ready || instance.started().elapsed() < YOUNG {
            let fault = Fault::exit(format!("The handler ended with {status} before it had read an event"));
            let fault = fault.with_stack(instance.process.stderr.stack());
            self.restarts.failed(own.unwrap_or(fault));
        } else {
            log::warn(format_args!("the handler ended with {status} while it was idle; it is started again"));
        }
    }

    /// A start ended with exit status 0 before any event: right for a oneshot program, a fault for any other.
    fn finished_early(&mut self) -> Result<(), Fault> {
        if self.learned.protocol.is_oneshot() {
            self.learned.note_needs_no_event();
            return Ok(());
        }
        Err(Fault::exit(
            "The handler ended with exit status 0 before it was ready for an event: it must wait for events on its stdin (a program that needs none: HANDLER_MODE=oneshot)",
        ))
    }

    /// Whether a process is started before its event is there.
    pub fn starts_ahead(&self) -> bool {
        match self.learned.protocol {
            Protocol::Cgi => false,
            protocol => !protocol.is_oneshot() || (self.config.standby != Some(false) && !self.learned.needs_no_event),
        }
    }

    /// Whether a process is started for one event, which it may be right not to wait for.
    pub fn starts_for_event(&self) -> bool {
        matches!(self.learned.protocol, Protocol::Oneshot | Protocol::Cgi) && !self.starts_ahead()
    }

    /// Whether a second process stands by beside the one that has a loop.
    pub fn wants_standby(&self) -> bool {
        !self.learned.protocol.is_oneshot() && self.config.standby == Some(true)
    }
}
