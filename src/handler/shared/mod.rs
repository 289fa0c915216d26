//! A handler that works on several events at once in one process (`lambda-stdio/1 ready concurrency=N`, or JSON-RPC).
//!
//! One thread owns the process and waits in the poll loop; the workers put events into the `queue`, and hear what comes of
//! them by `reply`. `busy` is a process with its events, which `answers` find by their ids. After a time-out the process gets no more events: it finishes what else it has, while a new one
//! takes over, and is killed.

mod answers;
mod busy;
mod queue;
mod reply;

use std::collections::VecDeque;
use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use nix::poll::PollFlags;

use self::busy::{Busy, InFlight};
pub use self::queue::Queue;
use self::queue::{Given, Kind};
pub use self::reply::Replies;
use super::lifecycle::Lifecycle;
use super::process::describe;
use super::process::poll::{self, Wait};
use super::protocol::Protocol;
use super::stopping::GRACE;
use crate::config::Config;
use crate::fault::Fault;
use crate::log;
use crate::process_tree;

/// How often the queue is looked at while `bootstrap` ends.
const ENDING: Duration = Duration::from_millis(20);

/// The owner of a shared handler's process.
pub struct Shared {
    lifecycle: Lifecycle,
    config: Config,
    queue: Arc<Queue>,
    /// The process that gets the next event.
    current: Option<Busy>,
    /// Processes that had a time-out and finish what else they have.
    retired: Vec<Busy>,
    /// What was put in while there was no process to give it to.
    waiting: VecDeque<(InFlight, Given)>,
}

impl Shared {
    /// Takes over a handler that works on several events at once.
    pub fn new(mut lifecycle: Lifecycle, config: Config, workers: usize) -> std::io::Result<Self> {
        let current = lifecycle.pool.current.take().map(Busy::new);
        let kind = match lifecycle.starts.learned.protocol {
            Protocol::JsonRpc => Kind::Calls { streaming: config.streaming.is_some(), traced: config.trace },
            _ => Kind::Messages,
        };
        let queue = Arc::new(Queue::new(workers, kind)?);
        Ok(Self { lifecycle, config, queue, current, retired: Vec::new(), waiting: VecDeque::new() })
    }

    pub fn queue(&self) -> Arc<Queue> {
        self.queue.clone()
    }

    /// Serves what is put in until a signal ends that. An error ends `bootstrap`.
    pub fn run(&mut self) -> anyhow::Result<()> {
        let served = self.serve();
        self.end();
        served
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        loop {
            self.start_if_missing();
            self.hand_over();
            self.lifecycle.starts.is_alive()?;
            if self.lifecycle.pool.is_stopping() {
                return Ok(());
            }
            if self.queue.is_deserted() {
                bail!("all workers have left");
            }
            let looked = Instant::now();
            self.wait(self.next_look(), true)?;
            self.collect();
            self.expire(looked);
            process_tree::reap_ended();
        }
    }

    /// Gives what was put in to the process, as soon as there is one that is ready.
    fn hand_over(&mut self) {
        for request in self.queue.take() {
            let began = Instant::now();
            if self.config.trace {
                log::trace('>', request.given.event());
            }
            let answer_by = self.config.answer_by(began, request.deadline);
            let event = InFlight { key: request.key, began, answer_by, reply: request.reply, call: None };
            self.waiting.push_back((event, request.given));
        }
        self.look_whether_ready();
        let Some(busy) = self.current.as_mut().filter(|busy| busy.is_ready()) else { return };
        while let Some((event, given)) = self.waiting.pop_front() {
            if busy.is_unfit(&given) {
                // It finishes what it has, and another process takes over.
                self.waiting.push_front((event, given));
                busy.instance.retired = true;
                self.retired.extend(self.current.take().filter(|busy| !busy.events.is_empty()));
                self.start_if_missing();
                return;
            }
            busy.give(event, given);
        }
    }

    /// A server that was started again says nothing before it is asked.
    fn look_whether_ready(&mut self) {
        if let Some(busy) = self.current.as_mut().filter(|busy| !busy.is_ready())
            && busy.instance.protocol() == Protocol::JsonRpc
            && busy.look.is_due()
        {
            self.lifecycle.starts.launch.see_ready(&mut busy.instance);
        }
    }

    /// Waits for something to happen.
    fn wait(&mut self, until: Option<Instant>, for_signals: bool) -> anyhow::Result<()> {
        let signals = self.lifecycle.signals().clone();
        let queue = self.queue.clone();
        let signals_now = for_signals.then_some(&*signals);
        let wait =
            Wait { until, other: Some((queue.as_fd(), PollFlags::POLLIN)), signals: signals_now, ..Wait::default() };
        let busy = self.current.iter_mut().chain(&mut self.retired);
        let mut processes: Vec<_> = busy.map(|busy| &mut busy.instance.process).collect();
        let woke = poll::wait(&mut processes, &wait)?;
        if woke.signal {
            if let Some(signal) = signals.pending() {
                for process in &processes {
                    process.signal(signal);
                }
            }
            self.lifecycle.pool.note_signal(&signals);
        }
        Ok(())
    }

