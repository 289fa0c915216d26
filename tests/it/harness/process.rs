//! One `bootstrap` under watch: its output is read, its end is noted, and nothing it started outlives the test.

use super::files::{self, Folder};
use super::procfs;
use super::watch::{Exit, Seen, Watch};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A running `bootstrap`.
pub struct Process {
    child: Child,
    /// Stands in the environment of all that belongs to this test.
    mark: String,
}

/// Where its standard output goes.
pub enum Stdout {
    Pipe,
    /// The two ends of a terminal: the one to read, the one that `bootstrap` gets.
    Terminal(OwnedFd, OwnedFd),
}

impl Process {
    /// Starts the command outside of the sandbox. The folder's name, in `TMPDIR`, is its mark.
    #[track_caller]
    pub fn start(command: &mut Command, folder: &Folder, stdin: Stdio, stdout: Stdout, watch: &Arc<Watch>) -> Self {
        let mark = folder.path().to_str().unwrap().to_owned();
        Self::start_by(files::spawn, command, mark, stdin, stdout, watch)
    }

    /// Starts the command by this function, with all three of its standard streams in the test's hands.
    #[track_caller]
    pub fn start_by(
        spawn: impl FnOnce(&mut Command) -> Child,
        command: &mut Command,
        mark: String,
        stdin: Stdio,
        stdout: Stdout,
        watch: &Arc<Watch>,
    ) -> Self {
        let mut terminal = None;
        match stdout {
            Stdout::Pipe => command.stdout(Stdio::piped()),
            Stdout::Terminal(read, write) => {
                terminal = Some(read);
                command.stdout(write)
            }
        };
        let mut child = spawn(command.stdin(stdin).stderr(Stdio::piped()));
        // The terminal's far end must be open in `bootstrap` alone.
        command.stdout(Stdio::null());
        watch.change(|seen| seen.open += 2);
        match terminal {
            Some(end) => read_all(std::fs::File::from(end), watch, |_| {}, |seen| &mut seen.stdout),
            None => read_all(child.stdout.take().unwrap(), watch, |_| {}, |seen| &mut seen.stdout),
        }
        read_all(child.stderr.take().unwrap(), watch, Watch::wait_to_read_log, |seen| &mut seen.stderr);

        let pid = pid_of(&child);
        let watch = Arc::clone(watch);
        thread::spawn(move || {
            let exit = loop {
                // It is not reaped here: until it is dropped its number cannot become anybody else's.
                let status = waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
                break match status {
                    Ok(WaitStatus::Exited(_, status)) => Exit::Status(status),
                    Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Signal(signal as i32),
                    // The test is over, and has reaped it.
                    Err(Errno::ECHILD) => return,
                    // One that is traced is told of whenever it stops, asked for or not, and as long as it has stopped.
                    Ok(WaitStatus::PtraceEvent(..) | WaitStatus::PtraceSyscall(_) | WaitStatus::Stopped(..)) => {
                        thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                    other => panic!("waitid: {other:?}"),
                };
            };
            watch.change(|seen| seen.exit = Some(exit));
        });
        Self { child, mark }
    }

    pub fn pid(&self) -> i32 {
        pid_of(&self.child)
    }

    pub fn stdin(&mut self) -> &mut Option<ChildStdin> {
        &mut self.child.stdin
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Everything that lives because of this test, but `bootstrap` itself.
    pub fn others(&self) -> Vec<i32> {
        procfs::with_environment(&self.mark).into_iter().filter(|pid| *pid != self.pid()).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        for pid in self.others() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap()
}

/// Reads a stream to its end, into the account, each time when `may_read` has returned.
fn read_all(
    mut stream: impl Read + Send + 'static,
    watch: &Arc<Watch>,
    may_read: fn(&Watch),
    place: fn(&mut Seen) -> &mut Vec<u8>,
) {
    let watch = Arc::clone(watch);
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        // A terminal's end is an error (EIO), not an end-of-file.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            watch.change(|seen| place(seen).extend_from_slice(&buffer[..count]));
            may_read(&watch);
        }
        watch.change(|seen| seen.open -= 1);
    });
}
