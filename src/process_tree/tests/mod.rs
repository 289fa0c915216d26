//! Real processes, looked at and ended: as root, and as nobody in particular.

mod ends;
mod looks;

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::os;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Subject {
    child: Child,
    tree: ProcessTree,
}

impl Subject {
    fn start(program: &str, arguments: &[&str]) -> Self {
        become_subreaper();
        let mark = Mark::new();
        let (name, value) = mark.entry().to_str().unwrap().split_once('=').unwrap();
        let (child, tree) = ProcessTree::spawn(Some(&mark), || {
            Command::new(program)
                .args(arguments)
                .env(name, value)
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
        })
        .unwrap();
        Self { child, tree }
    }

    fn sh(script: &str) -> Self {
        Self::start("sh", &["-c", script])
    }

    fn stdin_is_empty(&self) -> bool {
        os::bytes_waiting(self.child.stdin.as_ref().unwrap().as_fd()).unwrap() == 0
    }

    fn look(&self) -> Activity {
        self.tree.activity(self.stdin_is_empty())
    }

    /// Looks until it is seen doing what is expected.
    #[track_caller]
    fn until(&self, what: &str, expected: impl Fn(&Activity) -> bool) -> Activity {
        let began = Instant::now();
        loop {
            let activity = self.look();
            if expected(&activity) {
                return activity;
            }
            assert!(began.elapsed() < PATIENCE, "not {what} but: {activity:?}, {}", activity.seen);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Killing has two seconds. On a machine that has no time for it, who multiplies may need another go.
    fn is_killed(&mut self) -> bool {
        (0..5).any(|_| self.tree.kill())
    }

    #[track_caller]
    fn comes_to_rest(&self) -> Activity {
        self.until("at rest", |activity| activity.at_rest)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        assert!(self.is_killed(), "it was not killed");
        self.child.wait().unwrap();
    }
}

/// Python, which has a way to wait in every one of these calls.
fn python(script: &str) -> Subject {
    Subject::start(
        "python3",
        &["-c", &format!("import os, select, selectors, signal, socket, sys, threading, time\n{script}")],
    )
}

/// Where these are run by root, who may look at everything, they are run by another user once more.
#[test]
fn all_of_this_holds_without_privileges() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let run = Command::new("/proc/self/exe")
        .args(["process_tree::tests", "--test-threads", "2"])
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains(" passed; 0 failed"),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
