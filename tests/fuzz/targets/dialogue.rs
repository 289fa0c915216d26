//! Whole conversations with handlers, in each way to talk: several events in a row, with output that comes in any pieces,
//! early and late, with exits, closed pipes and times that end. `bootstrap`'s own exchanges are what is driven.
//!
//! Each event gets one answer or one fault. An answer is made of what its process printed for its event, and is no larger
//! than Lambda takes; what is neither an answer nor told to be lost is in the log; what is kept has a bound, and so does the
//! work.

use super::script::{self, Turn, is_within, stands_in};
use super::work::Work;
use super::{is_shallow, parts};
use crate::fault::Fault;
use crate::handler::exchange::{self, Limits, Manner, Outcome, Streamed};
use crate::handler::instance::Instance;
use crate::handler::process::{Act, PIPE, Process};
use crate::handler::protocol::Protocol;
use crate::handler::protocol::cgi::Page;
use crate::handler::protocol::jsonrpc::Event;
use crate::http_event::Form;
use crate::invocation::{Answer, Invocation, LARGEST_ANSWER};
use crate::os::Signals;
use nix::sys::signal::{SigSet, Signal};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How a conversation is held.
#[derive(Clone, Copy, Debug)]
struct Way {
    protocol: Protocol,
    streaming: bool,
    /// What is printed between two events is read only when the next one comes.
    unread: bool,
}

const WAYS: [Protocol; 8] = [
    Protocol::Loop,
    Protocol::Undecided,
    Protocol::Oneshot,
    Protocol::LearnedOneshot,
    Protocol::BufferedLoop,
    Protocol::Messages,
    Protocol::Cgi,
    Protocol::JsonRpc,
];

impl Way {
    fn of(choice: u8) -> Self {
        let protocol = WAYS[usize::from(choice) % WAYS.len()];
        Self { protocol, streaming: choice & 16 != 0, unread: choice & 32 != 0 }
    }
}

/// What became of an event.
#[derive(Debug)]
enum Became {
    Answer(Vec<u8>),
    /// What has gone out of an answer, and whether it was all.
    Stream(Vec<u8>, Option<Fault>),
    Fault(Fault),
}

fn signals() -> &'static Signals {
    static SIGNALS: OnceLock<Signals> = OnceLock::new();
    SIGNALS.get_or_init(|| {
        let signals = Signals::block().unwrap();
        // Whoever runs this may still stop it.
        SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]).thread_unblock().unwrap();
        signals
    })
}

/// What one process said, and what came of it.
#[derive(Default)]
struct Account {
    logged: usize,
    answered: usize,
    /// A fault has thrown some of it away, and says so.
    lost: bool,
}

struct Conversation {
    way: Way,
    instance: Option<Instance>,
    account: Account,
    /// How much of what the process has printed is older than the event.
    older: usize,
    /// How the last event's process was talked with in the end: it may have greeted.
    spoken: Protocol,
    /// How many events the process has had.
    had: usize,
    /// How much it had printed when it was last looked at what is kept.
    looked: usize,
}

fn without_space(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).count()
}

impl Conversation {
    /// The process that gets the next event.
    fn take(&mut self, acts: &mut VecDeque<Act>) -> Instance {
        if let Some(instance) = self.instance.take().filter(|instance| !instance.is_useless()) {
            return instance;
        }
        (self.account, self.had, self.looked) = (Account::default(), 0, 0);
        let opening = acts.iter().take_while(|act| matches!(act, Act::Print(_))).count();
        let mut instance = Instance::new(Process::start(VecDeque::new()), self.way.protocol);
        if self.older == usize::MAX {
            // The first one may speak before it has an event.
            instance.process.acts = acts.drain(..opening).collect();
            while !instance.process.acts.is_empty() {
                instance.process.act(None);
                instance.set_aside();
                self.look(&mut instance);
            }
        }
        instance
    }

    /// Between two events: what it prints is late.
    fn idle(&mut self, instance: &mut Instance) {
        while !instance.process.acts.is_empty() && !instance.process.ended {
            if matches!(instance.process.acts.front(), Some(Act::Print(_))) && self.way.unread {
                return;
            }
            instance.process.act(Some(Instant::now()));
            instance.set_aside();
            self.look(instance);
        }
    }

