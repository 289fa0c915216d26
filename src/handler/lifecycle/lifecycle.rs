//! The handler's processes through their lives: started, waited for, given an event, started again, ended.
//!
//! A start goes on whatever becomes of the events meanwhile: an event waits for it as long as it can, and the next event is
//! asked for in time though it goes on.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::launch::Awaited;
use super::pool::Pool;
use super::reload::Reload;
use super::starts::Starts;
use crate::config::Config;
use crate::fault::Fault;
use crate::handler::instance::Instance;
use crate::handler::process::poll::{self, Wait};
use crate::handler::program::{Program, Sought, find};
use crate::handler::stopping::Stopping;
use crate::handler::variables::Variable;
use crate::idle::Wanted;
use crate::log;
use crate::os::Signals;
use crate::process_tree;

/// How long Lambda may take, once the handler's time after a signal is over, to be told of what came of its event.
const REPORTING: Duration = Duration::from_millis(100);

/// The handler's processes, and what starts them.
pub struct Lifecycle {
    pub starts: Starts,
    pub pool: Pool,
    reload: Option<Reload>,
    /// The handler was started again because a file has changed, and nobody who waits for that was told.
    changed: bool,
    /// What a handler is looked for by, when a person has edited it.
    sought: Sought,
    /// An event is being worked on or answered: no process is replaced meanwhile.
    pub busy: bool,
}

impl Lifecycle {
    /// Starts the handler that `sought` means and waits until it is ready. Any fault is one of the start: an init error.
    /// Without a `program` it is found here, and anew when it has changed.
    pub fn start(
        config: Config,
        sought: &Sought,
        program: Option<Program>,
        signals: Arc<Signals>,
        context_file: Option<OsString>,
        reload: Option<Reload>,
    ) -> Result<Self, Fault> {
        let starts = Starts::new(config, sought.name.clone(), context_file, signals);
        let mut lifecycle =
            Self { starts, pool: Pool::default(), reload, changed: false, sought: sought.clone(), busy: false };
        match program {
            Some(program) => lifecycle.start_first(program)?,
            None => lifecycle.start_anew()?,
        }
        Ok(lifecycle)
    }

    pub fn signals(&self) -> &Arc<Signals> {
        &self.starts.launch.signals
    }

    /// What an exchange looks after besides its process: signals, the end that they bring, and the process that stands by.
    pub fn for_limits(&mut self) -> (&Signals, &mut Option<Stopping>, Option<&mut Instance>) {
        (&self.starts.launch.signals, &mut self.pool.stopping, self.pool.standby.as_deref_mut())
    }

    /// The process that gets an event now, which must be answered by `answer_by`. While it is still starting, it is waited
    /// for. `variables` are the event's, for a process that is started for it.
    pub fn take_for_event(
        &mut self,
        answer_by: Option<Instant>,
        variables: &[Variable],
    ) -> Result<Box<Instance>, Fault> {
        loop {
            let mut instance = match self.pool.take() {
                Some(instance) if instance.is_useless() => {
                    self.starts.ended_idle(instance);
                    continue;
                }
                Some(instance) => instance,
                None => self.starts.next(&mut self.pool, answer_by, variables)?,
            };
            if self.starts.starts_for_event() {
                return Ok(instance);
            }
            match self.starts.await_ready(&mut self.pool, &mut instance, answer_by) {
                Some(Awaited::Ready) => return Ok(instance),
                Some(Awaited::Starting) => {
                    let fault = Fault::still_starting(instance.started().elapsed());
                    self.pool.current = Some(instance);
                    return Err(fault);
                }
                Some(Awaited::Finished) | None => {}
            }
            if let Some(stopping) = &self.pool.stopping {
                return Err(Fault::shutdown(stopping.signal.as_str()));
            }
        }
    }

    /// Makes the handler ready for the next event, as far as `by` allows. An error means that it cannot be.
    pub fn renew(&mut self, by: Option<Instant>) -> anyhow::Result<()> {
        self.pool.spent = None;
        self.pool.read_on();
        // A handler that does not start has done nothing to the files.
        let worked = self.starts.restarts.given_up().is_none();
        if worked {
            self.read_changes_after_work();
        } else {
            self.read_changes();
        }
        self.follow_changes();
        for instance in self.pool.take_useless() {
            self.starts.ended_idle(instance);
        }
        if self.starts.starts_ahead() && !self.pool.is_stopping() {
            let current = self.pool.take();
            self.pool.current = self.starts.bring_up(&mut self.pool, current, by);
        }
        if self.pool.standby.is_none()
            && self.starts.wants_standby()
            && self.pool.current.is_some()
            && !self.pool.is_stopping()
        {
            self.pool.standby = self.starts.bring_up(&mut self.pool, None, by);
        }
        if worked {
            // The next process may have written something at its start.
            self.read_changes_after_work();
        }
        process_tree::reap_ended();
        self.busy = false;
        self.starts.is_alive()
    }

