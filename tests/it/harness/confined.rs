//! `bootstrap` in want of something: of descriptors, processes or memory, of `/proc`, of a `/tmp` with room in it.
//!
//! Limits are set by a shell in the sandbox that then becomes `bootstrap`, so that the process under watch stays the same one.

use super::files::{need, spawn};
use super::function::Function;
use super::procfs;
use super::running::Running;
use super::sandbox::{self, Proc, Tmp};
use super::tools::{mcp_tool, tool};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

impl Function {
    /// Starts the function behind these lines of shell, which may lower limits (`ulimit -n 32`).
    #[track_caller]
    pub fn start_behind(self, lines: &str) -> Running {
        self.start_through(&["/bin/bash", "-c", &format!("set -e; {lines}; exec \"$@\""), "bash"])
    }

    /// Starts the function with so many processes and threads.
    #[track_caller]
    pub fn start_with_processes(self, processes: u32) -> Running {
        self.start_behind(&format!("ulimit -u {processes}"))
    }

    /// The function's folder is all that there is, and its `/`. There is no `/tmp` unless it has one.
    pub fn alone_at(mut self, bootstrap: &'static str) -> Self {
        self.root.bare = true;
        self.bootstrap = bootstrap;
        self
    }

    /// The Python of the tests' own, with what `tests/python-tools.txt` lists, comes before the machine's.
    #[track_caller]
    pub fn with_tools(mut self) -> Self {
        let place = tool("python3").parent().and_then(Path::parent).unwrap().to_owned();
        self.root.more.push((place, "tools".to_owned()));
        self.env("PATH", format!("/opt/tools/bin:{}", sandbox::path()))
    }

    /// A folder of this machine's is in `/opt`, under this name.
    pub fn with_folder(mut self, folder: &Path, name: &str) -> Self {
        self.root.more.push((folder.to_owned(), name.to_owned()));
        self
    }

    /// A folder of this machine's is where it is here.
    pub fn with_folder_in_place(mut self, folder: &Path) -> Self {
        self.root.in_place.push(folder.canonicalize().unwrap());
        self
    }

    /// This folder is all of `/opt`: a layer that was unpacked, which has `bootstrap`.
    pub fn with_layer(mut self, folder: &Path) -> Self {
        self.root.layer = Some(folder.to_owned());
        self
    }

    /// A program of `tests/mcp-tools.txt` is installed: this module of Python, under this name in the task root. The
    /// interpreter is there, too, wherever this machine has it.
    #[track_caller]
    pub fn with_mcp_server(self, module: &str, name: &str) -> Self {
        let above = |file: &Path| file.ancestors().nth(2).unwrap().to_owned();
        let python = mcp_tool("python3");
        let real = python.canonicalize().unwrap();
        let script = format!(
            "#!/bin/sh\nexport LD_LIBRARY_PATH=/opt/interpreter/lib PYTHONHOME=/opt/interpreter\n\
             export PYTHONPATH=\"$(echo /opt/mcp/lib/python3*/site-packages)\"\n\
             exec /opt/interpreter/bin/{} -m {module} \"$@\"\n",
            real.file_name().unwrap().display()
        );
        self.program(name, script).with_folder(&above(&python), "mcp").with_folder(&above(&real), "interpreter")
    }

    /// What there is of `/proc`.
    pub fn proc(mut self, proc: Proc) -> Self {
        self.root.proc = proc;
        self
    }

    /// A file system of its own for `/tmp`, with these options (`size=1m`).
    pub fn tmpfs(mut self, options: &str) -> Self {
        self.root.tmpfs = Tmp::InMemory(format!("mode=1777,{options}"));
        self
    }

    pub fn without_tmp(mut self) -> Self {
        self.root.tmpfs = Tmp::Absent;
        self
    }

    /// The same for `/dev/shm`, which Lambda has not.
    pub fn shm(mut self, options: &str) -> Self {
        self.root.shm = Some(format!("mode=1777,{options}"));
        self
    }

    /// A file of so many bytes is there.
    pub fn filled(mut self, path: &str, size: usize) -> Self {
        self.root.filled.push((path.trim_start_matches('/').to_owned(), size));
        self
    }
}

impl Running {
    /// Sets a limit of `bootstrap` itself while it runs, and not those of what it has started (`nproc=1`: no more children).
    #[track_caller]
    pub fn limit(&self, limit: &str) {
        // By the function's own user: a limit that root has lowered nobody else may raise again.
        let user = procfs::user(self.pid());
        let mut words: Vec<OsString> = Vec::new();
        if geteuid().is_root() {
            let identity = ["--clear-groups".to_owned(), format!("--reuid={user}"), format!("--regid={user}")];
            words.push(need("setpriv").into());
            words.extend(identity.map(OsString::from));
        }
        words.push(need("prlimit").into());
        // Without the colon it could not be raised again.
        words.extend([format!("--pid={}", self.pid()), format!("--{limit}:")].map(OsString::from));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        assert!(spawn(&mut command).wait().unwrap().success(), "{command:?}");
    }

    /// Leaves `bootstrap` so much memory beside what it has.
    #[track_caller]
    pub fn limit_memory(&self, megabytes: u64) {
        self.limit(&format!("as={}", procfs::memory(self.pid()) + (megabytes << 20)));
    }
}
