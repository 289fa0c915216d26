//! A handler that works on several events at once in one process (`lambda-stdio/1 ready concurrency=N`).
//!
//! One thread owns the process and waits in the poll loop; the workers hand in events at the `desk`. Answers find their
//! events by request id. After a time-out the process gets no more events: it finishes what else it has, while a new one
//! takes over, and is killed.

use std::mem;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::desk::Desk;
use super::message::{Item, Message};
use super::messages::{self, log_dropped};
use super::parcel::Parcel;
use super::process::{Process, describe};
use super::pump::{self, Wait};
use super::watch::GRACE;
use super::{Handler, trace_result};
use crate::fault::Fault;
use crate::invocation::Answer;
use crate::log;

/// How often the desk is looked at while `bootstrap` ends.
const ENDING: Duration = Duration::from_millis(20);

/// An event that a process works on.
struct InFlight {
    id: String,
    began: Instant,
    answer_by: Option<Instant>,
    reply: Sender<Result<Answer, Fault>>,
}

/// A process and the events that it works on.
struct Busy {
    process: Process,
    events: Vec<InFlight>,
}

/// The owner of a shared handler's process.
pub struct Shared {
    handler: Handler,
    desk: Arc<Desk>,
    /// The process that gets the next event.
    current: Option<Busy>,
    /// Processes that had a time-out and finish what else they have.
    retired: Vec<Busy>,
    /// What was handed in while there was no process to give it to.
    waiting: Vec<(InFlight, Parcel)>,
}

impl Shared {
    /// Takes over a handler that has greeted with its concurrency.
    pub fn new(mut handler: Handler, workers: usize) -> std::io::Result<Self> {
        let current = handler.current.take().map(|process| Busy { process, events: Vec::new() });
        Ok(Self { handler, desk: Arc::new(Desk::new(workers)?), current, retired: Vec::new(), waiting: Vec::new() })
    }

    pub fn desk(&self) -> Arc<Desk> {
        self.desk.clone()
    }

    /// Serves what is handed in until a signal ends that. An error ends `bootstrap`.
    pub fn run(&mut self) -> anyhow::Result<()> {
        let served = self.serve();
        self.end();
        served
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        loop {
            self.start_if_missing();
            self.hand_over();
            self.handler.is_alive()?;
            if self.handler.is_stopping() {
                return Ok(());
            }
            if self.desk.is_deserted() {
                bail!("all workers have left");
            }
            let looked = Instant::now();
            self.pump(self.next_look(), true)?;
            self.collect();
            self.expire(looked);
        }
    }

    /// Gives what was handed in to the process, as soon as there is one.
    fn hand_over(&mut self) {
        for request in self.desk.take() {
            let began = Instant::now();
            if self.handler.config.trace {
                log::trace('>', request.parcel.event());
            }
            let event = InFlight {
                id: request.id,
                began,
                answer_by: self.handler.config.answer_by(began, request.deadline),
                reply: request.reply,
            };
            self.waiting.push((event, request.parcel));
        }
        if let Some(busy) = &mut self.current {
            for (event, parcel) in self.waiting.drain(..) {
                busy.process.stdin.add(parcel);
                busy.events.push(event);
            }
        }
    }

    /// Waits for something to happen.
    fn pump(&mut self, until: Option<Instant>, for_signals: bool) -> anyhow::Result<()> {
        let signals = self.handler.launch.signals.clone();
        let desk = self.desk.clone();
        let signals_now = for_signals.then_some(&*signals);
        let wait = Wait { until, other: Some(desk.as_fd()), signals: signals_now, ..Wait::default() };
        let busy = self.current.iter_mut().chain(&mut self.retired);
        let mut processes: Vec<_> = busy.map(|busy| &mut busy.process).collect();
        let woke = pump::pump(&mut processes, &wait)?;
        if woke.signal {
            if let Some(signal) = signals.pending() {
                for process in &processes {
                    process.signal(signal);
                }
            }
            self.handler.note_signal();
        }
        Ok(())
    }

