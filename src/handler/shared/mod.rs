//! A handler that works on several events at once in one process (`lambda-stdio/1 ready concurrency=N`).
//!
//! One thread owns the process and waits in the poll loop; the workers put events into the `queue`. Answers find their
//! events by request id. After a time-out the process gets no more events: it finishes what else it has, while a new one
//! takes over, and is killed.

mod queue;

use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::bail;

use self::queue::Key;
pub use self::queue::Queue;
use super::exchange::trace;
use super::instance::Instance;
use super::lifecycle::Lifecycle;
use super::process::describe;
use super::process::poll::{self, Wait};
use super::protocol::Input;
use super::protocol::message::Message;
use super::protocol::reader::{Broken, Item};
use super::protocol::reply::{self, log_dropped};
use super::stopping::GRACE;
use crate::config::Config;
use crate::fault::Fault;
use crate::invocation::Answer;
use crate::log;
use crate::process_tree;

/// How often the queue is looked at while `bootstrap` ends.
const ENDING: Duration = Duration::from_millis(20);

/// An event that a process works on.
struct InFlight {
    key: Key,
    began: Instant,
    answer_by: Option<Instant>,
    reply: Sender<Result<Answer, Fault>>,
}

/// A process and the events that it works on.
struct Busy {
    instance: Instance,
    events: Vec<InFlight>,
}

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
    waiting: Vec<(InFlight, Input)>,
}

impl Shared {
    /// Takes over a handler that has greeted with its concurrency.
    pub fn new(mut lifecycle: Lifecycle, config: Config, workers: usize) -> std::io::Result<Self> {
        let current = lifecycle.pool.current.take().map(Busy::new);
        let queue = Arc::new(Queue::new(workers)?);
        Ok(Self { lifecycle, config, queue, current, retired: Vec::new(), waiting: Vec::new() })
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
                log::trace('>', request.input.event());
            }
            let answer_by = self.config.answer_by(began, request.deadline);
            let event = InFlight { key: request.key, began, answer_by, reply: request.reply };
            self.waiting.push((event, request.input));
        }
        if let Some(busy) = self.current.as_mut().filter(|busy| busy.instance.dialogue.has_greeted()) {
            for (event, input) in self.waiting.drain(..) {
                busy.instance.process.stdin.add(input.bytes);
                busy.events.push(event);
            }
        }
    }

    /// Waits for something to happen.
    fn wait(&mut self, until: Option<Instant>, for_signals: bool) -> anyhow::Result<()> {
        let signals = self.lifecycle.signals().clone();
        let queue = self.queue.clone();
        let signals_now = for_signals.then_some(&*signals);
        let wait = Wait { until, other: Some((queue.as_fd(), false)), signals: signals_now, ..Wait::default() };
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
            let broken = answers(&mut busy, self.config.trace);
            if busy.instance.answers > before {
                self.lifecycle.starts.restarts.succeeded();
            }
            if let Some(broken) = broken {
                self.lose(busy, &reply::broken_fault(&broken));
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
        for event in &busy.events {
            reply(event, Err(fault.clone()));
        }
        if !busy.is_retired() && (busy.events.is_empty() || busy.instance.dialogue.awaits_greeting()) {
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
            for event in &late {
                let seen = "there was no answer: it was still working (the function's timeout may be too short)";
                let fault = Fault::timeout(event.began.elapsed(), seen);
                reply(event, Err(fault));
            }
        }
        let (late, in_time) =
            mem::take(&mut self.waiting).into_iter().partition::<Vec<_>, _>(|(event, _)| expired(event));
        self.waiting = in_time;
        let starting = self.current.as_ref().map(|busy| busy.instance.started().elapsed());
        for (event, _) in late {
            let fault =
                starting.map_or_else(|| Fault::exit("The handler could not be started in time"), Fault::still_starting);
            reply(&event, Err(fault));
        }
        if let Some(busy) = self.current.take_if(|busy| busy.is_retired()) {
            self.retired.push(busy);
        }
        self.retired.retain(|busy| !busy.events.is_empty());
    }

    fn start_if_missing(&mut self) {
        if self.current.is_none() {
            self.current = self.lifecycle.starts.unattended().map(Busy::new);
        }
    }

    /// When there is something to do though nothing happens.
    fn next_look(&self) -> Option<Instant> {
        let busy = self.current.iter().chain(&self.retired);
        let events = busy.flat_map(|busy| &busy.events).chain(self.waiting.iter().map(|(event, _)| event));
        let deadlines = events.filter_map(|event| event.answer_by);
        let retry = self.lifecycle.starts.restarts.next.filter(|_| self.current.is_none());
        deadlines.chain(retry).min()
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
        let busy = self.current.take().into_iter().chain(mem::take(&mut self.retired));
        let waiting = mem::take(&mut self.waiting).into_iter().map(|(event, _)| event);
        for event in busy.flat_map(|busy| busy.events).chain(waiting) {
            reply(&event, Err(reason.clone()));
        }
        let gone = Instant::now() + GRACE;
        while !self.queue.is_clear() && Instant::now() < gone {
            for request in self.queue.take() {
                let _ = request.reply.send(Err(reason.clone()));
            }
            let _ = self.wait(Some(Instant::now() + ENDING), false);
        }
    }
}

impl Busy {
    fn new(instance: Instance) -> Self {
        Self { instance, events: Vec::new() }
    }

    fn is_retired(&self) -> bool {
        self.instance.retired
    }

    /// The event that a message is about: it leaves. With one in flight neither id need be said.
    fn take(&mut self, message: &Message) -> Option<InFlight> {
        let (id, attempt) = (reply::request_id(message), reply::invocation_id(message));
        let only = self.events.len() == 1;
        let fits = |event: &InFlight| {
            let same_attempt = match attempt {
                Some(attempt) => event.key.invocation_id.as_deref() == Some(attempt),
                None => only || event.key.invocation_id.is_none(),
            };
            id.map_or(only, |id| event.key.id == id) && same_attempt
        };
        let at = self.events.iter().position(fits)?;
        Some(self.events.remove(at))
    }
}

/// Passes on the answers that a process has given. Why its messages cannot be read any further, if so.
fn answers(busy: &mut Busy, trace_all: bool) -> Option<Broken> {
    loop {
        let instance = &mut busy.instance;
        match instance.dialogue.next_message(&mut instance.process.stdout.output) {
            Ok(Some(Item::Message { message, .. })) => match busy.take(&message) {
                Some(event) => {
                    let instance = &mut busy.instance;
                    instance.process.empty_stderr();
                    instance.answers += 1;
                    let result = reply::result(message, || instance.process.stderr.stack());
                    if trace_all {
                        trace(&result);
                    }
                    reply(&event, result);
                }
                None => log_dropped(&message),
            },
            // Put together: while one answer were streamed, all others would have to wait for whoever reads it.
            Ok(Some(Item::StreamHead(_))) => {}
            Ok(None) => return None,
            Err(broken) => return Some(broken),
        }
    }
}

fn reply(event: &InFlight, result: Result<Answer, Fault>) {
    // A worker waits until it hears.
    let _ = event.reply.send(result);
}
