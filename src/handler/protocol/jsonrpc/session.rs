//! One server process, and the events in flight in it.
//!
//! Each request gets an id that no other has in this process, so that a late answer finds nobody. Where a request needs a
//! server that has been initialized, and this one has not, it is held back until the handshake is over.

use std::collections::{BTreeMap, HashMap};

use super::event::{Asked, Entry, Event, Kind};
use super::flight::{Flight, Slot, TOO_LARGE, from_memory};
use super::mcp;
pub use super::output::{Call, Output};
use super::reply;
use crate::fault::Fault;
use crate::invocation::LARGEST_ANSWER;

mod heard;
#[cfg(test)]
mod tests;

/// What came of an event at first.
#[derive(Debug)]
pub struct Opened {
    pub call: Call,
    /// Lines for the server, each with its end.
    pub write: Vec<u8>,
    /// The answer, where it need not be waited for. The lines are to be written nevertheless.
    pub output: Option<Output>,
    /// The answer is a stream of the HTTP integration's content type: one or more `Output`s, of which the last says so.
    pub streamed: bool,
}

/// What a line of the server's came to.
#[derive(Debug, Default)]
pub struct Step {
    /// Lines for the server, each with its end.
    pub write: Vec<u8>,
    pub outputs: Vec<Output>,
    pub note: Option<Note>,
    /// How much of `write` refuses what the server asks.
    pub refused: usize,
}

/// What is known of a program that is a server of MCP: whether it serves requests of the stateless kind, and those behind
/// a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serves {
    stateless: Option<bool>,
    handshake: Option<bool>,
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
pub enum Note {
    Debug(String),
    Warn(String),
}

/// A server process, from its start to its end.
#[derive(Debug, Default)]
pub struct Session {
    last_id: u64,
    last_call: u64,
    /// In the order in which they came.
    calls: BTreeMap<Call, Flight>,
    /// Whose request an id is: the call's, and its place there.
    asked: HashMap<u64, (Call, usize)>,
    handshake: Handshake,
    /// What waits for the end of the handshake.
    held: Vec<(Call, Vec<u8>)>,
    /// How this process was spoken to first, where that may bind it: stateless or not.
    bound: Option<bool>,
    /// What was learned of the program outlives the process, and is passed on to the next session.
    pub serves: Serves,
}

#[derive(Debug, Default)]
enum Handshake {
    #[default]
    None,
    /// Asked with this id, for us or for the callers whose own `initialize` it was.
    Asked { id: u64, ours: bool, waiting: Vec<(Call, usize)> },
    /// The result, as the server said it.
    Done(String),
    /// It knows no handshake: what it is asked, it is asked without.
    Refused,
}

impl Session {
    /// Whether the event should have a server process of its own kind: some programs serve, in one process, only callers
    /// that shake hands or only those that do not, whichever came first.
    pub fn needs_fresh_server(&self, event: &Event) -> bool {
        // What is in flight may bind it.
        let slots = || self.calls.values().flat_map(|flight| &flight.slots);
        let in_flight = || slots().next().map(|slot| matches!(slot.kind, Kind::Stateless { .. }));
        match (event.is_stateless(), self.bound.or_else(in_flight)) {
            (Some(true), Some(false)) => self.serves.stateless != Some(false),
            (Some(false), Some(true)) => self.serves.handshake != Some(false),
            _ => false,
        }
    }

    /// Takes an event in.
    pub fn open(&mut self, event: Event) -> Opened {
        self.last_call += 1;
        let call = Call(self.last_call);
        let streamed = event.http.is_some_and(|http| http.streamed);
        let mut opened = Opened { call, write: Vec::new(), output: None, streamed };
        if let Some(refused) = event.refused {
            opened.output = Some(Output { call, bytes: Ok(refused), last: true });
            return opened;
        }
        let mut flight =
            Flight { http: event.http, is_batch: event.is_batch, slots: Vec::new(), left: 0, size: 0, begun: false };
        for entry in event.entries {
            match entry {
                Entry::Notification(None) => {}
                Entry::Notification(Some(line)) => {
                    if matches!(self.handshake, Handshake::Asked { .. }) {
                        self.held.push((call, line));
                    } else {
                        append(&mut opened.write, line);
                    }
                }
                Entry::Refused(answer) => {
                    flight.size += answer.len();
                    flight.slots.push(Slot {
                        id: "null".to_owned(),
                        token: None,
                        kind: Kind::Other,
                        answer: Some(answer),
                        code: None,
                    });
                }
                Entry::Request(asked) => self.ask(call, &mut flight, *asked, &event.version, &mut opened.write),
            }
        }
        if flight.left == 0 {
            opened.output = Some(flight.finish(call));
        } else {
            self.calls.insert(call, flight);
        }
        opened
    }