    /// What is kept of a process has a bound, whatever it has printed.
    fn look(&mut self, instance: &mut Instance) {
        self.account.logged += without_space(&std::mem::take(&mut instance.dialogue.text.0));
        let printed = instance.process.printed.len();
        if printed - self.looked.min(printed) < 4096 {
            return;
        }
        self.looked = printed;
        let kept = super::work::kept(&instance.dialogue) + instance.process.stdout.output.len();
        assert!(kept <= KEPT, "{kept} bytes are kept");
    }

    fn exchange(&mut self, turn: Turn, number: usize) -> (Became, Vec<u8>) {
        let mut acts = turn.acts;
        let mut invocation = Invocation { id: format!("id-{number}"), ..Invocation::default() };
        invocation.headers.push("Lambda-Runtime-Aws-Request-Id", &format!("id-{number}"));
        for attempt in 0.. {
            let mut instance = self.take(&mut VecDeque::new());
            // What waits in the pipe is read when the event is given, and is older than that.
            if !self.way.protocol.is_oneshot() {
                instance.process.empty_stdout();
            }
            self.older = instance.process.printed.len();
            self.had += 1;
            instance.process.acts.append(&mut acts);
            let is_limited = instance.process.acts.contains(&Act::Idle);
            instance.expect(self.way.protocol);
            let began = Instant::now();
            let mut stopping = None;
            let answer_by = is_limited.then(|| began + Duration::from_millis(2));
            let mut limits = Limits::of((signals(), &mut stopping, None), began, answer_by);
            let manner = Manner {
                streaming: self.way.streaming.then_some("text/plain"),
                half_margin: Duration::from_micros(500),
            };
            let outcome = match self.way.protocol {
                Protocol::Cgi => {
                    let page = Page::new(Form::V2, if turn.event.starts_with(b"HEAD") { "HEAD" } else { "GET" });
                    exchange::serve(&mut instance, page, turn.event.clone(), self.way.streaming, &mut limits)
                }
                Protocol::JsonRpc => {
                    let Ok(event) = Event::read(&turn.event, self.way.streaming) else {
                        // No exchange takes up what was read above.
                        instance.set_aside();
                        self.keep(instance, true);
                        return (Became::Fault(Fault::exit("no event")), Vec::new());
                    };
                    exchange::call(&mut instance, event, &mut limits)
                }
                _ => exchange::carry_out(&mut instance, &invocation, turn.event.clone(), manner, &mut limits),
            };
            let outcome = outcome.unwrap();
            if matches!(outcome, Outcome::Untouched) && attempt == 0 {
                self.check_account(&mut instance);
                acts = std::mem::take(&mut instance.process.acts);
                continue;
            }
            return self.settle(instance, outcome, is_limited);
        }
        unreachable!()
    }

