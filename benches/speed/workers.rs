//! Several events at once: 1 to 16 of them, on all processors, with handlers that answer at once and handlers that wait.

use super::contender::Process;
use super::event::Event;
use super::figures::count;
use super::lineup::Entry;
use super::options::Options;
use super::sections::Section;
use super::server::{Request, Server};
use super::table::Table;
use std::time::{Duration, Instant};

/// So long does a handler wait that waits.
pub const WAIT: Duration = Duration::from_millis(5);
const AT_ONCE: [usize; 5] = [1, 2, 4, 8, 16];
const ROUNDS: u32 = 6;

pub fn section(entries: &[Entry], options: &Options) -> Section {
    let mut table = Table::new(["events/s with events at once", "1", "2", "4", "8", "16"]);
    let window = options.time / 6 / ROUNDS / 5;
    for (name, handler, title) in [
        ("bootstrap", "echo", "`bootstrap`, native program"),
        ("rust", "echo", "AWS's Rust runtime, in-process"),
        ("bootstrap", "wait", "`bootstrap`, native program that waits 5 ms"),
        ("rust", "wait", "AWS's Rust runtime, function that waits 5 ms"),
    ] {
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else { continue };
        let mut crowds = AT_ONCE.map(|events| Crowd::start(&entry.clone().at_once(events, handler), events));
        for crowd in &mut crowds {
            crowd.run(window);
            crowd.answers = 0;
        }
        for _ in 0..ROUNDS {
            for crowd in &mut crowds {
                crowd.run(window);
            }
        }
        let per_second = crowds.map(|crowd| f64::from(crowd.answers) / (window * ROUNDS).as_secs_f64());
        table.row([title.to_owned()].into_iter().chain(per_second.map(count)));
    }
    Section::new("Several events at once, of 100 B, on all processors", table)
}

/// A contender that asks for several events at once.
struct Crowd {
    _process: Process,
    server: Server,
    /// The connections that have asked for an event.
    waiting: Vec<usize>,
    at_once: usize,
    event: Event,
    number: usize,
    answers: u32,
}

impl Crowd {
    fn start(entry: &Entry, at_once: usize) -> Self {
        let server = Server::new();
        let process = Process::start(entry, &server);
        let (waiting, event) = (Vec::new(), Event::new(100));
        let mut crowd = Self { _process: process, server, waiting, at_once, event, number: 0, answers: 0 };
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
                Request::Next => self.waiting.push(self.server.current),
                Request::Answer => {
                    self.answers += 1;
                    self.server.accept();
                }
                Request::Other => panic!("{}", String::from_utf8_lossy(self.server.last().1)),
            }
        }
    }

    fn send(&mut self) {
        self.number += 1;
        self.event.renumber(self.number);
        self.server.send(&self.event);
    }
}
