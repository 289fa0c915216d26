//! What a server says: answers find their callers, its own requests are refused, and the rest is for the log.

use std::ops::Range;

use super::super::event::Kind;
use super::super::flight::TOO_LARGE;
use super::super::message::Message;
use super::super::{mcp, reply};
use super::{Call, Handshake, Note, Output, Session, Step, append};
use crate::invocation::LARGEST_ANSWER;
use crate::json;
use crate::json::elements;

/// A message that is an answer: whose, where its id stands, and the code of its error.
struct Due {
    call: Call,
    place: usize,
    id: Range<usize>,
    code: Option<i64>,
}

impl Session {
    /// Takes a line that the server printed, with or without its end. It becomes the answer, where it is one: it may be as
    /// large as an answer can be, and is not copied.
    pub fn on_line(&mut self, mut line: Vec<u8>) -> Step {
        let mut step = Step::default();
        line.truncate(line.trim_ascii_end().len());
        line.drain(..line.len() - line.trim_ascii_start().len());
        if line.is_empty() {
            return step;
        }
        let text = std::str::from_utf8(&line).ok().filter(|text| text.starts_with(['{', '[']) && json::is_value(&line));
        let Some(text) = text else {
            step.note = Some(Note::Debug(format!("The server printed what is no message: {}", start_of(&line))));
            return step;
        };
        if let Some(list) = elements(text) {
            // Older revisions let a server put several answers together.
            for message in list {
                if let Some(due) = self.on_message(message, &mut step) {
                    step.outputs.extend(self.put(due, message.as_bytes().to_vec()));
                }
            }
        } else if let Some(due) = self.on_message(text, &mut step) {
            step.outputs.extend(self.put(due, line));
        }
        step
    }

    /// All that a message brings about, but for an answer's way to its caller.
    fn on_message(&mut self, text: &str, step: &mut Step) -> Option<Due> {
        let message = match Message::read(text) {
            Ok(message) => message,
            Err(problem) => {
                let start = start_of(text.as_bytes());
                step.note = Some(Note::Warn(format!("The server printed what is no message ({problem}): {start}")));
                return None;
            }
        };
        match (&message.method, message.id()) {
            (Some(method), Some(id)) => {
                let words = format!("Method not found: {method} needs a client that waits, which a function has not");
                let refusal = reply::error(id, mcp::METHOD_NOT_FOUND, &words);
                step.refused += refusal.len() + 1;
                step.write.extend_from_slice(&refusal);
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
                let Some(known) = known else {
                    step.note = Some(nobody_waits(id));
                    return None;
                };
                if matches!(self.handshake, Handshake::Asked { id: asked, .. } if asked == known) {
                    self.shaken(&message, step);
                    return None;
                }
                let due = self.due(known, &message);
                if due.is_none() {
                    step.note = Some(nobody_waits(id));
                }
                return due;
            }
            (None, None) => {
                step.note =
                    Some(Note::Debug(format!("The server printed what is no message: {}", start_of(text.as_bytes()))));
            }
        }
        None
    }

    /// Whose answer it is. `None`: nobody waits for it.
    fn due(&mut self, id: u64, message: &Message) -> Option<Due> {
        let (call, place) = self.asked.remove(&id)?;
        if let Kind::Stateless { discover } = self.calls.get(&call)?.slots.get(place)?.kind {
            self.learn(discover, message);
        }
        due(call, place, message)
    }

    /// What an answer to a request of the stateless kind says of the program.
    fn learn(&mut self, discover: bool, message: &Message) {
        let code = message.error_code();
        let is_its_own =
            matches!(code, Some(mcp::HEADER_MISMATCH | mcp::MISSING_CAPABILITY | mcp::UNSUPPORTED_VERSION));
        if message.result.is_some() || is_its_own {
            self.serves.stateless = Some(true);
        } else if discover && self.bound.is_none() {
            // Every program of the stateless kind has this method.
            self.serves.stateless = Some(false);
        }
        if self.bound.is_none() && self.serves.stateless != Some(false) {
            self.bound = Some(true);
        }
    }

    /// The handshake's answer: what was held goes out, and who asked for it is told.
    fn shaken(&mut self, message: &Message, step: &mut Step) {
        let Handshake::Asked { ours, waiting, .. } = std::mem::take(&mut self.handshake) else { return };
        if let Some(result) = message.result {
            self.handshake = Handshake::Done(result.to_owned());
            self.serves.handshake = Some(true);
            self.bound = Some(false);
            step.write.extend_from_slice(mcp::INITIALIZED.as_bytes());
        } else {
            // A caller's own may have been wrong in itself: the next one is asked again.
            if ours || !self.held.is_empty() {
                self.handshake = Handshake::Refused;
            }
            let stateless = message.error_code() == Some(mcp::UNSUPPORTED_VERSION);
            if self.bound.is_none() && (ours || stateless) {
                self.serves.handshake = Some(false);
            }
        }
        for (_, line) in self.held.drain(..) {
            append(&mut step.write, line);
        }
        for (call, place) in waiting {
            if let Some(due) = due(call, place, message) {
                step.outputs.extend(self.put(due, message.text.as_bytes().to_vec()));
            }
        }
    }

    /// Puts an answer into its place, with the caller's id in it.
    fn put(&mut self, due: Due, mut answer: Vec<u8>) -> Option<Output> {
        let Due { call, place, id, code } = due;
        let flight = self.calls.get_mut(&call)?;
        let slot = flight.slots.get_mut(place).filter(|slot| slot.answer.is_none())?;
        if flight.size + answer.len() + slot.id.len() > LARGEST_ANSWER {
            slot.code = Some(mcp::INTERNAL_ERROR);
            answer = reply::error(&slot.id, mcp::INTERNAL_ERROR, TOO_LARGE);
        } else {
            slot.code = code;
            answer.splice(id, slot.id.bytes());
            // A line may have a CR in it, which would end one of an event stream.
            json::flatten(&mut answer);
        }
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
}

fn due(call: Call, place: usize, message: &Message) -> Option<Due> {
    let code = message.error.map(|_| message.error_code().unwrap_or_default());
    Some(Due { call, place, id: message.id.clone()?, code })
}

fn nobody_waits(id: &str) -> Note {
    Note::Warn(format!("Nobody waits for the server's answer with the id {}; it was dropped", start_of(id.as_bytes())))
}

/// The start of something, for the log.
fn start_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(500)]).into_owned()
}