    /// Passes on the answers that have come, and the deaths.
    fn collect(&mut self) {
        let busy = self.current.take().into_iter().chain(mem::take(&mut self.retired));
        for (place, mut busy) in busy.enumerate() {
            busy.process.stdout.greet();
            let before = busy.process.answers;
            let broken = answers(&mut busy, self.handler.config.trace);
            if busy.process.answers > before {
                self.handler.restarts.succeeded();
            }
            if let Some(reason) = broken {
                let fault = Fault::marshal(format!("The handler broke off its messages, and was replaced: {reason}"));
                self.lose(busy, &fault);
            } else if busy.process.is_silent() {
                let status = describe(busy.process.kill());
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
        busy.process.kill();
        busy.process.flush_logs();
        let fault = fault.clone().with_stack(busy.process.stderr.stack());
        if !busy.is_retired() && (busy.events.is_empty() || busy.process.stdout.awaits_greeting()) {
            self.handler.ended_idle(busy.process);
        }
        for event in &busy.events {
            reply(event, Err(fault.clone()));
        }
    }

    /// Answers the events whose time was up when the last look began, and retires the process that did not.
    fn expire(&mut self, looked: Instant) {
        let expired = |event: &InFlight| event.answer_by.is_some_and(|by| looked >= by);
        for busy in self.current.iter_mut().chain(&mut self.retired) {
            let (late, in_time) = mem::take(&mut busy.events).into_iter().partition::<Vec<_>, _>(expired);
            busy.events = in_time;
            busy.process.retired |= !late.is_empty();
            for event in &late {
                let seen = "there was no answer: it was still working (the function's timeout may be too short)";
                let fault = Fault::timeout(event.began.elapsed(), seen);
                reply(event, Err(fault));
            }
        }
        let (late, in_time) =
            mem::take(&mut self.waiting).into_iter().partition::<Vec<_>, _>(|(event, _)| expired(event));
        self.waiting = in_time;
        for (event, _) in late {
            reply(&event, Err(Fault::exit("The handler could not be started in time")));
        }
        if let Some(busy) = self.current.take_if(|busy| busy.is_retired()) {
            self.retired.push(busy);
        }
        self.retired.retain(|busy| !busy.events.is_empty());
    }

    fn start_if_missing(&mut self) {
        if self.current.is_none() {
            self.current = self.handler.start_unattended().map(|process| Busy { process, events: Vec::new() });
        }
    }

    /// When there is something to do though nothing happens.
    fn next_look(&self) -> Option<Instant> {
        let busy = self.current.iter().chain(&self.retired);
        let events = busy.flat_map(|busy| &busy.events).chain(self.waiting.iter().map(|(event, _)| event));
        let deadlines = events.filter_map(|event| event.answer_by);
        let retry = self.handler.restarts.next.filter(|_| self.current.is_none());
        deadlines.chain(retry).min()
    }

    /// What is in flight may be answered within the grace; the workers then tell Lambda.
    fn end(&mut self) {
        let kill_at = self.handler.stopping.map_or_else(Instant::now, |stopping| stopping.kill_at);
        while Instant::now() < kill_at && self.current.iter().any(|busy| !busy.events.is_empty()) {
            if self.pump(Some(kill_at), false).is_err() {
                break;
            }
            self.collect();
        }
        let reason = self.handler.restarts.given_up().unwrap_or_else(|| {
            Fault::shutdown(self.handler.stopping.map_or("an error", |stopping| stopping.signal.as_str()))
        });
        let busy = self.current.take().into_iter().chain(mem::take(&mut self.retired));
        let waiting = mem::take(&mut self.waiting).into_iter().map(|(event, _)| event);
        for event in busy.flat_map(|busy| busy.events).chain(waiting) {
            reply(&event, Err(reason.clone()));
        }
        let gone = Instant::now() + GRACE;
        while !self.desk.is_clear() && Instant::now() < gone {
            for request in self.desk.take() {
                let _ = request.reply.send(Err(reason.clone()));
            }
            let _ = self.pump(Some(Instant::now() + ENDING), false);
        }
    }
}

impl Busy {
    fn is_retired(&self) -> bool {
        self.process.retired
    }

    fn take(&mut self, message: &Message) -> Option<InFlight> {
        let at = match messages::request_id(message) {
            Some(id) => self.events.iter().position(|event| event.id == id)?,
            // With one in flight it need not be said.
            None => (self.events.len() == 1).then_some(0)?,
        };
        Some(self.events.remove(at))
    }
}

/// Passes on the answers that a process has given. Why its messages cannot be read any further, if so.
fn answers(busy: &mut Busy, trace: bool) -> Option<String> {
    loop {
        match busy.process.stdout.next_message() {
            Ok(Some(Item::Message { message, .. })) => match busy.take(&message) {
                Some(event) => {
                    busy.process.empty_stderr();
                    busy.process.answers += 1;
                    let result = messages::result(message, &busy.process.stderr);
                    if trace {
                        trace_result(&result);
                    }
                    reply(&event, result);
                }
                None => log_dropped(&message),
            },
            // Put together: while one answer were streamed, all others would have to wait for whoever reads it.
            Ok(Some(Item::StreamHead(_))) => {}
            Ok(None) => return None,
            Err(broken) => return Some(broken.0),
        }
    }
}

fn reply(event: &InFlight, result: Result<Answer, Fault>) {
    // A worker waits until it hears.
    let _ = event.reply.send(result);
}
