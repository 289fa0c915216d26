//! The builder for functions.
//!
//! ```ignore
//! Function::bash("while read -r e; do echo \"$e\"; done").event("{}").expect_response("{}").run();
//! ```
//!
//! Between the two, `start()` gives a `Running` function for tests that do things in the middle.

use super::calls::{Call, Reply};
use super::event::Event;
use super::fifo::Fifo;
use super::files::{self, Folder, need};
use super::process::{Process, Stdout};
use super::running::Running;
use super::sandbox::{self, Root, Start};
use super::server::Server;
use super::watch::Watch;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;

enum Step {
    Send(Event),
    Response(Vec<u8>),
    Value(String),
    Error { kind: String, contains: String },
    Log(String),
    InitError { kind: String, contains: String },
}

/// A function to be: its files, its environment, its events, and what is expected of it.
pub struct Function {
    pub(super) folder: Folder,
    pub(super) tmp: Folder,
    pub(super) root: Root,
    pub(super) bootstrap: &'static str,
    pub(super) environment: HashMap<String, OsString>,
    pub(super) arguments: Vec<OsString>,
    prefix: String,
    scheme: String,
    in_task_root: bool,
    replies: Vec<(Call, Reply)>,
    workers: usize,
    pipes: HashMap<String, Fifo>,
    steps: Vec<Step>,
}

impl Function {
    /// A function whose handler is an executable file with this content, named `handler`.
    pub fn new(script: &str) -> Self {
        Self::empty().program("handler", script).handler("handler")
    }

    /// A function without a file, and without `_HANDLER`.
    pub fn empty() -> Self {
        let (folder, tmp) = (Folder::new(), Folder::new());
        sandbox::make_writable(tmp.path());
        let root = Root {
            task: folder.path().to_owned(),
            tmp: tmp.path().to_owned(),
            binary: files::bootstrap().to_owned(),
            ..Root::default()
        };
        let variables = sandbox::VARIABLES.map(|(name, value)| (name.to_owned(), value.into()));
        let path = ("PATH".to_owned(), sandbox::path().into());
        Self {
            folder,
            tmp,
            root,
            bootstrap: sandbox::BOOTSTRAP,
            environment: variables.into_iter().chain([path]).collect(),
            arguments: Vec::new(),
            prefix: String::new(),
            scheme: String::new(),
            in_task_root: false,
            replies: Vec::new(),
            workers: 1,
            pipes: HashMap::new(),
            steps: Vec::new(),
        }
    }

    /// A handler in the language of this interpreter.
    #[track_caller]
    pub fn of(interpreter: &str, script: &str) -> Self {
        let mut words = interpreter.splitn(2, ' ');
        let program = need(words.next().unwrap());
        let argument = words.next().map(|word| format!(" {word}")).unwrap_or_default();
        Self::new(&format!("#!{}{argument}\n{script}", program.display()))
    }

    #[track_caller]
    pub fn bash(script: &str) -> Self {
        Self::of("bash", script)
    }

    #[track_caller]
    pub fn python(script: &str) -> Self {
        Self::of("python3", script)
    }

    /// `$_HANDLER`.
    pub fn handler(self, name: &str) -> Self {
        self.env("_HANDLER", name)
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// `HANDLER_WORKERS`: so many events at once.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self.env("HANDLER_WORKERS", workers.to_string())
    }

