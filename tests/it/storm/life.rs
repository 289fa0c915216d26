//! One `bootstrap` against a server that attacks, from its start to its end, which may come early.

use super::cgi::{CGI, CGI_DEEDS};
use super::course::{DESCRIPTORS, prepared};
use super::deeds::Deed;
use super::forms::Form;
use super::handlers::{FILTER, FILTER_DEEDS, LOOP, LOOP_DEEDS, ONESHOT, ONESHOT_DEEDS};
use super::hostile_handler::{LIMIT, MEMORY};
use super::jsonrpc::{self, JSON_RPC_DEEDS};
use crate::harness::http::Wire;
use crate::harness::raw::{Line, Raw};
use crate::harness::watch::{self, Exit};
use crate::harness::{Answer, Call, Event, Function, Random, Running, police, procfs};
use crate::hostile::unescaped;
use std::thread;
use std::time::{Duration, Instant};

/// A handler whose answers come whole: they may be sent twice.
pub struct Handler {
    pub deeds: &'static [Deed],
    pub form: Form,
    function: fn() -> Function,
}

const HANDLERS: &[Handler] = &[
    Handler { deeds: LOOP_DEEDS, form: Form::Plain, function: || Function::of("perl", LOOP) },
    Handler { deeds: FILTER_DEEDS, form: Form::Plain, function: || Function::of("perl", FILTER) },
    Handler { deeds: ONESHOT_DEEDS, form: Form::Plain, function: || Function::of("perl", ONESHOT).mode("oneshot") },
    Handler {
        deeds: CGI_DEEDS,
        form: Form::Page { streamed: false },
        function: || Function::of("perl", CGI).mode("cgi"),
    },
    Handler {
        deeds: JSON_RPC_DEEDS,
        form: Form::JsonRpc,
        function: || Function::of("perl", &jsonrpc::server()).mode("jsonrpc"),
    },
];

/// `bootstrap`, and what the server knows of it.
pub struct Life {
    pub handler: &'static Handler,
    pub function: Running,
    raw: Raw,
    pub line: Option<Line>,
    /// What the server has done that may have ended it.
    pub may_end: Option<&'static str>,
    /// Nobody read the log for a while: what it said last may be lost.
    pub was_unread: bool,
    pub most: usize,
    pub resident: u64,
    pub peak: u64,
}

impl Life {
    pub fn begin(random: &mut Random) -> Self {
        let (handler, raw) = (&HANDLERS[random.below(HANDLERS.len())], Raw::listen());
        let function = prepared((handler.function)()).served_by(&raw).start_behind(LIMIT);
        Self { handler, function, raw, line: None, may_end: None, was_unread: false, most: 0, resident: 0, peak: 0 }
    }

    /// The next request; `None` once `bootstrap` has ended.
    pub fn request(&mut self) -> Option<(Call, String, Wire)> {
        let by = Instant::now() + watch::LIMIT;
        loop {
            if let Some(line) = &mut self.line {
                match line.read() {
                    Some((call, id, wire)) => return Some((call, unescaped(&id), wire)),
                    None => self.line = None,
                }
            }
            self.line = self.raw.accept_within(Duration::from_millis(20));
            if self.line.is_none() && self.function.watch().look(|seen| seen.exit.is_some()) {
                return None;
            }
            assert!(Instant::now() < by, "it hangs\n{}", self.function.story());
        }
    }

    pub fn line(&mut self) -> &mut Line {
        self.line.as_mut().unwrap()
    }

    /// Sends so many of these bytes, and closes.
    pub fn cut(&mut self, bytes: &[u8], at: usize) {
        self.line().write(&bytes[..at]);
        self.line = None;
    }

    /// Looks at the bounds, and forgets what was seen.
    pub fn settle(&mut self) {
        self.most = self.most.max(procfs::descriptors(self.function.pid()));
        self.resident = procfs::resident(self.function.pid());
        self.peak = self.peak.max(procfs::peak_memory(self.function.pid()));
        assert!(self.most <= DESCRIPTORS, "{} descriptors", self.most);
        assert!(self.peak <= MEMORY, "{} KiB of memory", self.peak / 1024);
        self.function.settle();
    }

    /// It has ended, which it may have: with a reason, and with all that it had started.
    pub fn end(self) {
        let story = self.function.story();
        let Some(why) = self.may_end else { panic!("it ended, and had no reason to\n{story}") };
        assert_eq!(self.function.exit(), Exit::Status(1), "{why}: {story}");
        let log = self.function.stderr();
        let is_told = log.contains("[FATAL] lambda-stdio: ") || self.was_unread;
        assert!(is_told && !log.contains("panicked"), "{why}: {story}");
        let by = Instant::now() + watch::LIMIT;
        while !self.function.others().is_empty() {
            assert!(Instant::now() < by, "{:?} live on\n{story}", self.function.others());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The answer to this event, which must be as every answer is.
pub fn answer(call: Call, id: String, wire: Wire, event: &Event) -> Answer {
    let request = wire.request(call, id);
    assert_eq!(police::complaints(&request, event.nonce().as_deref()), Vec::<String>::new());
    Answer(request)
}
