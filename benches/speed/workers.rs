//! Several events at once: 1, 8 and 64 of them, on all processors, with a process per worker, a process per event, and one
//! process for all.

use super::contender::Process;
use super::entry::{Entry, own};
use super::event::Event;
use super::figures::{count, memory};
use super::options::Options;
use super::procfs;
use super::sections::Section;
use super::server::{Request, Server};
use super::table::Table;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So long does a handler wait that waits.
pub const WAIT: Duration = Duration::from_millis(5);
const AT_ONCE: [usize; 3] = [1, 8, 64];
const ROUNDS: u32 = 6;

pub fn section(entries: &[Entry], options: &Options) -> Section {
    let mut table = Table::new(["events/s with events at once", "1", "8", "64", "memory per worker"]);
    let window = options.time / 6 / ROUNDS / 5;
    for (entry, title) in lineup(entries) {
        let mut crowds = AT_ONCE.map(|events| Crowd::start(&entry.clone().at_once(events), events));
        for crowd in &mut crowds {
            crowd.run(window);
            crowd.answers = 0;
        }
        for _ in 0..ROUNDS {
            for crowd in &mut crowds {
                crowd.run(window);
            }
        }
        let [one, .., most] = crowds.each_ref().map(Crowd::memory);
        let per_worker = most.saturating_sub(one) / (AT_ONCE[2] - AT_ONCE[0]) as u64;
        let per_second = crowds.map(|crowd| count(f64::from(crowd.answers) / (window * ROUNDS).as_secs_f64()));
        table.row([title.to_owned()].into_iter().chain(per_second).chain([memory(per_worker)]));
    }
    Section::new("Several events at once, of 100 B, on all processors", table)
}

/// The handlers of `bootstrap`, and AWS's runtime.
fn lineup(entries: &[Entry]) -> Vec<(Entry, &'static str)> {
    let find = |name: &str| entries.iter().find(|entry| entry.name == name).cloned();
    let wait = WAIT.as_millis().to_string();
    let all = [
        (find("bootstrap"), "`bootstrap`, a process per worker"),
        (find("bootstrap").map(shared), "`bootstrap`, one process for all, which speaks messages"),
        (find("oneshot"), "`bootstrap`, a process per event"),
        (find("rust"), "AWS's Rust runtime, in-process"),
        (
            find("bootstrap").map(|entry| entry.with("_HANDLER", own("wait"))),
            "`bootstrap`, a process per worker that waits 5 ms",
        ),
        (find("rust").map(|entry| entry.with("WAIT_MS", wait)), "AWS's Rust runtime, function that waits 5 ms"),
    ];
    all.into_iter().filter_map(|(entry, title)| Some((entry?, title))).collect()
}

/// With one handler process for all events.
pub fn shared(entry: Entry) -> Entry {
    entry.with("_HANDLER", own("messages"))
}

/// A contender that asks for several events at once.
pub struct Crowd {
    process: Process,
    server: Server,
    /// The connections that have asked for an event.
    waiting: VecDeque<usize>,
    at_once: usize,
    event: Event,
    number: usize,
    answers: u32,
}

impl Crowd {
    pub fn start(entry: &Entry, at_once: usize) -> Self {
        let server = Server::new();
        let process = Process::start(entry, &server);
        let (waiting, event) = (VecDeque::new(), Event::new(100));
        let mut crowd = Self { process, server, waiting, at_once, event, number: 0, answers: 0 };
        crowd.run(Duration::ZERO);
        crowd
    }

    /// Sends events to all that ask, for so long; then waits until all of them are idle.
    fn run(&mut self, window: Duration) {
        let began = Instant::now();
        if !window.is_zero() {
            for waiting in std::mem::take(&mut self.waiting) {
                self.server.current = waiting;
                self.send();
            }
        }
        while self.waiting.len() < self.at_once {
            match self.server.receive() {
                Request::Next if began.elapsed() < window => self.send(),
                Request::Next => self.waiting.push_back(self.server.current),
                Request::Answer => {
                    self.answers += 1;
                    self.server.accept();
                }
                Request::Other => self.fail(),
            }
        }
    }

    /// One event at a time, to one worker after the other, for so long. Gives how long each took.
    pub fn one_by_one(&mut self, window: Duration) -> Vec<Duration> {
        let (began, mut times) = (Instant::now(), Vec::new());
        while began.elapsed() < window || times.len() < 2 * self.at_once {
            self.server.current = self.waiting.pop_front().expect("a worker that waits");
            let sent = Instant::now();
            self.send();
            loop {
                match self.server.receive() {
                    Request::Answer => {
                        times.push(sent.elapsed());
                        self.server.accept();
                    }
                    Request::Next => break self.waiting.push_back(self.server.current),
                    Request::Other => self.fail(),
                }
            }
        }
        times
    }

    /// KiB that it and its handlers have, shared pages once.
    pub fn memory(&self) -> u64 {
        procfs::shared_memory(&self.process.tree())
    }

    fn send(&mut self) {
        self.number += 1;
        self.event.renumber(self.number);
        self.server.send(&self.event);
    }

    fn fail(&self) -> ! {
        panic!("{}", String::from_utf8_lossy(self.server.last().1));
    }
}