    /// A request: its id is made unique, and it goes out, waits, or is answered from memory.
    fn ask(&mut self, call: Call, flight: &mut Flight, asked: Asked, version: &str, write: &mut Vec<u8>) {
        let Asked { mut line, id: at, kind, token } = asked;
        let own = String::from_utf8_lossy(&line[at.clone()]).into_owned();
        let place = flight.slots.len();
        let mut slot = Slot { id: own, token, kind, answer: None, code: None };
        if kind == Kind::Initialize {
            match &mut self.handshake {
                Handshake::Done(result) => {
                    let large = flight.size + result.len() > LARGEST_ANSWER;
                    let answer = if large {
                        reply::error(&slot.id, mcp::INTERNAL_ERROR, TOO_LARGE)
                    } else {
                        from_memory(&slot.id, result)
                    };
                    flight.size += answer.len();
                    slot.answer = Some(answer);
                    flight.slots.push(slot);
                    return;
                }
                Handshake::Asked { waiting, .. } => {
                    waiting.push((call, place));
                    flight.wait(slot);
                    return;
                }
                Handshake::None | Handshake::Refused => {}
            }
        }
        if kind == Kind::Other && matches!(self.handshake, Handshake::None) {
            let id = self.next_id();
            write.extend_from_slice(mcp::initialize(id, version).as_bytes());
            self.handshake = Handshake::Asked { id, ours: true, waiting: Vec::new() };
        }
        let id = self.next_id();
        line.splice(at, id.to_string().into_bytes());
        flight.wait(slot);
        if kind == Kind::Initialize && matches!(self.handshake, Handshake::None) {
            self.handshake = Handshake::Asked { id, ours: false, waiting: vec![(call, place)] };
            append(write, line);
            return;
        }
        self.asked.insert(id, (call, place));
        if kind == Kind::Other && matches!(self.handshake, Handshake::Asked { .. }) {
            self.held.push((call, line));
        } else {
            append(write, line);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The event cannot be answered by the server: it died, or the time is over. An HTTP caller gets an error for each
    /// request that is still open; another caller's event fails.
    pub fn fail(&mut self, call: Call, fault: &Fault) -> Option<Output> {
        let mut flight = self.calls.remove(&call)?;
        self.asked.retain(|_, (other, _)| *other != call);
        self.held.retain(|(other, _)| *other != call);
        if let Handshake::Asked { waiting, .. } = &mut self.handshake {
            waiting.retain(|(other, _)| *other != call);
        }
        if flight.http.is_none() {
            return Some(Output { call, bytes: Err(fault.clone()), last: true });
        }
        let words = match fault.error_type.as_str() {
            "Runtime.InvokeTimeout" => "Internal error: the server gave no answer in time",
            "Function.ResponseSizeTooLarge" => TOO_LARGE,
            _ => "Internal error: the server failed before it had answered",
        };
        for slot in flight.slots.iter_mut().filter(|slot| slot.answer.is_none()) {
            slot.answer = Some(reply::error(&slot.id, mcp::INTERNAL_ERROR, words));
            slot.code = Some(mcp::INTERNAL_ERROR);
        }
        Some(flight.finish(call))
    }

    /// The same for an event that there is no server for.
    pub fn refuse(event: Event, fault: &Fault) -> Opened {
        let mut nobody = Self::default();
        let mut opened = nobody.open(event);
        opened.output = opened.output.or_else(|| nobody.fail(opened.call, fault));
        opened
    }
}

/// One more line to be written. The only one, which may be large, is not copied.
fn append(write: &mut Vec<u8>, line: Vec<u8>) {
    if write.is_empty() {
        *write = line;
    } else {
        write.extend_from_slice(&line);
    }
}
