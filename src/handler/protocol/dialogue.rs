//! What one handler process has said so far, and what its output means by that: a greeting, log text, an answer.

use super::cgi::Page;
use super::greeting::{GREETING, Greeting};
use super::jsonrpc::Talk;
use super::kind::Protocol;
use super::reader::{Broken, Item, Reader, Stream};
use super::reply::log_dropped;
use super::scan::Scan;
use crate::fault::Fault;
use crate::invocation::LARGEST_ANSWER;
use crate::log::{self, Lines};

/// How far a process has come in what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It has had no event, and may still greet.
    Opening,
    Speaking,
    /// What it says between events cannot be read any further: it is of no more use.
    Broken,
}

/// One process's side of the talk. Its output is passed in by whoever owns the pipe.
#[derive(Debug)]
pub struct Dialogue {
    pub protocol: Protocol,
    /// Log text on its way to the log.
    pub text: Lines,
    /// Looks for the answer to the event at hand, and before the first event for what is finished.
    pub scan: Scan,
    /// The response that it is giving (CGI).
    pub page: Option<Page>,
    /// What it has said of the events in flight (JSON-RPC).
    pub talk: Talk,
    phase: Phase,
    greeting: Greeting,
    reader: Reader,
    /// An error object that it printed in place of becoming ready.
    opening_error: Option<Vec<u8>>,
}

