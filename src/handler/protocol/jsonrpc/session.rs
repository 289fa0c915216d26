//! One server process, and the events in flight in it.
//!
//! Each request gets an id that no other has in this process, so that a late answer finds nobody. Where a request needs a
//! server that has been initialized, and this one has not, it is held back until the handshake is over.

use std::collections::{BTreeMap, HashMap};

use super::event::{Asked, Entry, Event, Kind};
use super::mcp;
use super::message::Message;
use super::reply::{self, Http};
use crate::fault::Fault;
use crate::http_event::elements;
use crate::invocation::LARGEST_ANSWER;
use crate::json;

#[cfg(test)]
mod tests;

/// An event in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call(u64);

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

/// The answer to an event, or a piece of it.
#[derive(Debug)]
pub struct Output {
    pub call: Call,
    /// A fault is the event's invocation error.
    pub bytes: Result<Vec<u8>, Fault>,
    /// Nothing more follows for this event.
    pub last: bool,
}

/// What a line of the server's came to.
#[derive(Debug, Default)]
pub struct Step {
    /// Lines for the server, each with its end.
    pub write: Vec<u8>,
    pub outputs: Vec<Output>,
    pub note: Option<Note>,
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
pub enum Note {
    Debug(String),
    Warn(String),
}

/// A server process, from its start to its end. What was learned of the program outlives the process.
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
    /// Whether the program serves requests of the stateless kind, and those behind a handshake.
    serves_stateless: Option<bool>,
    serves_handshake: Option<bool>,
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

#[derive(Debug)]
struct Flight {
    http: Option<Http>,
    is_batch: bool,
    slots: Vec<Slot>,
    left: usize,
    /// Bytes of answers so far.
    size: usize,
    /// Pieces of its stream have gone out.
    begun: bool,
}

#[derive(Debug)]
struct Slot {
    /// The caller's id, as it was written.
    id: String,
    token: Option<String>,
    kind: Kind,
    answer: Option<Vec<u8>>,
    code: Option<i64>,
}

impl Session {
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the event should have a server process of its own kind: some programs serve, in one process, only callers
    /// that shake hands or only those that do not, whichever came first. If so, end the process when nothing is in flight,
    /// call `restarted`, and open the event in the new one.
    pub fn needs_fresh_server(&self, event: &Event) -> bool {
        match (event.is_stateless(), self.bound) {
            (Some(true), Some(false)) => self.serves_stateless != Some(false),
            (Some(false), Some(true)) => self.serves_handshake != Some(false),
            _ => false,
        }
    }

    /// The process is another. What was in flight has to be failed before.
    pub fn restarted(&mut self) {
        self.asked.clear();
        self.held.clear();
        self.handshake = Handshake::None;
        self.bound = None;
    }

