//! Who takes part, and how each is started.

use super::event::Event;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether it is ours, to be compared with others.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Floor,
    Here,
    Other,
}

/// The largest event that Lambda sends.
const LAMBDAS: usize = 6_000_000;
/// Linux takes arguments up to 128 kB, and bash's `read` asks for one byte at a time.
const SMALL: usize = 100_000;

/// A runtime with its handler.
#[derive(Clone)]
pub struct Entry {
    /// As the command line names it.
    pub name: &'static str,
    /// As the tables name it.
    pub title: &'static str,
    pub side: Side,
    /// The largest event that it takes, or takes in reasonable time.
    pub largest: usize,
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    /// An event of its own, and what stands in the answer to that.
    asked: Option<(String, &'static str)>,
}

impl Entry {
    /// The event that it is given: one of this size, if it has none of its own.
    pub fn event(&self, size: usize) -> Event {
        match &self.asked {
            Some((body, answer)) => Event::of(body, Some(answer)),
            None => Event::new(size),
        }
    }

    fn asked(mut self, body: String, answer: &'static str) -> Self {
        self.asked = Some((body, answer));
        self
    }

    pub fn command(&self, address: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(handlers()).stdin(Stdio::null()).stdout(Stdio::null());
        // What a runtime prints of its own accord is not of interest; errors are.
        command.env("AWS_LAMBDA_RUNTIME_API", address).env("LAMBDA_TASK_ROOT", handlers());
        command.env("PATH", search_path()).envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/echo"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_REGION", "us-east-2"),
        ]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn with(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    fn named(mut self, name: &'static str, title: &'static str) -> Self {
        (self.name, self.title) = (name, title);
        self
    }

    fn up_to(mut self, largest: usize) -> Self {
        self.largest = largest;
        self
    }

    /// With several events at once, and a handler that waits before it answers.
    pub fn at_once(self, events: usize, handler: &str) -> Self {
        match self.side {
            Side::Other => self
                .with("AWS_LAMBDA_MAX_CONCURRENCY", events.to_string())
                .with("WAIT_MS", if handler == "wait" { "5" } else { "" }),
            _ => self.with("HANDLER_WORKERS", events.to_string()).with("_HANDLER", own(handler)),
        }
    }
}

/// All of them, and what is missing for those that are not there.
pub fn all() -> Vec<Result<Entry, String>> {
    let here = |name, title, handler: &str| here(name, title, handler.into());
    let filter = || here("", "", own("filter").to_str().unwrap_or_default()).with("HANDLER_MODE", "oneshot");
    let rust = || entry("", "", Side::Other, &peers().join("in-process"));
    let python = || entry("", "", Side::Other, &peers().join("python/bin/python3"));
    vec![
        entry("floor", "the floor", Side::Floor, &own("floor")).map(|floor| floor.with("_HANDLER", own("echo"))),
        Ok(here("bootstrap", "`bootstrap`, native program", own("echo").to_str().unwrap_or_default())),
        rust().map(|rust| rust.named("rust", "AWS's Rust runtime, in-process")),
        rust().map(|rust| rust.named("rust-raw", "the same, the event unparsed").with("RAW", "1")),
        on_path("python3").map(|_| here("python", "Python function, `bootstrap`", "py.handler")),
        python().map(|python| {
            let mut python = python.named("awslambdaric", "Python function, awslambdaric");
            python.arguments = ["-m", "awslambdaric", "py.handler"].map(Into::into).to_vec();
            python
        }),
        on_path("node").map(|_| here("node", "Node.js function, `bootstrap`", "common.handler")),
        on_path("node").map(|_| here("node-mjs", "the same as a module", "module.handler")),
        on_path("node").and_then(|node| {
            let client = peers().join("node/node_modules/aws-lambda-ric/bin/index.mjs");
            there(&client)?;
            let mut node = entry("aws-lambda-ric", "Node.js function, aws-lambda-ric", Side::Other, &node)?;
            node.arguments = vec![client.into(), "common.handler".into()];
            Ok(node)
        }),
        on_path("node").and_then(|node| {
            let mut node = entry("node-least", "the least in Node.js, in-process", Side::Floor, &node)?;
            node.arguments = vec![beside("peers/least.cjs").into()];
            Ok(node.up_to(SMALL))
        }),
        on_path("bash").map(|_| here("bash-loop", "bash loop, `bootstrap`", "loop.sh").up_to(SMALL)),
        on_path("bash").map(|_| here("bash", "bash function, `bootstrap`", "function.handler")),
        on_path("curl").and_then(|_| {
            let tutorial = beside("peers/tutorial.sh");
            let tutorial = entry("tutorial", "bash function, AWS's tutorial", Side::Other, &tutorial)?;
            Ok(tutorial.with("_HANDLER", "function.handler").up_to(SMALL))
        }),
        on_path("sbcl").map(|_| here("sbcl", "Lisp function, `bootstrap`", "lisp.handler")),
        Ok(filter().named("oneshot", "process per event, `bootstrap`")),
        Ok(filter().named("oneshot-cold", "the same without standby").with("HANDLER_STANDBY", "0")),
    ]
}

/// Those that answer HTTP requests, each with its own.
pub fn web() -> Vec<Result<Entry, String>> {
    let cgi = |name, title, handler: &str| {
        here(name, title, handler.into()).with("HANDLER_MODE", "cgi").asked(request("GET", ""), "Hello, Ada!")
    };
    let time = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"convert_time","arguments":{"source_timezone":"UTC","time":"12:00","target_timezone":"Asia/Tokyo"}}}"#;
    let server = peers().join("mcp/bin/mcp-server-time");
    vec![
        on_path("bash").map(|_| {
            here("web-loop", "bash loop that answers with a page", "page-loop.sh".into())
                .asked(request("GET", ""), "Hello, Ada!")
        }),
        on_path("bash").map(|_| cgi("cgi-bash", "bash script, CGI", "page.sh")),
        on_path("php-cgi").map(|php| {
            let page = cgi("cgi-php", "PHP script, CGI", php.to_str().unwrap_or_default());
            page.with("SCRIPT_FILENAME", handlers().join("page.php")).with("REDIRECT_STATUS", "200")
        }),
        there(&server).map(|()| {
            let server = here("mcp-time", "MCP server in Python, a call over HTTP", server.as_os_str().to_owned());
            server.with("HANDLER_MODE", "jsonrpc").with("TZ", "UTC").asked(request("POST", time), "+09:00")
        }),
    ]
}

