//! A function that runs: events go in, and whatever `bootstrap` does can be waited for and looked at.

use super::calls::Call;
use super::event::{Answer, Event, Request};
use super::fifo::Fifo;
use super::files::Folder;
use super::process::Process;
use super::procfs;
use super::sandbox;
use super::server::Server;
use super::watch::{Exit, Seen, Watch};
use nix::sys::signal::Signal;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A function that runs. What is in it ends in this order: `bootstrap` and all it started, the server, the folder.
pub struct Running {
    pub(super) process: Process,
    pub(super) server: Server,
    pub(super) watch: Arc<Watch>,
    pub(super) pipes: HashMap<String, Fifo>,
    pub(super) folder: Folder,
    pub(super) tmp: Folder,
}

impl Running {
    /// Gives an event to the server; its id is what its answer is known by.
    pub fn send(&self, event: impl Into<Event>) -> String {
        let event = event.into();
        let id = event.id.clone();
        self.server.send(event);
        id
    }

    /// Waits for the answer to this event.
    #[track_caller]
    pub fn answer(&self, id: &str) -> Answer {
        self.watch.wait(&format!("the answer to {id}"), |seen| {
            seen.requests.iter().rev().find(|request| request.counts && request.id == id).cloned().map(Answer)
        })
    }

    /// Waits for the answer to the event with this request id and this invocation id: several may have the one.
    #[track_caller]
    pub fn answer_of(&self, id: &str, nonce: Option<&str>) -> Answer {
        let is_it = |request: &&Request| {
            request.counts && request.id == id && request.header("Lambda-Runtime-Invocation-Id") == nonce
        };
        self.watch.wait(&format!("the answer to {id}, {nonce:?}"), |seen| {
            seen.requests.iter().rev().find(is_it).cloned().map(Answer)
        })
    }

    /// Sends an event and waits for its answer.
    #[track_caller]
    pub fn call(&self, event: impl Into<Event>) -> Answer {
        self.answer(&self.send(event))
    }

    /// Waits until there were this many requests of this kind, and gives them all.
    #[track_caller]
    pub fn requests(&self, call: Call, count: usize) -> Vec<Request> {
        self.watch.wait(&format!("{count} requests of the kind {call:?}"), |seen| {
            let found: Vec<_> = seen.requests.iter().filter(|request| request.call == call).cloned().collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// The requests of this kind so far.
    pub fn requests_so_far(&self, call: Call) -> Vec<Request> {
        self.watch.look(|seen| seen.requests.iter().filter(|request| request.call == call).cloned().collect())
    }

    /// Waits until `bootstrap` asks for an event and none is there: whatever went before has been dealt with.
    #[track_caller]
    pub fn wait_idle(&self) {
        self.watch.wait("bootstrap to be idle", |seen| {
            let next = seen.requests.iter().rfind(|request| request.call == Call::Next)?;
            (next.status == 0 && next.id.is_empty()).then_some(())
        });
    }

    /// The same for all of several workers.
    #[track_caller]
    pub fn wait_all_idle(&self, workers: usize) {
        self.watch.wait("all workers to be idle", |seen| {
            let asks = seen.requests.iter().filter(|request| request.call == Call::Next);
            let waiting = asks.filter(|request| request.status == 0 && request.id.is_empty()).count();
            (waiting == workers).then_some(())
        });
    }

    /// Takes all requests out of the account that are over, and what was logged: a long test would keep too much.
    pub fn settle(&self) -> Vec<Request> {
        self.watch.change(|seen| {
            seen.stderr.clear();
            seen.chunks.clear();
            let waits = |request: &Request| request.call == Call::Next && request.status == 0 && request.id.is_empty();
            let (waiting, over) = std::mem::take(&mut seen.requests).into_iter().partition(waits);
            seen.requests = waiting;
            over
        })
    }

    /// Waits until this stands in the log.
    #[track_caller]
    pub fn wait_log(&self, contains: &str) {
        self.watch.wait(&format!("the log line {contains:?}"), |seen| {
            memchr::memmem::find(&seen.stderr, contains.as_bytes()).map(|_| ())
        });
    }

    /// Waits until this has come as a chunk of its own.
    #[track_caller]
    pub fn wait_chunk(&self, chunk: &[u8]) {
        let what = format!("the chunk {:?}", String::from_utf8_lossy(chunk));
        self.watch.wait(&what, |seen| seen.chunks.iter().any(|seen| seen == chunk).then_some(()));
    }

    /// What was logged so far.
    pub fn stderr(&self) -> String {
        self.watch.look(|seen| String::from_utf8_lossy(&seen.stderr).into_owned())
    }

    /// Waits for a failed initialisation, in every respect.
    #[track_caller]
    pub fn init_error(&self, kind: &str, contains: &str) {
        assert_eq!(self.exit(), Exit::Status(1), "{}", self.story());
        let reports = self.requests_so_far(Call::Init);
        assert_eq!(reports.len(), 1, "{}", self.story());
        let report = Answer(Request { call: Call::Error, ..reports[0].clone() });
        let message = report.error(kind);
        assert!(message.contains(contains), "{contains:?} is not in the message {message:?}");
        report.stack();
        assert!(self.stderr().contains(kind), "the init error is not in the log:\n{}", self.story());
        assert!(self.requests_so_far(Call::Next).is_empty(), "an event was asked for:\n{}", self.story());
    }

    /// Waits for the end of `bootstrap`.
    #[track_caller]
    pub fn exit(&self) -> Exit {
        self.watch.wait("the end of bootstrap", |seen| seen.exit.filter(|_| seen.open == 0))
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// The processes that `bootstrap` has started itself, with their states.
    pub fn children(&self) -> Vec<(i32, char)> {
        procfs::children(self.pid())
    }

    /// All that lives because of this function, but `bootstrap`.
    pub fn others(&self) -> Vec<i32> {
        self.process.others()
    }

    #[track_caller]
    pub fn pipe(&self, name: &str) -> &Fifo {
        self.pipes.get(name).unwrap_or_else(|| panic!("the test has no pipe {name}"))
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What is `/tmp` in the sandbox.
    pub fn tmp(&self) -> &Folder {
        &self.tmp
    }

    /// Where a file of the sandbox's really is.
    #[track_caller]
    pub fn outside(&self, path: &str) -> PathBuf {
        for (folder, place) in [(&self.folder, sandbox::TASK_ROOT), (&self.tmp, sandbox::TMP)] {
            if let Ok(name) = Path::new(path).strip_prefix(place) {
                return folder.path().join(name);
            }
        }
        panic!("{path} is not the test's");
    }

    /// All that was seen, for a message.
    pub fn story(&self) -> String {
        self.watch.look(Seen::story)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (violations, stdout) = self.watch.look(|seen| (seen.violations.clone(), seen.stdout.clone()));
        assert!(violations.is_empty(), "never allowed: {violations:#?}\n{}", self.story());
        assert!(stdout.is_empty(), "bootstrap's own stdout is not for a function's use:\n{}", self.story());
    }
}