    /// What came of the event, and what its process had printed for it by then.
    fn settle(&mut self, mut instance: Instance, outcome: Outcome, is_limited: bool) -> (Became, Vec<u8>) {
        self.spoken = instance.protocol();
        let is_undecided = self.spoken == Protocol::Undecided;
        let (became, keep) = match outcome {
            Outcome::Answer(Answer::Whole(answer)) => {
                self.account.answered += without_space(&answer.body);
                let keep = !instance.protocol().is_oneshot() && !instance.retired;
                (Became::Answer(answer.body), keep)
            }
            Outcome::Answer(Answer::Stream { begun, whole, .. }) => {
                let (mut body, mut fault) = (begun, None);
                let mut keep = !instance.protocol().is_oneshot() && !instance.retired;
                if !whole {
                    loop {
                        let began = Instant::now();
                        let (mut stopping, mut piece) = (None, [0; 700]);
                        let answer_by = is_limited.then(|| began + Duration::from_millis(2));
                        let mut limits = Limits::of((signals(), &mut stopping, None), began, answer_by);
                        match exchange::stream(&mut instance, &mut piece, &mut limits).unwrap() {
                            Streamed::Piece(length) => {
                                assert!(length > 0 && length <= piece.len());
                                body.extend_from_slice(&piece[..length]);
                            }
                            Streamed::End => break,
                            Streamed::Failed(Outcome::Fault { fault: reason, keep: fit }) => {
                                (fault, keep) = (Some(reason), fit);
                                break;
                            }
                            Streamed::Failed(_) => {
                                (fault, keep) = (Some(Fault::exit("it ended")), false);
                                break;
                            }
                        }
                    }
                }
                self.account.lost = true;
                (Became::Stream(body, fault), keep)
            }
            Outcome::Fault { fault, keep } => {
                let body = fault.body();
                // An error that the handler prints is an answer, too; others tell what is lost.
                if keep && stands_in(&body, &instance.process.printed) {
                    self.account.answered += without_space(&body);
                } else {
                    self.account.lost = true;
                }
                (Became::Fault(fault), keep)
            }
            Outcome::ReadsToEnd { answer: Answer::Whole(answer), learn } => {
                if learn {
                    self.way.protocol = Protocol::LearnedOneshot;
                }
                self.account.lost = true;
                (Became::Answer(answer.body), false)
            }
            Outcome::ReadsToEnd { .. } => panic!("a stream of a handler that was given end-of-file"),
            Outcome::Buffered(fault) => {
                self.way.protocol = Protocol::BufferedLoop;
                self.account.lost = true;
                (Became::Fault(fault), false)
            }
            Outcome::Untouched => (Became::Fault(Fault::exit("it ended twice")), false),
        };
        if is_undecided && matches!(became, Became::Answer(_)) && self.way.protocol == Protocol::Undecided {
            // It has answered as a loop does.
            self.way.protocol = Protocol::Loop;
        }
        let printed = instance.process.printed[self.older_of(&instance)..].to_vec();
        self.keep(instance, keep);
        (became, printed)
    }

    /// Where that begins which may be an answer to the event at hand.
    fn older_of(&self, instance: &Instance) -> usize {
        match instance.protocol() {
            // The line that was begun is the event's, if its id is.
            Protocol::JsonRpc => {
                memchr::memrchr(b'\n', &instance.process.printed[..self.older]).map_or(0, |end| end + 1)
            }
            // A process that has had no event yet keeps what it has begun.
            protocol if protocol != Protocol::Messages && self.had == 1 => 0,
            _ => self.older,
        }
    }

    fn keep(&mut self, mut instance: Instance, keep: bool) {
        self.look(&mut instance);
        if keep {
            self.idle(&mut instance);
            self.instance = Some(instance);
        } else {
            self.check_account(&mut instance);
        }
    }

    /// All that a process printed is in the log or in an answer, where no fault says that it is not.
    fn check_account(&mut self, instance: &mut Instance) {
        instance.process.kill();
        instance.flush_logs();
        self.account.logged += without_space(&std::mem::take(&mut instance.dialogue.text.0));
        let is_text = matches!(instance.protocol(), Protocol::Loop | Protocol::BufferedLoop | Protocol::Undecided);
        let (printed, account) = (&instance.process.printed, std::mem::take(&mut self.account));
        if is_text && !account.lost && printed.len() <= LARGEST_ANSWER {
            let error = instance.dialogue.opening_error().map_or(0, |fault| without_space(&fault.body()));
            assert_eq!(account.logged + account.answered + error, without_space(printed), "bytes are lost");
        }
    }
}

/// What may be kept of a process: an answer and its beginning, a head, a line that is too long for one, and what has just been
/// read.
const KEPT: usize = 2 * LARGEST_ANSWER + 64 * 1024 + PIPE + 2 * 4096;

