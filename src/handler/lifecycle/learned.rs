//! What is known of the way in which the handler talks: what the settings say, and what its processes have shown.

use crate::config::Mode;
use crate::handler::protocol::Protocol;
use crate::handler::protocol::jsonrpc::Serves;
use crate::log;

/// A handler that was taken for one that reads to end-of-file, and then fails so many events before it answers one, was
/// not.
const FAILURES: u32 = 2;

/// What the next process is expected to be.
#[derive(Debug)]
pub struct Learned {
    mode: Mode,
    pub protocol: Protocol,
    /// Which callers a JSON-RPC server serves.
    pub serves: Serves,
    /// A oneshot program that does not wait for its event is started when the event is there.
    pub needs_no_event: bool,
    /// How many events failed since it was learned that there is one process per event; `None` once one was answered.
    failures: Option<u32>,
}

impl Learned {
    /// Nothing yet, of a handler that runs by `mode`. `messages`: it is an adapter.
    pub fn new(mode: Mode, messages: bool) -> Self {
        let protocol = match mode {
            _ if messages => Protocol::Messages,
            Mode::Auto => Protocol::Undecided,
            Mode::Loop => Protocol::Loop,
            Mode::Oneshot => Protocol::Oneshot,
            Mode::Cgi => Protocol::Cgi,
            Mode::JsonRpc => Protocol::JsonRpc,
        };
        Self { mode, protocol, serves: Serves::default(), needs_no_event: false, failures: None }
    }

    /// A process that was talked with by `protocol` has been through an event: whether it answered it well, and whether it
    /// has answered one at all.
    pub fn note(&mut self, protocol: Protocol, well: bool, answered: bool) {
        match protocol {
            // It has greeted, and so will the next one, which may still be starting when its event comes.
            Protocol::Messages => self.protocol = Protocol::Messages,
            Protocol::LearnedOneshot | Protocol::BufferedLoop if well => self.failures = None,
            Protocol::LearnedOneshot | Protocol::BufferedLoop => self.note_failure(),
            _ if self.protocol == Protocol::Undecided && answered => self.protocol = Protocol::Loop,
            _ => {}
        }
    }

    /// It was seen to wait for end-of-file and for nothing else, and answered then.
    pub fn reads_to_end(&mut self) {
        log::info(
            "the handler reads to end-of-file: from now on it is started once per event. Set HANDLER_MODE=oneshot to say so from the start",
        );
        self.learn(Protocol::LearnedOneshot);
    }

    /// Its answers sit in a buffer until it ends.
    pub fn buffers(&mut self) {
        if self.mode == Mode::Auto {
            log::info(
                "the handler keeps its answers in a buffer: from now on it is started once per event. Have it flush stdout after each answer, and set HANDLER_MODE=loop, to keep it",
            );
            self.learn(Protocol::BufferedLoop);
        }
    }

    /// A start ended with exit status 0 before any event.
    pub fn note_needs_no_event(&mut self) {
        if !std::mem::replace(&mut self.needs_no_event, true) {
            log::info("the handler does not wait for its event: from now on it is started when the event is there");
        }
    }

    fn learn(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.failures = Some(0);
    }

    fn note_failure(&mut self) {
        let Some(failures) = &mut self.failures else { return };
        *failures += 1;
        if *failures >= FAILURES {
            log::warn(format_args!(
                "the handler has failed {FAILURES} events since it was taken for one that reads to end-of-file: it is taken for that no longer. HANDLER_MODE=loop or oneshot says what it is"
            ));
            *self = Self::new(self.mode, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_that_fails_its_first_two_events_is_unlearned() {
        let mut learned = Learned::new(Mode::Auto, false);
        learned.reads_to_end();
        learned.note(Protocol::LearnedOneshot, false, false);
        assert_eq!(learned.protocol, Protocol::LearnedOneshot);
        learned.note(Protocol::LearnedOneshot, false, false);
        assert_eq!(learned.protocol, Protocol::Undecided);
    }

    #[test]
    fn a_lesson_that_was_right_once_stays() {
        let mut learned = Learned::new(Mode::Auto, false);
        learned.reads_to_end();
        learned.note(Protocol::LearnedOneshot, true, true);
        for _ in 0..5 {
            learned.note(Protocol::LearnedOneshot, false, false);
        }
        assert_eq!(learned.protocol, Protocol::LearnedOneshot);
    }

    #[test]
    fn what_the_settings_say_is_not_learned_otherwise() {
        let mut learned = Learned::new(Mode::Loop, false);
        learned.buffers();
        learned.note(Protocol::Loop, false, false);
        assert_eq!(learned.protocol, Protocol::Loop);
    }
}
