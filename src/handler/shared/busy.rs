//! A shared process and the events that it works on, whichever way it is talked with.

use std::time::{Duration, Instant};

use super::queue::{Given, Key};
use super::reply::ReplyTo;
use crate::fault::Fault;
use crate::handler::exchange::jsonrpc;
use crate::handler::instance::Instance;
use crate::handler::process::Cadence;
use crate::handler::protocol::Protocol;
use crate::handler::protocol::jsonrpc::{Call, Output};
use crate::handler::protocol::message::Message;
use crate::handler::protocol::reply;
use crate::log;

/// An event that a process works on.
pub struct InFlight {
    pub key: Key,
    pub began: Instant,
    pub answer_by: Option<Instant>,
    pub reply: ReplyTo,
    /// What a JSON-RPC server's session calls it, and whether its answer is a stream.
    pub call: Option<(Call, bool)>,
}

/// A process and the events that it works on.
pub struct Busy {
    pub instance: Box<Instance>,
    pub events: Vec<InFlight>,
    /// When it is looked at next, until it is ready.
    pub look: Cadence,
}

impl Busy {
    pub fn new(instance: Box<Instance>) -> Self {
        let look = Cadence::new(Duration::from_millis(1), Duration::from_millis(20));
        Self { instance, events: Vec::new(), look }
    }

    pub fn is_retired(&self) -> bool {
        self.instance.retired
    }

    /// Whether it can be given events. An adapter says so, and a server is seen to wait.
    pub fn is_ready(&self) -> bool {
        match self.instance.protocol() {
            Protocol::JsonRpc => self.instance.ready,
            _ => self.instance.dialogue.has_greeted(),
        }
    }

    /// Whether it may not serve an event of this kind beside those that it has served.
    pub fn is_unfit(&self, given: &Given) -> bool {
        match given {
            Given::Message(_) => false,
            Given::Call(event, _) => self.instance.dialogue.talk.session.needs_fresh_server(event),
        }
    }

    /// Gives it an event.
    pub fn give(&mut self, mut event: InFlight, given: Given) {
        match given {
            Given::Message(input) => {
                self.instance.process.stdin.add(input.bytes);
                self.events.push(event);
            }
            Given::Call(read, _) => {
                let opened = self.instance.dialogue.talk.session.open(*read);
                self.instance.process.stdin.add(opened.write);
                event.call = Some((opened.call, opened.streamed));
                match opened.output {
                    Some(output) => event.deliver(output, None),
                    None => self.events.push(event),
                }
            }
        }
    }

    /// Tells the worker of an event that it has failed. The event has been taken out.
    pub fn fail(&mut self, mut event: InFlight, fault: &Fault) {
        match event.call {
            Some((call, _)) => {
                if let Some(output) = self.instance.dialogue.talk.session.fail(call, fault) {
                    event.deliver(output, Some(fault));
                }
            }
            None => event.reply.first(Err(fault.clone()), None),
        }
    }

    /// The event that a message is about: it leaves. With one in flight neither id need be said.
    pub fn take(&mut self, message: &Message) -> Option<InFlight> {
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

    /// Passes on what a server has said of an event that it works on.
    pub fn deliver(&mut self, output: Output) {
        let is_its = |event: &InFlight| event.call.is_some_and(|(call, _)| call == output.call);
        let Some(at) = self.events.iter().position(is_its) else { return };
        if output.last {
            self.events.remove(at).deliver(output, None);
        } else {
            self.events[at].deliver(output, None);
        }
    }
}

impl InFlight {
    /// Tells the worker. `told`: the fault that an HTTP caller is told of in the answer.
    fn deliver(&mut self, output: Output, told: Option<&Fault>) {
        let streamed = self.call.is_some_and(|(_, streamed)| streamed);
        match output.bytes {
            Ok(bytes) if self.reply.has_begun() => {
                if let Some(fault) = told {
                    log::fault(fault);
                }
                if !self.reply.piece(bytes, output.last) {
                    log::warn("a notification was dropped: the caller of its stream reads too slowly");
                }
            }
            Ok(bytes) => self.reply.first(Ok(jsonrpc::answer(bytes, streamed, output.last)), told.cloned()),
            Err(fault) => self.reply.first(Err(fault), None),
        }
    }
}