    /// Waits for what is wanted, and keeps the handler going meanwhile: its late output goes to the log, a process that ends
    /// is started again, and signals are passed on.
    pub fn wait(&mut self, wanted: Wanted<'_>) -> io::Result<()> {
        loop {
            if !self.busy {
                self.follow_changes();
                if self.pool.is_stopping() {
                    return Err(io::Error::other("a signal ends the wait"));
                }
                if wanted.until_changed && std::mem::take(&mut self.changed) {
                    return Ok(());
                }
                self.replace_ended();
                if self.starts.is_alive().is_err() {
                    return Err(io::Error::other("the handler cannot be started"));
                }
            }
            // What a killed handler leaves to report is still to be posted.
            let (give_up_at, signals) = match &self.pool.stopping {
                Some(stopping) => (Some(stopping.kill_at + REPORTING), None),
                None => (None, Some(&*self.starts.launch.signals)),
            };
            if give_up_at.is_some_and(|give_up_at| Instant::now() >= give_up_at) {
                return Err(io::Error::other("a signal ends the wait"));
            }
            let retry = self.starts.restarts.next.filter(|_| !self.busy && self.is_incomplete());
            let wait = Wait {
                until: [give_up_at, retry, wanted.until].into_iter().flatten().min(),
                other: Some((wanted.descriptor, wanted.events())),
                changes: self.reload.as_ref().filter(|_| !self.busy).map(Reload::as_fd),
                signals,
            };
            // While an answer is being sent, what the handler says next may be more of it, and is read when there is room.
            let woke = if wanted.to_write { poll::wait(&mut [], &wait)? } else { self.pool.wait(&wait)? };
            if woke.signal {
                self.pool.note_signal(&self.starts.launch.signals);
            }
            if woke.change {
                // Before the event that may have come with it: who has saved a file expects its answer to be the new one.
                self.read_changes();
            } else if woke.other {
                return Ok(());
            } else if wanted.until.is_some_and(|until| Instant::now() >= until) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    /// Ends the handler: by itself if it will, and in any case in bounded time.
    pub fn stop(&mut self) {
        if let Some(stopping) = self.pool.stopping {
            self.pool.end_by(stopping.kill_at);
        } else {
            self.pool.let_go(!self.starts.learned.protocol.is_oneshot());
            self.pool.stopping = Some(Stopping::by(Signal::SIGTERM));
        }
    }

    fn is_incomplete(&self) -> bool {
        (self.pool.current.is_none() && self.starts.starts_ahead())
            || (self.pool.standby.is_none() && self.starts.wants_standby())
    }

    fn replace_ended(&mut self) {
        let mut any = false;
        for instance in self.pool.take_useless() {
            self.starts.ended_idle(instance);
            any = true;
        }
        if self.pool.current.is_none() && self.starts.starts_ahead() {
            self.pool.current = self.pool.standby.take().or_else(|| self.starts.unattended());
        }
        if self.pool.standby.is_none() && self.starts.wants_standby() {
            self.pool.standby = self.starts.unattended();
        }
        if any {
            self.read_changes_after_work();
        }
    }

    /// Starts the handler again if a file has changed, and as often as one does meanwhile.
    fn follow_changes(&mut self) {
        while !self.pool.is_stopping()
            && let Some(reload) = &mut self.reload
        {
            let file = reload.settled_change(&mut self.pool, &self.starts.launch.signals);
            self.pool.note_signal(&self.starts.launch.signals);
            let Some(file) = file.filter(|_| !self.pool.is_stopping()) else { return };
            log::info(format_args!("{} has changed: the handler is started again", file.display()));
            self.pool.let_go(!self.starts.learned.protocol.is_oneshot());
            self.starts.restarts.succeeded();
            self.changed = true;
            if self.start_anew().is_err() {
                self.pool.note_signal(&self.starts.launch.signals);
            }
        }
    }

    /// The first start of `program`. A fault is an init error at once.
    fn start_first(&mut self, program: Program) -> Result<(), Fault> {
        self.starts.load(program)?;
        let stopping = self.pool.stopping;
        self.pool = Pool { stopping, ..self.starts.first()? };
        Ok(())
    }

    /// Starts what the handler's name means by now. An error is only a signal's.
    fn start_anew(&mut self) -> Result<(), Fault> {
        let found = find(&self.sought);
        if let (Some(reload), Ok(Program { file: Some(file), .. })) = (&mut self.reload, &found) {
            reload.follow(file);
        }
        let started = found.and_then(|program| self.start_first(program));
        self.read_changes_after_work();
        match started {
            Err(fault) if self.starts.launch.signals.pending().is_none() => {
                self.starts.restarts.failed(fault);
                Ok(())
            }
            other => other,
        }
    }

    fn read_changes(&mut self) {
        if let Some(reload) = &mut self.reload {
            reload.read();
        }
    }

    fn read_changes_after_work(&mut self) {
        let lives = !self.pool.is_empty();
        if let Some(reload) = &mut self.reload {
            reload.read_after_work(lives);
        }
    }
}
