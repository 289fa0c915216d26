//! One handler process with what it has said so far: its pipes know no protocol, and its protocol no pipes. They meet here.

use std::time::{Duration, Instant};

use super::process::Process;
use super::protocol::{Dialogue, Frame, Input, Protocol};
use crate::invocation::{Invocation, REUSED};
use crate::process_tree::Activity;

/// How long a handler lives before it counts as ready where `/proc` cannot tell.
const ALIVE: Duration = Duration::from_millis(10);

/// A handler process, talked with.
#[derive(Debug)]
pub struct Instance {
    pub process: Process,
    pub dialogue: Dialogue,
    /// Where in the input that it was given last the event is.
    frame: Frame,
    /// How many answers it gave.
    pub answers: u64,
    /// It is given no more events, since it left one without an answer.
    pub retired: bool,
    /// Whether it has been seen to wait for an event, or has had its time for that.
    pub ready: bool,
    /// Whether it could be seen what it does.
    could_be_seen: bool,
    /// How many processes it was when it was seen to be ready; as long as one of them works, it may start more.
    processes: Option<usize>,
}

impl Instance {
    pub fn new(process: Process, protocol: Protocol) -> Self {
        let dialogue = Dialogue::new(protocol);
        Self {
            process,
            dialogue,
            frame: Frame::default(),
            answers: 0,
            retired: false,
            ready: false,
            could_be_seen: false,
            processes: None,
        }
    }

    pub fn protocol(&self) -> Protocol {
        self.dialogue.protocol
    }

    /// It may have been learned since it was started how it talks.
    pub fn expect(&mut self, protocol: Protocol) {
        if self.dialogue.protocol == Protocol::Undecided && protocol != Protocol::Messages {
            self.dialogue.protocol = protocol;
        }
    }

    /// Whether it gets what Lambda says of its event in a file: in messages, it is in the headers.
    pub fn needs_context_file(&self) -> bool {
        self.dialogue.protocol != Protocol::Messages
    }

    pub fn started(&self) -> Instant {
        self.process.started
    }

    /// Puts an event on its way.
    pub fn give(&mut self, input: Input) {
        self.frame = input.frame;
        self.process.stdin.give(input.bytes, input.then_end);
    }

    /// Puts an event on its way as a message: in the last one's memory. The event's is for the answer.
    pub fn give_message(&mut self, invocation: &Invocation, event: Vec<u8>) {
        let memory = self.process.stdin.take_memory();
        self.give(Input::message(invocation, &event, memory));
        if event.capacity() <= REUSED {
            self.dialogue.reuse(event);
        }
    }

    /// Takes back the event that was given.
    pub fn take_back(&mut self) -> Vec<u8> {
        self.frame.event_of(self.process.stdin.take_back())
    }

    /// Whether nothing more can come from it: it has ended, or closed its stdout.
    pub fn is_silent(&self) -> bool {
        self.process.is_silent()
    }

    /// Whether it can be given no event: it has ended, or broken off its messages.
    pub fn is_useless(&self) -> bool {
        self.process.ended || self.dialogue.is_broken()
    }

    /// Looks whether it waits for an event. Where `/proc` cannot tell, it is ready once it has lived for a moment; but who
    /// could be seen before and cannot be seen now is just becoming another program (execve(2)).
    pub fn is_seen_ready(&mut self, now: Instant) -> bool {
        let activity = self.process.activity();
        let reads_stdin = activity.reads_stdin;
        self.processes = activity.at_rest.then_some(activity.processes);
        self.could_be_seen |= reads_stdin.is_some();
        reads_stdin.unwrap_or(!self.could_be_seen && self.started() + ALIVE <= now)
    }

    /// Whether `activity` is that of a handler which keeps its answer in a buffer: it has answered before, waits for nothing
    /// but its next event, and is whole. (Of a pipeline, the process that answers may have died.)
    pub fn keeps_answer(&self, activity: &Activity) -> bool {
        activity.at_rest && self.answers > 0 && self.processes.is_some_and(|all| activity.processes >= all)
    }

    /// Deals with what has come while no answer is waited for.
    pub fn set_aside(&mut self) {
        self.dialogue.set_aside(&mut self.process.stdout.output);
        if self.protocol() == Protocol::JsonRpc {
            self.pass_on();
        }
    }

    /// What the protocol has to say by itself goes to the process.
    fn pass_on(&mut self) {
        let talk = &mut self.dialogue.talk;
        if talk.has_refused() && self.process.stdin.was_emptied() {
            talk.all_was_read();
        }
        if !talk.write.is_empty() {
            self.process.stdin.add(std::mem::take(&mut talk.write));
        }
    }

    /// An event is about to be given: what has come by now is no answer to it.
    pub fn begin_event(&mut self) {
        self.dialogue.begin_event(&mut self.process.stdout.output);
        self.process.stdout.reads = 0;
        self.process.stderr.flush();
        self.process.stderr.begin_event();
    }

    /// Logs the last of what it wrote, whether its line had an end or not.
    pub fn flush_logs(&mut self) {
        self.dialogue.flush(&mut self.process.stdout.output);
        self.process.stderr.flush();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.process.kill();
        self.flush_logs();
    }
}
