//! The programs that `./build.sh test` takes from `PyPI`, and programs of any kind that run beside a test, such as servers.

use super::files::{Folder, need};
use super::process::{Process, Stdout};
use super::watch::{LIMIT, Seen, Watch};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

/// The folder with these programs.
pub fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools").join("bin")
}

/// The path of one of them. A test that needs one that is missing fails, and says what installs it.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let path = tools().join(name);
    assert!(path.is_file(), "this test needs {name} in {}: ./build.sh test installs it", tools().display());
    path
}

/// The path of a program of the Model Context Protocol, or of the Python that has its SDK. They are apart from the others,
/// since both want versions of their own.
#[track_caller]
pub fn mcp_tool(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("mcp").join("bin").join(name);
    assert!(path.is_file(), "this test needs {}: ./build.sh test installs it", path.display());
    path
}

/// A program that runs beside the test, in a session of its own, and ends with it: with all that it has started.
pub struct Background {
    _process: Process,
    watch: Arc<Watch>,
    folder: Rc<Folder>,
}

impl Background {
    /// Starts it in this folder, which is deleted when all who share it have ended.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        folder: impl Into<Rc<Folder>>,
    ) -> Self {
        let folder = folder.into();
        let mut command = Command::new(need("setsid"));
        command.arg(program).args(arguments).current_dir(folder.path());
        command.envs(environment.iter().copied()).env("TMPDIR", folder.path());
        let watch = Arc::new(Watch::default());
        let process = Process::start(&mut command, &folder, Stdio::null(), Stdout::Pipe, &watch);
        Self { _process: process, watch, folder }
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Waits for this in what it prints, on stdout or stderr, and gives the rest of the line.
    #[track_caller]
    pub fn wait_line(&self, contains: &str) -> String {
        self.watch.wait(&format!("{contains:?} in the output"), |seen| {
            [&seen.stdout, &seen.stderr].into_iter().find_map(|output| {
                let text = String::from_utf8_lossy(output);
                let (_, rest) = text.split_once(contains)?;
                rest.split_once('\n').map(|(line, _)| line.to_owned())
            })
        })
    }

    /// Waits until cargo-lambda's emulator takes connections at this port.
    #[track_caller]
    pub fn wait_emulator(&self, port: u16) {
        self.wait_line("starting Runtime server");
        let end = Instant::now() + LIMIT;
        // It says so just before it listens. Nothing tells of the rest of the way but an attempt.
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < end, "nobody listens at the port {port}\n{}", self.story());
            thread::yield_now();
        }
    }

    pub fn story(&self) -> String {
        self.watch.look(Seen::story)
    }
}

/// A port where nobody listens, for a program that cannot choose one by itself. It is none of those that the kernel gives to
/// connections, and no other test gets it: it stays free until the program listens there.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(499) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(10_000 + number % 20_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