/// An answer is made of what was printed.
fn check_answer(protocol: Protocol, turn: &Turn, answer: &[u8], printed: &[u8]) {
    let shown = || format!("{:?} of {:?}", String::from_utf8_lossy(answer), String::from_utf8_lossy(printed));
    assert!(answer.len() <= LARGEST_ANSWER, "an answer of {} bytes", answer.len());
    match protocol {
        Protocol::Loop | Protocol::BufferedLoop => assert!(stands_in(answer, printed), "{}", shown()),
        Protocol::Undecided | Protocol::Oneshot | Protocol::LearnedOneshot
            if !stands_in(answer, printed) && is_shallow(answer) =>
        {
            let text = match serde_json::from_slice::<Value>(answer) {
                Ok(Value::String(text)) => text,
                Ok(Value::Null) if printed.is_empty() => String::new(),
                _ => panic!("{}", shown()),
            };
            assert!(stands_in(text.as_bytes(), printed), "{}", shown());
        }
        Protocol::Messages => assert!(is_within(answer, printed) || stands_of_output(answer, printed), "{}", shown()),
        Protocol::Cgi => {
            let answer: Value = serde_json::from_slice(answer).expect("JSON");
            assert!((200..600).contains(&answer["statusCode"].as_u64().unwrap()));
            if answer["isBase64Encoded"] == Value::Bool(false)
                && let Some(body) = answer["body"].as_str()
            {
                assert!(printed.ends_with(body.as_bytes()), "{}", shown());
            }
        }
        Protocol::JsonRpc => check_message(turn, answer, printed),
        _ => {}
    }
}

/// The text of a program behind an adapter, as a JSON string.
fn stands_of_output(answer: &[u8], printed: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(answer) {
        Ok(Value::String(text)) => is_within(text.as_bytes(), printed),
        Ok(Value::Null) => true,
        _ => false,
    }
}

/// The answer to one request: what it says was said by the server, or is an error of our own; with the caller's id.
fn check_message(turn: &Turn, answer: &[u8], printed: &[u8]) {
    if !is_shallow(&turn.event) || !is_shallow(printed) {
        return;
    }
    let (Ok(asked), Ok(told)) = (serde_json::from_slice::<Value>(&turn.event), serde_json::from_slice::<Value>(answer))
    else {
        return;
    };
    if !(asked["method"].is_string() && asked.get("id").is_some() && asked.get("jsonrpc").is_some()) {
        return;
    }
    assert!(told["id"] == asked["id"] || told["id"].is_null(), "{told}");
    let Some(result) = told.get("result") else { return };
    let said = |line: &[u8]| match serde_json::from_slice::<Value>(line) {
        Ok(Value::Array(list)) => list.iter().any(|one| one.get("result") == Some(result)),
        Ok(one) => one.get("result") == Some(result),
        Err(_) => false,
    };
    assert!(asked["method"] == "initialize" || printed.split(|&byte| byte == b'\n').any(said), "{told}");
}

pub fn check(data: &[u8]) {
    let Some((choice, mut cuts, bytes)) = parts(data) else { return };
    let way = Way::of(choice);
    let mut turns = script::turns(bytes, &mut cuts);
    let said: usize = turns.iter().map(|turn| turn.event.len()).sum::<usize>()
        + turns.iter().flat_map(|turn| &turn.acts).map(Act::size).sum::<usize>();
    let work = Work::begin();
    let mut conversation = Conversation {
        way,
        instance: None,
        account: Account::default(),
        spoken: way.protocol,
        older: usize::MAX,
        had: 0,
        looked: 0,
    };
    let mut opening = turns.remove(0).acts;
    if !way.protocol.is_oneshot() || way.protocol == Protocol::LearnedOneshot {
        conversation.instance = Some(conversation.take(&mut opening));
    }
    let count = turns.len();
    let mut answered = 0;
    for (number, turn) in turns.into_iter().enumerate() {
        let event = turn.clone();
        let (became, printed) = conversation.exchange(turn, number);
        let protocol = conversation.spoken;
        answered += 1;
        match became {
            Became::Answer(answer) => check_answer(protocol, &event, &answer, &printed),
            Became::Stream(body, _) if protocol == Protocol::Cgi => {
                let at = body.windows(8).position(|eight| eight == [0; 8]).expect("a prelude");
                assert!(printed.is_empty() || stands_in(&body[at + 8..], &printed));
            }
            Became::Stream(body, _) if protocol != Protocol::JsonRpc => assert!(is_within(&body, &printed)),
            Became::Stream(..) | Became::Fault(_) => {}
        }
    }
    if let Some(mut instance) = conversation.instance.take() {
        conversation.check_account(&mut instance);
    }
    assert_eq!(answered, count);
    work.check(said);
}