impl Dialogue {
    /// With a process that is talked with by `protocol`, unless it greets.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            text: Lines::dropping_empty(),
            scan: Scan::before_event(),
            page: None,
            talk: Talk::default(),
            phase: match protocol {
                Protocol::Oneshot | Protocol::Cgi | Protocol::JsonRpc => Phase::Speaking,
                _ => Phase::Opening,
            },
            greeting: Greeting::default(),
            reader: Reader::new(),
            opening_error: None,
        }
    }

    /// Whether `output` begins with the line by which a process says that it speaks messages.
    pub fn is_greeting(output: &[u8]) -> bool {
        let line = output.split(|&byte| byte == b'\n').next().unwrap_or_default();
        Greeting::parse(line).is_some()
    }

    /// What it offered in its greeting.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Whether an adapter has yet to say that it is ready.
    pub fn awaits_greeting(&self) -> bool {
        self.protocol == Protocol::Messages && self.phase == Phase::Opening
    }

    /// Whether it has greeted.
    pub fn has_greeted(&self) -> bool {
        self.protocol == Protocol::Messages && self.phase == Phase::Speaking
    }

    /// Whether it can be given no event, since nothing that it says can be read.
    pub fn is_broken(&self) -> bool {
        self.phase == Phase::Broken || self.talk.broken().is_some()
    }

    /// The error object that it printed in place of becoming ready.
    pub fn opening_error(&self) -> Option<Fault> {
        self.opening_error.as_deref().and_then(Fault::from_adapters_object)
    }

    /// Deals with what has come while no answer is waited for.
    pub fn set_aside(&mut self, output: &mut Vec<u8>) {
        self.greet(output);
        match (self.protocol, self.phase) {
            (_, Phase::Broken) => output.clear(),
            // It is on its way to the caller.
            (Protocol::Cgi, _) => {}
            (Protocol::JsonRpc, _) => self.talk.hear(output),
            // All of it is one answer. One byte more than any answer has tells that it is too large.
            (Protocol::Oneshot, _) | (Protocol::LearnedOneshot, Phase::Speaking) => output.truncate(LARGEST_ANSWER + 1),
            (_, Phase::Opening) => self.log_finished(output),
            (Protocol::Loop | Protocol::Undecided | Protocol::BufferedLoop, _) => {
                self.text.push(output);
                output.clear();
            }
            (Protocol::Messages, _) => self.drop_messages(output),
        }
    }

    /// Deals with what has come while no answer is waited for, whether it has an end or not.
    pub fn flush(&mut self, output: &mut Vec<u8>) {
        self.set_aside(output);
        if self.phase == Phase::Opening {
            // The beginning of an answer is not for the log.
            if self.protocol != Protocol::LearnedOneshot {
                self.text.push(output);
            }
            output.clear();
            self.scan = Scan::before_event();
        } else if self.protocol == Protocol::JsonRpc {
            self.talk.hear_last(output);
        }
        self.text.flush();
    }

    /// The process is given up: what has come is neither looked at nor logged. It may be the beginning of an answer.
    pub fn drop_output(&mut self, output: &mut Vec<u8>) {
        output.clear();
        self.scan = Scan::before_event();
        self.talk.forget_beginning();
    }

    /// An event is about to be given: what has come by now is no answer to it, but for the beginning of the first.
    pub fn begin_event(&mut self, output: &mut Vec<u8>) {
        self.set_aside(output);
        self.text.flush();
        if self.protocol == Protocol::Messages {
            self.refuse_left_behind(output);
            self.reader.begin_event(output);
        } else if self.phase == Phase::Opening {
            self.scan.begin_event(self.protocol.keeps_beginning());
            self.phase = Phase::Speaking;
        } else {
            self.scan = Scan::new();
        }
    }

    /// The memory of something that is over is for the next message.
    pub fn reuse(&mut self, memory: Vec<u8>) {
        self.reader.reuse(memory);
    }

    /// The next message, if it is all there, or the head of a stream.
    pub fn next_message(&mut self, output: &mut Vec<u8>) -> Result<Option<Item>, Broken> {
        self.greet(output);
        if self.awaits_greeting() {
            self.log_finished(output);
            return Ok(None);
        }
        self.reader.next(output)
    }

    /// The next piece of a stream whose head was given.
    pub fn stream(&mut self, output: &mut Vec<u8>, piece: &mut [u8]) -> Result<Stream, Broken> {
        self.reader.stream(output, piece)
    }

    /// Takes a greeting out of the output. From then on the process speaks messages. What was printed before it, by
    /// whoever was loaded into the process, is log text.
    fn greet(&mut self, output: &mut Vec<u8>) {
        if self.phase != Phase::Opening || output.is_empty() {
            return;
        }
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &output[start..]) {
            let end = start + length;
            if output[start..].starts_with(GREETING)
                && let Some(greeting) = Greeting::parse(&output[start..end])
            {
                self.greeting = greeting;
                self.protocol = Protocol::Messages;
                self.phase = Phase::Speaking;
                self.log_opening_error();
                self.text.push(&output[..start]);
                self.text.flush();
                output.drain(..=end);
                self.scan = Scan::before_event();
                return;
            }
            start = end + 1;
        }
    }

    /// Logs what was finished before the first event. An error object may be the reason why there will be none.
    fn log_finished(&mut self, output: &mut Vec<u8>) {
        while let Some(value) = self.scan.next_finished(output, &mut self.text) {
            self.log_opening_error();
            let is_error = match self.protocol {
                Protocol::Messages => Fault::from_adapters_object(&value).is_some(),
                _ => Fault::from_error_object(&value).is_some(),
            };
            if is_error {
                self.opening_error = Some(value);
            } else {
                self.text.push(&value);
            }
        }
    }

    /// It was no reason after all.
    fn log_opening_error(&mut self) {
        if let Some(error) = self.opening_error.take() {
            self.text.push(&error);
            self.text.push(b"\n");
        }
    }

    fn drop_messages(&mut self, output: &mut Vec<u8>) {
        loop {
            match self.reader.next(output) {
                Ok(Some(Item::Message { message, .. })) => log_dropped(&message),
                Ok(Some(Item::StreamHead(_))) => {}
                Ok(None) => return,
                Err(reason) => {
                    // What follows a broken message has no beginning.
                    log::warn(format_args!("the handler's messages are broken between events: {reason}"));
                    self.phase = Phase::Broken;
                    output.clear();
                    return;
                }
            }
        }
    }

    /// Bytes behind an answer (its length was said too short, say) would be read as the beginning of the next one. Where
    /// several events are in flight, they may be.
    fn refuse_left_behind(&mut self, output: &mut Vec<u8>) {
        let blank = output.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if self.phase != Phase::Speaking || self.greeting.concurrency() > 1 || blank == output.len() {
            return;
        }
        log::warn(format_args!(
            "the handler left {} bytes behind its last answer, and is replaced: is its Content-Length counted in bytes?",
            output.len()
        ));
        self.phase = Phase::Broken;
        output.clear();
    }
}

#[cfg(test)]
mod tests;