    /// `HANDLER_MODE`.
    pub fn mode(self, mode: &str) -> Self {
        self.env("HANDLER_MODE", mode)
    }

    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A file that is not executable.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.folder.write(name, content.as_ref(), 0o644);
        self
    }

    /// An executable file.
    pub fn program(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.folder.write(name, content.as_ref(), 0o755);
        self
    }

    /// A named pipe for lines between handler and test: see `Fifo::line`.
    pub fn pipe(mut self, name: &str) -> Self {
        self.pipes.insert(name.to_owned(), Fifo::line(self.folder.path(), name));
        self
    }

    /// A named pipe that tells when its holders have died: see `Fifo::lifeline`.
    pub fn lifeline(mut self, name: &str) -> Self {
        self.pipes.insert(name.to_owned(), Fifo::lifeline(self.folder.path(), name));
        self
    }

    /// A path behind the API's address, as cargo-lambda has it.
    pub fn api_path(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Something in front of the API's address.
    pub fn api_scheme(mut self, scheme: &str) -> Self {
        scheme.clone_into(&mut self.scheme);
        self
    }

    /// Another file, copied with its mode.
    pub fn copy(self, from: &Path, name: &str) -> Self {
        self.folder.copy(from, name);
        self
    }

    /// Starts `bootstrap` in the function's folder instead of `/`.
    pub fn in_task_root(mut self) -> Self {
        self.in_task_root = true;
        self
    }

    /// The function brings its own `bootstrap`, which is here in the sandbox.
    pub fn by(mut self, bootstrap: &'static str) -> Self {
        self.bootstrap = bootstrap;
        self
    }

    /// How the server treats the next request of this kind.
    pub fn reply(mut self, call: Call, reply: Reply) -> Self {
        self.replies.push((call, reply));
        self
    }

    /// What will be the task root.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What will be `/tmp`.
    pub fn tmp(&self) -> &Path {
        self.tmp.path()
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The next event. It is sent when all that was expected before has come.
    pub fn event(self, event: impl Into<Event>) -> Self {
        self.step(Step::Send(event.into()))
    }

    /// The last event's answer is this response, byte by byte.
    pub fn expect_response(self, body: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Response(body.into()))
    }

    /// The last event's answer is this response, but for white space around it: see `Answer::value`.
    pub fn expect_value(self, value: &str) -> Self {
        self.step(Step::Value(value.into()))
    }

    /// The last event's answer is an error of this type, with a message that contains this.
    pub fn expect_error(self, kind: &str, contains: &str) -> Self {
        self.step(Step::Error { kind: kind.into(), contains: contains.into() })
    }

    pub fn expect_log(self, contains: &str) -> Self {
        self.step(Step::Log(contains.into()))
    }

    /// The initialisation fails, is reported once and logged, no event is ever asked for, and `bootstrap` ends with 1.
    pub fn expect_init_error(self, kind: &str, contains: &str) -> Self {
        self.step(Step::InitError { kind: kind.into(), contains: contains.into() })
    }

    /// Starts the function and goes through all that is expected.
    #[track_caller]
    pub fn run(mut self) -> Running {
        let steps = std::mem::take(&mut self.steps);
        let running = self.start();
        let mut last = String::new();
        for step in steps {
            match step {
                Step::Send(event) => last = running.send(event),
                Step::Response(body) => {
                    let answer = running.answer(&last);
                    let (seen, wanted) = (answer.response(), body.as_slice());
                    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
                    assert!(seen == wanted, "response: {:?}\nexpected: {:?}", text(seen), text(wanted));
                }
                Step::Value(value) => assert_eq!(running.answer(&last).value(), value),
                Step::Error { kind, contains } => {
                    let message = running.answer(&last).error(&kind);
                    assert!(message.contains(&contains), "{contains:?} is not in the message {message:?}");
                }
                Step::Log(contains) => running.wait_log(&contains),
                Step::InitError { kind, contains } => running.init_error(&kind, &contains),
            }
        }
        running
    }

    /// Starts the function.
    #[track_caller]
    pub fn start(self) -> Running {
        self.start_through(&[])
    }

    /// Starts the function by these words in front of `bootstrap`, which are in the sandbox, too.
    #[track_caller]
    pub fn start_through(self, words: &[&str]) -> Running {
        let words = words.iter().copied().chain([self.bootstrap]).map(OsString::from);
        let words = words.chain(self.arguments.iter().cloned()).collect();
        let folder = if self.in_task_root { sandbox::TASK_ROOT } else { "/" }.into();
        let root = self.root.clone();
        self.go(|environment| {
            let command = Start { words, environment, folder }.command(&root);
            (command, move |command: &mut Command| sandbox::spawn(&root, command))
        })
    }

    /// Starts the function by a command that is not in the sandbox, but makes one of its own.
    #[track_caller]
    pub fn start_as(self, mut command: Command) -> Running {
        command.args(&self.arguments).current_dir("/").env_clear();
        self.go(|environment| {
            command.envs(environment);
            (command, files::spawn)
        })
    }

    #[track_caller]
    fn go<S: FnOnce(&mut Command) -> Child>(
        self,
        prepare: impl FnOnce(HashMap<String, OsString>) -> (Command, S),
    ) -> Running {
        assert!(self.steps.is_empty(), "events and expectations are for run()");
        let watch = Arc::new(Watch::default());
        let server = Server::start(&self.prefix, Arc::clone(&watch));
        server.expect_workers(self.workers);
        for (call, reply) in self.replies {
            server.reply(call, reply);
        }
        let api = format!("{}{}{}", self.scheme, server.address(), self.prefix);
        let mut environment = self.environment;
        // All that comes of this test has the address of its Runtime API.
        let address = environment.entry(API.to_owned()).or_insert_with(|| api.into());
        let mark = format!("{API}={}\0", address.to_str().unwrap());
        let (mut command, spawn) = prepare(environment);
        // A root of its own may be without.
        let stdin = File::open("/dev/null").unwrap();
        let process = Process::start_by(spawn, &mut command, mark, stdin.into(), Stdout::Pipe, &watch);
        Running { process, server, watch, pipes: self.pipes, folder: self.folder, tmp: self.tmp }
    }
}

const API: &str = "AWS_LAMBDA_RUNTIME_API";
