//! One contender, running, with a Runtime API of its own; and what has been measured of it.

use super::entry::Entry;
use super::event::Event;
use super::procfs;
use super::server::{Request, Server};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::time::{Duration, Instant};

pub struct Contender {
    pub entry: Entry,
    process: Process,
    server: Server,
    number: usize,
    /// The length of its answers.
    answer: usize,
    pub start_up: Duration,
    /// KiB of the runtime's own process that were resident then.
    pub fresh: u64,
}

/// How long one event took: to the answer, and to the next `/next`.
pub struct Times {
    pub answer: Duration,
    pub cycle: Duration,
}

impl Contender {
    /// Starts it, and waits until it asks for its first event.
    pub fn start(entry: &Entry) -> Self {
        let mut server = Server::new();
        let began = Instant::now();
        let process = Process::start(entry, &server);
        let request = server.receive();
        let start_up = began.elapsed();
        let fresh = procfs::memory(process.id(), "VmRSS");
        let contender = Self { entry: entry.clone(), process, server, number: 0, answer: 0, start_up, fresh };
        contender.expect(&request, &Request::Next);
        contender
    }

    /// Lets it warm up for so long, and looks at what it answers. Gives the time of one event.
    pub fn warm_up(&mut self, event: &mut Event, time: Duration) -> Duration {
        event.renumber(self.number);
        let began = Instant::now();
        let mut cycles = Vec::new();
        while cycles.len() < 5 || began.elapsed() < time && cycles.len() < 3000 {
            cycles.push(self.event(event).cycle);
        }
        self.server.settle();
        cycles.sort_unstable();
        cycles[cycles.len() / 2]
    }

    /// One event. Nothing is allocated here.
    pub fn event(&mut self, event: &mut Event) -> Times {
        self.number += 1;
        event.renumber(self.number);
        let sent = Instant::now();
        self.server.send(event);
        let request = self.server.receive();
        let answer = sent.elapsed();
        self.check(&request, event);
        self.server.accept();
        let request = self.server.receive();
        let cycle = sent.elapsed();
        self.expect(&request, &Request::Next);
        Times { answer, cycle }
    }

    /// The answer is to this event, and of the length that the first had; the first is looked at.
    fn check(&mut self, request: &Request, event: &Event) {
        self.expect(request, &Request::Answer);
        let (line, body) = self.server.last();
        assert!(memchr::memmem::find(line, event.id()).is_some(), "{} answers another event", self.entry.name);
        if self.number == 1 {
            assert!(
                event.is_answered_by(body),
                "{} gives another answer: {}",
                self.entry.name,
                String::from_utf8_lossy(body)
            );
            self.answer = body.len();
        }
        assert_eq!(body.len(), self.answer, "{} answers another thing", self.entry.name);
    }

    fn expect(&self, request: &Request, wanted: &Request) {
        let (line, body) = self.server.last();
        let [line, body] = [line, body].map(String::from_utf8_lossy);
        assert!(request == wanted, "{}: {wanted:?} was expected, and this came: {line}\n{body}", self.entry.name);
    }

    /// The processor time that it and its children have taken.
    pub fn cpu(&self) -> Duration {
        procfs::cpu(&self.process.tree())
    }

    /// KiB of the runtime's own process.
    pub fn memory(&self, field: &str) -> u64 {
        procfs::memory(self.process.id(), field)
    }

    /// KiB that it and its handler have resident.
    pub fn memory_of_all(&self) -> u64 {
        self.process.tree().into_iter().map(|pid| procfs::memory(pid, "VmRSS")).sum()
    }
}

/// A runtime's process, in a group of its own, which ends with this.
pub struct Process(Child);

impl Process {
    pub fn start(entry: &Entry, server: &Server) -> Self {
        let mut command = entry.command(&server.address());
        Self(command.process_group(0).spawn().unwrap_or_else(|error| panic!("{}: {error}", entry.name)))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// It and all that descends from it.
    pub fn tree(&self) -> Vec<u32> {
        procfs::tree(self.id())
    }

    /// Tells it to end, and waits until it has.
    pub fn terminate(&mut self) {
        kill(Pid::from_raw(self.id().cast_signed()), Signal::SIGTERM).expect("the runtime is there");
        self.0.wait().expect("the runtime ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A handler in another group ends with it, or at the end of its stdin.
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = killpg(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}