    /// Passes on the answers that have come, and the deaths.
    fn collect(&mut self) {
        let busy = self.current.take().into_iter().chain(mem::take(&mut self.retired));
        for (place, mut busy) in busy.enumerate() {
            let before = busy.instance.answers;
            let broken = answers::pass_on(&mut busy, self.config.trace);
            self.lifecycle.starts.learned.serves = busy.instance.dialogue.talk.session.serves;
            if busy.instance.answers > before {
                self.lifecycle.starts.restarts.succeeded();
            }
            if let Some(broken) = broken {
                self.lose(busy, &broken);
            } else if busy.instance.is_silent() {
                let status = describe(busy.instance.process.kill());
                let fault = Fault::exit(format!("The handler ended with {status} before it had answered"));
                self.lose(busy, &fault);
            } else if place == 0 && self.current.is_none() && !busy.is_retired() {
                self.current = Some(busy);
            } else if !busy.events.is_empty() {
                self.retired.push(busy);
            }
        }
    }

    /// A process is gone, and with it what it worked on.
    fn lose(&mut self, mut busy: Busy, fault: &Fault) {
        busy.instance.process.kill();
        busy.instance.flush_logs();
        let fault = fault.clone().with_stack(busy.instance.process.stderr.stack());
        let events = mem::take(&mut busy.events);
        let had_none = events.is_empty();
        for event in events {
            busy.fail(event, &fault);
        }
        if !busy.is_retired() && (had_none || busy.instance.dialogue.awaits_greeting()) {
            self.lifecycle.starts.ended_idle(busy.instance);
        }
    }

    /// Answers the events whose time was up when the last look began, and retires the process that did not.
    fn expire(&mut self, looked: Instant) {
        let expired = |event: &InFlight| event.answer_by.is_some_and(|by| looked >= by);
        for busy in self.current.iter_mut().chain(&mut self.retired) {
            let (late, in_time) = mem::take(&mut busy.events).into_iter().partition::<Vec<_>, _>(expired);
            busy.events = in_time;
            busy.instance.retired |= !late.is_empty();
            for event in late {
                let seen = "there was no answer: it was still working (the function's timeout may be too short)";
                let fault = Fault::timeout(event.began.elapsed(), seen);
                busy.fail(event, &fault);
            }
        }
        let (late, in_time) =
            mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(|(event, _)| expired(event));
        self.waiting = in_time;
        let starting = self.current.as_ref().map(|busy| busy.instance.started().elapsed());
        for (event, given) in late {
            let fault =
                starting.map_or_else(|| Fault::exit("The handler could not be started in time"), Fault::still_starting);
            refuse(event, given, &fault);
        }
        if let Some(busy) = self.current.take_if(|busy| busy.is_retired()) {
            self.retired.push(busy);
        }
        self.retired.retain(|busy| !busy.events.is_empty());
    }

    fn start_if_missing(&mut self) {
        if self.current.is_none() {
            self.current = self.lifecycle.starts.unattended().map(Busy::new);
            if let Some(busy) = &mut self.current {
                busy.instance.dialogue.talk.session.serves = self.lifecycle.starts.learned.serves;
            }
        }
    }

    /// When there is something to do though nothing happens.
    fn next_look(&self) -> Option<Instant> {
        let busy = self.current.iter().chain(&self.retired);
        let events = busy.flat_map(|busy| &busy.events).chain(self.waiting.iter().map(|(event, _)| event));
        let deadlines = events.filter_map(|event| event.answer_by);
        let retry = self.lifecycle.starts.restarts.next.filter(|_| self.current.is_none());
        let is_looked_at = |busy: &&Busy| busy.instance.protocol() == Protocol::JsonRpc && !busy.is_ready();
        let look = self.current.as_ref().filter(is_looked_at).map(|busy| busy.look.next);
        deadlines.chain(retry).chain(look).min()
    }

    /// What is in flight may be answered within the grace; the workers then tell Lambda.
    fn end(&mut self) {
        let kill_at = self.lifecycle.pool.stopping.map_or_else(Instant::now, |stopping| stopping.kill_at);
        while Instant::now() < kill_at && self.current.iter().any(|busy| !busy.events.is_empty()) {
            if self.wait(Some(kill_at), false).is_err() {
                break;
            }
            self.collect();
        }
        let reason = self.lifecycle.starts.restarts.given_up().unwrap_or_else(|| {
            Fault::shutdown(self.lifecycle.pool.stopping.map_or("an error", |stopping| stopping.signal.as_str()))
        });
        for mut busy in self.current.take().into_iter().chain(mem::take(&mut self.retired)) {
            for event in mem::take(&mut busy.events) {
                busy.fail(event, &reason);
            }
        }
        for (event, given) in mem::take(&mut self.waiting) {
            refuse(event, given, &reason);
        }
        let gone = Instant::now() + GRACE;
        while !self.queue.is_clear() && Instant::now() < gone {
            for mut request in self.queue.take() {
                request.reply.first(request.given.refuse(&reason), None);
            }
            let _ = self.wait(Some(Instant::now() + ENDING), false);
        }
    }
}

/// Tells the worker of an event that no process was given.
fn refuse(mut event: InFlight, given: Given, fault: &Fault) {
    event.reply.first(given.refuse(fault), None);
}
