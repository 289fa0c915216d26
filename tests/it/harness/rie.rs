//! AWS's own emulator (the Runtime Interface Emulator, RIE) in the sandbox, and `bootstrap` as its child.
//!
//! It knows one function, called `function`, and gives it one event at a time. Other than the tests' own Runtime API it has
//! Lambda's clock: an invocation lasts until the next event is asked for, and where that is too late, all is killed and begun again.

use super::clients;
use super::files::Folder;
use super::function::Function;
use super::http::client;
use super::process::{Process, Stdout};
use super::procfs;
use super::sandbox::{self, Start};
use super::tools::{free_port, tools};
use super::watch::{LIMIT, Seen, Watch};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// The one function that it knows.
pub const FUNCTION: &str = "function";

/// A function under RIE.
pub struct Emulated {
    process: Process,
    watch: Arc<Watch>,
    port: u16,
    _folders: [Folder; 2],
}

impl Function {
    /// The function's time-out, in seconds.
    pub fn timeout(self, seconds: u32) -> Self {
        self.env("AWS_LAMBDA_FUNCTION_TIMEOUT", seconds.to_string())
    }

    /// Starts RIE, which starts `bootstrap` at the first event.
    #[track_caller]
    pub fn start_emulated(mut self) -> Emulated {
        let emulator = tools().with_file_name("aws-lambda-rie");
        assert!(emulator.is_file(), "this test needs {}: ./build.sh test installs it", emulator.display());
        self.root.more.push((emulator, "aws-lambda-rie".to_owned()));
        let (port, api) = (free_port(), format!("127.0.0.1:{}", free_port()));
        let address = format!("127.0.0.1:{port}");
        let mut words: Vec<OsString> = ["/opt/aws-lambda-rie", "--log-level", "info"].map(OsString::from).to_vec();
        words.extend(["--runtime-interface-emulator-address", &address].map(OsString::from));
        words.extend(["--runtime-api-address", &api, self.bootstrap].map(OsString::from));
        words.append(&mut self.arguments);
        // RIE says the same to `bootstrap`: it marks all that comes of this test.
        let mark = format!("AWS_LAMBDA_RUNTIME_API={api}\0");
        self.environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), api.into());
        let root = self.root;
        let mut command =
            Start { words, environment: self.environment, folder: sandbox::TASK_ROOT.into() }.command(&root);
        let watch = Arc::new(Watch::default());
        let spawn = |command: &mut _| sandbox::spawn(&root, command);
        let process = Process::start_by(spawn, &mut command, mark, Stdio::null(), Stdout::Pipe, &watch);
        let emulated = Emulated { process, watch, port, _folders: [self.folder, self.tmp] };
        let end = Instant::now() + LIMIT;
        // It does not say when it listens. Nothing tells but an attempt.
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < end, "nobody listens at the port {port}\n{}", emulated.story());
            thread::yield_now();
        }
        emulated
    }
}

impl Emulated {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Calls the function: the status, and the answer or the error, which RIE does not tell apart.
    #[track_caller]
    pub fn call(&self, event: impl AsRef<[u8]>) -> (u16, Value) {
        let url = format!("{}{}", self.url(), clients::path(FUNCTION));
        let mut answer = client().post(&url).send(event.as_ref()).unwrap_or_else(|e| panic!("{e}\n{}", self.story()));
        let body = answer.body_mut().with_config().limit(1 << 24).read_to_vec().unwrap();
        let value = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
        (answer.status().as_u16(), value)
    }

    /// The sandbox is the one that it was at the beginning: nothing was too late for RIE, and `bootstrap` never ended.
    #[track_caller]
    pub fn has_survived(&self) {
        self.check();
        assert_eq!(self.watch.look(log).matches("INIT START").count(), 1, "{}", self.story());
    }

    /// The same so far, after which the log is forgotten: a long test would keep too much.
    #[track_caller]
    pub fn settle(&self) {
        self.check();
        self.watch.change(|seen| {
            let starts = log(seen).matches("INIT START").count();
            seen.stdout.clear();
            seen.stderr.clear();
            // One that has been seen is the first.
            assert!(starts <= 1, "it was started again");
        });
    }

    #[track_caller]
    fn check(&self) {
        // What RIE has to say of an event comes when it has been answered.
        self.watch.wait("the report of every event", |seen| {
            let log = log(seen);
            (log.matches("END RequestId").count() == log.matches("START RequestId").count()).then_some(())
        });
        let log = self.watch.look(log);
        for bad in ["timed out", "reset", "Reset", "status: timeout", "status: error", "status: failure"] {
            assert!(!log.contains(bad), "{bad:?} is in the log:\n{}", self.story());
        }
    }

    /// `bootstrap`, the emulator's child.
    #[track_caller]
    pub fn bootstrap(&self) -> i32 {
        let children = procfs::children(self.process.pid());
        children.first().unwrap_or_else(|| panic!("the emulator has no child\n{}", self.story())).0
    }

    #[track_caller]
    pub fn wait_log(&self, contains: &str) {
        self.watch.wait(&format!("{contains:?} in the log"), |seen| log(seen).contains(contains).then_some(()));
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub fn story(&self) -> String {
        self.watch.look(Seen::story)
    }
}

/// All that RIE, `bootstrap` and the handler have written.
fn log(seen: &Seen) -> String {
    [&seen.stdout, &seen.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}
