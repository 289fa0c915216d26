//! How it ends.

use super::*;

#[test]
fn those_in_groups_and_sessions_of_their_own_belong_to_it() {
    for script in ["timeout 60 cat; :", "set -m; cat; :", "setsid -w cat; :", "setsid -w sh -c 'setsid -w cat; :'; :"] {
        let mut subject = Subject::sh(script);
        subject.comes_to_rest();
        let members = descendants::members(&subject.tree.0).pids;
        assert!(members.len() >= 2, "{script}");
        assert!(subject.tree.kill(), "{script}");
        for pid in &members[1..] {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{script}: {pid} is left");
        }
    }
}

#[test]
fn orphans_come_home_and_are_ended() {
    let mut first = Subject::sh("setsid sh -c 'sleep 1000 & sleep 1001 >/dev/null </dev/null & :'; exec cat");
    let second = Subject::sh("exec cat");
    let seen = first.until("with orphans", |_| descendants::members(&first.tree.0).pids.len() == 3);
    assert!(!seen.at_rest);
    second.comes_to_rest();
    let members = descendants::members(&first.tree.0).pids;
    assert!(first.tree.kill());
    for pid in &members[1..] {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} is left");
    }
    second.comes_to_rest();
}

#[test]
fn orphans_that_have_ended_are_reaped() {
    let subject = Subject::sh("for i in 1 2 3 4 5; do setsid sh -c '(sleep 0.01 &)'; done; exec cat");
    subject.until("alone", |activity| {
        end::reap_orphans();
        activity.at_rest && descendants::members(&subject.tree.0).pids.len() == 1
    });
}

#[test]
fn one_that_forks_into_new_sessions_for_ever_is_ended() {
    // Each lives just long enough to have a child in a session of its own. The root stays, so that the tree does.
    let mut hopper = python(
        "if os.fork(): time.sleep(1000)\nwhile True:\n  os.setsid() if os.getpid() != os.getsid(0) else 0\n  if os.fork(): os._exit(0)",
    );
    let first = hopper.until("hopping", |_| descendants::members(&hopper.tree.0).pids.len() > 1);
    assert!(!first.at_rest);
    assert!(hopper.is_killed());
    assert_eq!(descendants::members(&hopper.tree.0).pids, [hopper.tree.0.root]);
}

#[test]
fn one_that_multiplies_in_new_sessions_is_ended() {
    // Up to 256 processes, each of them in a session of its own, without a parent when it has had its children.
    let mut bomb = python(
        "n = 8\nroot = os.getpid()\nwhile n:\n  n -= 1\n  if os.fork() == 0: os.setsid()\ntime.sleep(1000) if os.getpid() == root else os.fork() or time.sleep(1000)",
    );
    bomb.until("multiplying", |_| descendants::members(&bomb.tree.0).pids.len() > 20);
    assert!(bomb.is_killed());
    assert_eq!(descendants::members(&bomb.tree.0).pids, [bomb.tree.0.root]);
}