    /// How many events are in flight.
    pub fn in_flight(&self) -> usize {
        self.calls.len()
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
                        opened.write.extend_from_slice(&line);
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
            write.extend_from_slice(&line);
            return;
        }
        self.asked.insert(id, (call, place));
        if kind == Kind::Other && matches!(self.handshake, Handshake::Asked { .. }) {
            self.held.push((call, line));
        } else {
            write.extend_from_slice(&line);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Takes a line that the server printed, with or without its end.
    pub fn on_line(&mut self, line: &[u8]) -> Step {
        let mut step = Step::default();
        let line = line.trim_ascii();
        if line.is_empty() {
            return step;
        }
        let text = std::str::from_utf8(line).ok().filter(|text| text.starts_with(['{', '[']) && json::is_value(line));
        let Some(text) = text else {
            step.note = Some(Note::Debug(format!("The server printed what is no message: {}", start_of(line))));
            return step;
        };
        match elements(text) {
            // Older revisions let a server put several answers together.
            Some(list) => list.for_each(|message| self.on_message(message, &mut step)),
            None => self.on_message(text, &mut step),
        }
        step
    }

    fn on_message(&mut self, text: &str, step: &mut Step) {
        let message = match Message::read(text) {
            Ok(message) => message,
            Err(problem) => {
                let start = start_of(text.as_bytes());
                step.note = Some(Note::Warn(format!("The server printed what is no message ({problem}): {start}")));
                return;
            }
        };
        match (&message.method, message.id()) {
            (Some(method), Some(id)) => {
                let words = format!("Method not found: {method} needs a client that waits, which a function has not");
                step.write.extend_from_slice(&reply::error(id, mcp::METHOD_NOT_FOUND, &words));
                step.write.push(b'\n');
                step.note = Some(Note::Debug(format!(
                    "A request of the server's own was refused: {}",
                    start_of(text.as_bytes())
                )));
            }
            (Some(method), None) => {
                step.note = Some(Note::Debug(format!("The server notifies: {}", start_of(text.as_bytes()))));
                step.outputs.extend(self.notified(method, &message));
            }
            (None, Some(id)) => {
                let known = id.parse::<u64>().ok().filter(|number| number.to_string() == id);
                if !known.is_some_and(|id| self.answered(id, &message, step)) {
                    let problem = format!(
                        "Nobody waits for the server's answer with the id {}; it was dropped",
                        start_of(id.as_bytes())
                    );
                    step.note = Some(Note::Warn(problem));
                }
            }
            (None, None) => {
                step.note =
                    Some(Note::Debug(format!("The server printed what is no message: {}", start_of(text.as_bytes()))));
            }
        }
    }

    /// An answer with one of our ids. `false`: nobody waits for it.
    fn answered(&mut self, id: u64, message: &Message, step: &mut Step) -> bool {
        if matches!(self.handshake, Handshake::Asked { id: asked, .. } if asked == id) {
            self.shaken(message, step);
            return true;
        }
        let Some((call, place)) = self.asked.remove(&id) else { return false };
        let Some(slot) = self.calls.get(&call).and_then(|flight| flight.slots.get(place)) else { return false };
        if let Kind::Stateless { discover } = slot.kind {
            self.learn(discover, message);
        }
        step.outputs.extend(self.put(call, place, message));
        true
    }

    /// What an answer to a request of the stateless kind says of the program.
    fn learn(&mut self, discover: bool, message: &Message) {
        let code = message.error_code();
        let is_its_own =
            matches!(code, Some(mcp::HEADER_MISMATCH | mcp::MISSING_CAPABILITY | mcp::UNSUPPORTED_VERSION));
        if message.result.is_some() || is_its_own {
            self.serves_stateless = Some(true);
        } else if discover && self.bound.is_none() {
            // Every program of the stateless kind has this method.
            self.serves_stateless = Some(false);
        }
        if self.bound.is_none() && self.serves_stateless != Some(false) {
            self.bound = Some(true);
        }
    }

    /// The handshake's answer: what was held goes out, and who asked for it is told.
    fn shaken(&mut self, message: &Message, step: &mut Step) {
        let Handshake::Asked { ours, waiting, .. } = std::mem::take(&mut self.handshake) else { return };
        if let Some(result) = message.result {
            self.handshake = Handshake::Done(result.to_owned());
            self.serves_handshake = Some(true);
            self.bound = Some(false);
            step.write.extend_from_slice(mcp::INITIALIZED.as_bytes());
        } else {
            // A caller's own may have been wrong in itself: the next one is asked again.
            if ours || !self.held.is_empty() {
                self.handshake = Handshake::Refused;
            }
            let stateless = message.error_code() == Some(mcp::UNSUPPORTED_VERSION);
            if self.bound.is_none() && (ours || stateless) {
                self.serves_handshake = Some(false);
            }
        }
        for (_, line) in self.held.drain(..) {
            step.write.extend_from_slice(&line);
        }
        for (call, place) in waiting {
            step.outputs.extend(self.put(call, place, message));
        }
    }

    /// Puts an answer into its place, with the caller's id in it.
    fn put(&mut self, call: Call, place: usize, message: &Message) -> Option<Output> {
        let flight = self.calls.get_mut(&call)?;
        let slot = flight.slots.get_mut(place).filter(|slot| slot.answer.is_none())?;
        let at = message.id.clone()?;
        slot.code = message.error.map(|_| message.error_code().unwrap_or_default());
        let length = message.text.len() + slot.id.len();
        let answer = if flight.size + length > LARGEST_ANSWER {
            slot.code = Some(mcp::INTERNAL_ERROR);
            reply::error(&slot.id, mcp::INTERNAL_ERROR, TOO_LARGE)
        } else {
            let mut answer = Vec::with_capacity(length);
            answer.extend_from_slice(&message.text.as_bytes()[..at.start]);
            answer.extend_from_slice(slot.id.as_bytes());
            answer.extend_from_slice(&message.text.as_bytes()[at.end..]);
            // A line may have a CR in it, which would end one of an event stream.
            json::flatten(&mut answer);
            answer
        };
        flight.size += answer.len();
        slot.answer = Some(answer);
        flight.left -= 1;
        if flight.left > 0 {
            return None;
        }
        self.calls.remove(&call).map(|flight| flight.finish(call))
    }

    /// A notification goes to the caller whose stream it belongs to: the one whose token it names, or the only one.
    fn notified(&mut self, method: &str, message: &Message) -> Option<Output> {
        if !mcp::is_of_a_request(method) {
            return None;
        }
        let token = message.param("progressToken");
        let mut found = self.calls.iter().filter(|(_, flight)| match token {
            Some(token) => {
                flight.slots.iter().any(|slot| slot.answer.is_none() && slot.token.as_deref() == Some(token))
            }
            None => true,
        });
        let (Some((&call, _)), None) = (found.next(), found.next()) else { return None };
        let flight = self.calls.get_mut(&call)?;
        flight.http.filter(|http| http.events && http.streamed)?;
        let mut bytes = if flight.begun { Vec::new() } else { reply::begin_events() };
        flight.begun = true;
        let mut line = message.text.as_bytes().to_vec();
        json::flatten(&mut line);
        bytes.extend(reply::sse(&line));
        Some(Output { call, bytes: Ok(bytes), last: false })
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

    /// The same for all that is in flight.
    pub fn fail_all(&mut self, fault: &Fault) -> Vec<Output> {
        let calls: Vec<_> = self.calls.keys().copied().collect();
        calls.into_iter().filter_map(|call| self.fail(call, fault)).collect()
    }
}

const TOO_LARGE: &str = "Internal error: the answer is larger than Lambda takes";

impl Flight {
    fn wait(&mut self, slot: Slot) {
        self.slots.push(slot);
        self.left += 1;
    }

    /// All is there: the answer.
    fn finish(mut self, call: Call) -> Output {
        let asked = !self.slots.is_empty();
        let code = self.slots.first().and_then(|slot| slot.code);
        let mut whole = self.body();
        let Some(http) = self.http else {
            let size = whole.len();
            let bytes =
                if size > LARGEST_ANSWER { Err(Fault::too_large(LARGEST_ANSWER, size, true)) } else { Ok(whole) };
            return Output { call, bytes, last: true };
        };
        let bytes = match (asked, self.begun) {
            (false, _) => http.status(202),
            // The status is out: the rest of the stream follows.
            (true, true) => reply::sse(&whole),
            (true, false) => {
                let mut answer = http.message(whole, code);
                if answer.len() > LARGEST_ANSWER && !http.streamed {
                    for slot in &mut self.slots {
                        slot.answer = Some(reply::error(&slot.id, mcp::INTERNAL_ERROR, TOO_LARGE));
                    }
                    whole = self.body();
                    answer = http.message(whole, Some(mcp::INTERNAL_ERROR));
                }
                answer
            }
        };
        Output { call, bytes: Ok(bytes), last: true }
    }

    /// The message, or the list of them; `null` where nothing was asked.
    fn body(&mut self) -> Vec<u8> {
        let mut answers: Vec<_> = self.slots.iter_mut().filter_map(|slot| slot.answer.take()).collect();
        match answers.len() {
            0 => b"null".to_vec(),
            1 if !self.is_batch => answers.remove(0),
            _ => reply::list(&answers),
        }
    }
}

/// The handshake's result, to a caller who asks for it again.
fn from_memory(id: &str, result: &str) -> Vec<u8> {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}").into_bytes()
}

/// The start of something, for the log.
fn start_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(500)]).into_owned()
}
