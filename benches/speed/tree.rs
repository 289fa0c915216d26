//! What it costs that a handler has many processes: its start-up until it is ready, and its end, when its time is up and when
//! `bootstrap` is told to end. A process has ended when it holds the named pipe open no more.

use super::contender::Process;
use super::entry::{Entry, own, own_folder};
use super::event::Event;
use super::family::{NUMBER, PIPE, QUESTION};
use super::lineup::here;
use super::procfs;
use super::rounds::percentile;
use super::server::{Request, Server};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

const TIMES: usize = 5;
/// `HANDLER_DEADLINE_MARGIN_MS`, unless it is set.
const MARGIN: Duration = Duration::from_millis(100);
/// The time of an event, of which the margin is a part.
const DUE: Duration = Duration::from_millis(140);

/// Medians, for one number of processes.
pub struct Result {
    pub processes: usize,
    /// From the handler's start until it answers, without any runtime.
    pub alone: Duration,
    pub start_up: Duration,
    /// From the moment when its time is up until all of it has ended.
    pub kill: Duration,
    /// From SIGTERM until all of it has ended, and `bootstrap` too.
    pub shutdown: Duration,
    /// KiB of `bootstrap`'s own process.
    pub memory: u64,
}

pub fn measure(processes: usize) -> Result {
    let family =
        here("family", "", own("parent")).quiet().with("HANDLER_MODE", "loop").with(NUMBER, processes.to_string());
    let (mut alone, mut start_ups, mut kills, mut shutdowns, mut memory) = (vec![], vec![], vec![], vec![], 0);
    for _ in 0..TIMES {
        alone.push(by_itself(processes));
        for (ends, end) in [(&mut kills, time_out as fn(Life) -> Duration), (&mut shutdowns, shutdown)] {
            let life = Life::start(&family);
            start_ups.push(life.start_up);
            memory = procfs::memory(life.process.id(), "VmRSS");
            ends.push(end(life));
        }
    }
    let [alone, start_up, kill, shutdown] =
        [&mut alone, &mut start_ups, &mut kills, &mut shutdowns].map(|times| percentile(times, 50));
    Result { processes, alone, start_up, kill, shutdown, memory }
}

/// How long the handler takes that no runtime has started.
fn by_itself(processes: usize) -> Duration {
    let began = Instant::now();
    let mut command = Command::new(own("parent"));
    command.env(NUMBER, processes.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut handler = command.spawn().expect("the handler starts");
    handler.stdin.as_ref().expect("its stdin").write_all(QUESTION).expect("it is asked");
    handler.stdout.as_mut().expect("its stdout").read_exact(&mut [0; 4]).expect("it answers");
    let time = began.elapsed();
    // The end of its stdin is its end.
    handler.wait().expect("the handler ends");
    time
}

/// One that runs, ready for an event.
struct Life {
    process: Process,
    server: Server,
    pipe: NamedPipe,
    start_up: Duration,
}

impl Life {
    fn start(family: &Entry) -> Self {
        let pipe = NamedPipe::new();
        let mut server = Server::new();
        let began = Instant::now();
        let process = Process::start(&family.clone().with(PIPE, &pipe.path), &server);
        let request = server.receive();
        let start_up = began.elapsed();
        assert!(request == Request::Next, "{}", String::from_utf8_lossy(server.last().1));
        Self { process, server, pipe, start_up }
    }
}

/// An event that it does not answer in time. What is started in its place holds nothing open: the pipe's name is gone.
fn time_out(mut life: Life) -> Duration {
    life.pipe.unlink();
    let event = Event::due("{}", None, DUE);
    let up = SystemTime::UNIX_EPOCH + Duration::from_millis(event.deadline) - MARGIN;
    life.server.send(&event);
    life.pipe.wait();
    SystemTime::now().duration_since(up).unwrap_or_default()
}

fn shutdown(mut life: Life) -> Duration {
    let began = Instant::now();
    life.process.terminate();
    life.pipe.wait();
    began.elapsed()
}

/// The reading end of a pipe with a name.
struct NamedPipe {
    path: PathBuf,
    end: File,
}

impl NamedPipe {
    fn new() -> Self {
        let path = own_folder().join(format!("family.{}", std::process::id()));
        let _ = fs::remove_file(&path);
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a named pipe");
        let end = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(&path).expect("a named pipe");
        Self { path, end }
    }

    fn unlink(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Until nobody has it open any more.
    fn wait(&self) {
        let mut ends = [PollFd::new(self.end.as_fd(), PollFlags::POLLIN)];
        let number = poll(&mut ends, PollTimeout::from(30_000_u16)).expect("poll");
        assert!(number == 1, "some of the handler's processes have not ended within 30 s");
    }
}

impl Drop for NamedPipe {
    fn drop(&mut self) {
        self.unlink();
    }
}