/// A request to a function URL.
fn request(method: &str, body: &str) -> String {
    const REQUEST: &str = r#"{"version":"2.0","rawPath":"/hello","rawQueryString":"name=Ada","headers":{"host":"abc.lambda-url.us-east-2.on.aws","content-type":"application/json","accept":"application/json"},"requestContext":{"domainName":"abc.lambda-url.us-east-2.on.aws","http":{"method":"METHOD","path":"/hello","protocol":"HTTP/1.1","sourceIp":"192.0.2.1"}},"body":"BODY","isBase64Encoded":false}"#;
    REQUEST.replace("METHOD", method).replace("BODY", &body.replace('"', "\\\""))
}

fn here(name: &'static str, title: &'static str, handler: OsString) -> Entry {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_bootstrap"));
    let variables = vec![("_HANDLER", handler)];
    Entry { name, title, side: Side::Here, largest: LAMBDAS, program, arguments: Vec::new(), variables, asked: None }
}

fn entry(name: &'static str, title: &'static str, side: Side, program: &Path) -> Result<Entry, String> {
    there(program)?;
    let program = program.to_owned();
    let (arguments, variables) = (Vec::new(), Vec::new());
    Ok(Entry { name, title, side, largest: LAMBDAS, program, arguments, variables, asked: None })
}

fn there(file: &Path) -> Result<(), String> {
    if file.exists() { Ok(()) } else { Err(format!("{} is not there; benches/run.sh installs it", file.display())) }
}

fn on_path(program: &str) -> Result<PathBuf, String> {
    let found = env::split_paths(&search_path()).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.ok_or_else(|| format!("{program} is not on the PATH; benches/run.sh installs it"))
}

/// The same interpreters for both sides.
fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [peers().join("python/bin")].into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).expect("a PATH")
}

/// The functions that are measured.
fn handlers() -> PathBuf {
    beside("handlers")
}

fn beside(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(file)
}

/// Where benches/run.sh installs other people's runtimes: beside `release`, in Cargo's target folder.
pub fn peers() -> PathBuf {
    let this = env::current_exe().expect("this program");
    this.ancestors().nth(3).expect("Cargo's target folder").join("peers")
}

/// This program by another name, under which it is the floor or a handler. See main.
fn own(name: &str) -> PathBuf {
    let this = env::current_exe().expect("this program");
    let folder = this.ancestors().nth(3).expect("Cargo's target folder").join("speed");
    let link = folder.join(name);
    if fs::read_link(&link).is_ok_and(|target| target == this) {
        return link;
    }
    fs::create_dir_all(&folder).expect("a folder");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(&this, &link).expect("a link");
    link
}
