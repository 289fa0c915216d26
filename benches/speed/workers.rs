//! Several events at once: 1 to 16 of them, on all processors, with handlers that answer at once and handlers that wait.

use super::event::Event;
use super::figures::count;
use super::lineup::Entry;
use super::options::Options;
use super::sections::Section;
use super::server::{ACCEPTED, Connection, Request};
use super::table::Table;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Child;
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

/// A contender that asks for several events at once, and its Runtime API: one thread, which waits for all connections.
struct Crowd {
    process: Child,
    listener: TcpListener,
    connections: Vec<Connection>,
    epoll: Epoll,
    /// Those that have asked for an event.
    waiting: Vec<usize>,
    at_once: usize,
    event: Event,
    number: usize,
    answers: u32,
}

const LISTENER: u64 = u64::MAX;

impl Crowd {
    fn start(entry: &Entry, at_once: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).expect("epoll");
        let address = listener.local_addr().expect("its address").to_string();
        let mut command = entry.command(&address);
        let process = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        let (connections, waiting, event) = (Vec::new(), Vec::new(), Event::new(100));
        let mut crowd = Self { process, listener, connections, epoll, waiting, at_once, event, number: 0, answers: 0 };
        crowd.run(Duration::ZERO);
        crowd
    }

    /// Sends events to all that ask, for so long; then waits until all of them are idle.
    fn run(&mut self, window: Duration) {
        let began = Instant::now();
        if !window.is_zero() {
            for waiting in std::mem::take(&mut self.waiting) {
                self.send(waiting);
            }
        }
        let mut ready = [EpollEvent::empty(); 32];
        loop {
            let over = began.elapsed() >= window;
            if over && self.waiting.len() == self.at_once {
                return;
            }
            let limit = EpollTimeout::try_from(Duration::from_secs(30)).expect("a time-out");
            let number = self.epoll.wait(&mut ready, limit).expect("epoll");
            assert!(number > 0, "of {} workers only {} ask for events", self.at_once, self.waiting.len());
            for event in &ready[..number] {
                match usize::try_from(event.data()) {
                    Ok(connection) if event.data() != LISTENER => self.serve(connection, over),
                    _ => self.welcome(),
                }
            }
        }
    }

    fn welcome(&mut self) {
        let (stream, _) = self.listener.accept().expect("a connection");
        let number = self.connections.len() as u64;
        self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, number)).expect("epoll");
        self.connections.push(Connection::new(stream));
    }

    fn serve(&mut self, at: usize, over: bool) {
        loop {
            match self.connections[at].receive() {
                Ok(Some(Request::Next)) if over => self.waiting.push(at),
                Ok(Some(Request::Next)) => self.send(at),
                Ok(Some(Request::Answer)) => {
                    self.answers += 1;
                    self.connections[at].stream.write_all(ACCEPTED).expect("the answer is accepted");
                }
                Ok(Some(Request::Other)) => panic!("{}", String::from_utf8_lossy(self.connections[at].last().1)),
                // It has been closed: it does not come up again.
                _ => self.epoll.delete(&self.connections[at].stream).expect("epoll"),
            }
            if !self.connections[at].is_ahead() {
                return;
            }
        }
    }

    fn send(&mut self, at: usize) {
        self.number += 1;
        self.event.renumber(self.number);
        self.connections[at].stream.write_all(self.event.bytes()).expect("the event is sent");
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGKILL);
        let _ = self.process.wait();
    }
}
