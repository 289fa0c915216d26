//! Real processes, looked at and ended.

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
        let mark = Mark::new();
        let (child, tree) = ProcessTree::spawn(Some(&mark), || {
            Command::new(program)
                .args(arguments)
                .env(&mark.name, &mark.value)
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

    #[track_caller]
    fn comes_to_rest(&self) -> Activity {
        self.until("at rest", |activity| activity.at_rest)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        assert!(self.tree.kill(), "it was not killed");
        self.child.wait().unwrap();
    }
}

#[test]
fn a_reader_is_ready_and_at_rest() {
    let mut cat = Subject::start("cat", &[]);
    let activity = cat.comes_to_rest();
    assert_eq!(activity.reads_stdin, Some(true));
    assert_eq!(activity.seen.to_string(), "reads its stdin");
    cat.child.stdin.as_mut().unwrap().write_all(b"more").unwrap();
    assert!(!cat.tree.activity(false).at_rest);
}
