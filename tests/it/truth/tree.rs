//! The process tree: whatever descends from the handler belongs to it, in which group and session it may be. It is seen when
//! the handler is looked at, ends with it, and is reaped.

use super::is_soon;
use crate::harness::{Call, Event, Function, Running, need, procfs};
use nix::sys::signal::Signal;
use std::process::Command;
use std::time::Duration;

/// The real handler: `[its process id, the event]`, and it hangs with the event 13.
const REAL: &str = "import os, sys, time
for line in sys.stdin:
    if line == '13\\n':
        time.sleep(1000)
    print('[%d,%s]' % (os.getpid(), line.strip()), flush=True)
";

/// The ways to put it into a group, or a session, of its own.
const WRAPPERS: &[&str] = &["timeout 600 ./real.py", "set -m; ./real.py; exit $?", "setsid -w ./real.py; exit $?"];

fn wrapped(wrapper: &str) -> Function {
    let real = format!("#!{}\n{REAL}", need("python3").display());
    Function::bash(wrapper).program("real.py", real).in_task_root().env("HANDLER_READY_TIMEOUT_MS", "120000")
}

#[track_caller]
fn process(function: &Running, event: u32) -> i32 {
    i32::try_from(super::answer(function, event).as_i64().unwrap()).unwrap()
}

#[test]
fn a_handler_in_a_group_of_its_own_is_seen_to_be_ready_and_is_kept() {
    for wrapper in WRAPPERS {
        let function = wrapped(wrapper).start();
        function.requests(Call::Next, 1);
        let first = process(&function, 1);
        assert_eq!(process(&function, 2), first, "{wrapper}");
        assert_eq!(super::learned(&function), 0, "{wrapper}\n{}", function.story());
    }
}

#[test]
fn a_time_out_kills_it_too() {
    for wrapper in WRAPPERS {
        let function = wrapped(wrapper).start();
        let before = process(&function, 1);
        let hangs = Event::new("13").deadline_in(Duration::from_secs(2));
        function.call(hangs).error("Runtime.InvokeTimeout");
        let after = process(&function, 2);
        assert_ne!(before, after, "{wrapper}");
        assert!(
            !function.others().contains(&before),
            "{wrapper}: it lives on beside the new one\n{}",
            function.story()
        );
    }
}

#[test]
fn a_signal_is_for_it_too() {
    for wrapper in WRAPPERS {
        let function = wrapped(wrapper).start();
        process(&function, 1);
        function.wait_idle();
        function.signal(Signal::SIGTERM);
        function.exit();
        assert!(function.others().is_empty(), "{wrapper}: {:?}", function.others());
    }
}

#[test]
fn what_was_detached_ends_with_its_handler() {
    // Its parent is gone, its group and session are its own: only whose child it has become tells whose it is.
    let script = "while read -r e; do
    [ $e = 13 ] && sleep 1000
    (setsid sh -c 'echo $$ > /tmp/detached; exec sleep 1000' &)
    until [ -s /tmp/detached ]; do sleep 0.01; done
    echo \"[$(cat /tmp/detached),$e]\"
done";
    let function = Function::bash(script).in_task_root().start();
    let detached = process(&function, 1);
    assert!(function.others().contains(&detached));
    function.call(Event::new("13").deadline_in(Duration::from_secs(2))).error("Runtime.InvokeTimeout");
    function.wait_idle();
    assert!(is_soon(|| !function.others().contains(&detached)), "it outlived its handler\n{}", function.story());
}

/// Leaves background children behind, whose parents are gone.
const LITTER: &str = "while read -r e; do for i in 1 2 3 4 5; do (sleep 0.0$i &); done; echo \"[$$,$e]\"; done";

/// After twenty events, and after the last of the litter has ended, no zombies are left.
#[track_caller]
fn leaves_no_zombies(function: &Running, bootstrap: impl Fn() -> i32) {
    let first = super::answer(function, 1);
    for event in 2..=20 {
        assert_eq!(super::answer(function, event), first);
    }
    function.wait_idle();
    let children = || procfs::children(bootstrap());
    assert!(is_soon(|| children().len() == 1), "more than the handler is left: {:?}\n{}", children(), function.story());
}

#[test]
fn orphans_are_reaped() {
    let function = Function::bash(LITTER).start();
    leaves_no_zombies(&function, || function.pid());
}

#[test]
fn orphans_of_a_oneshot_are_reaped() {
    let script = "e=$(cat); (sleep 0.05 > /dev/null 2>&1 &); echo \"$e\"";
    let function = Function::bash(script).mode("oneshot").start();
    for event in 1..=20 {
        assert_eq!(function.call(event.to_string()).value(), event.to_string());
    }
    function.wait_idle();
    let zombies = || function.children().iter().filter(|(_, state)| *state == 'Z').count();
    assert!(is_soon(|| zombies() == 0), "{:?}", function.children());
}

#[test]
fn orphans_are_reaped_by_a_process_1() {
    let mut command = Command::new(need("unshare"));
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", env!("CARGO_BIN_EXE_bootstrap")]);
    let function = Function::bash(LITTER);
    let folder = function.folder().to_owned();
    let function = function.env("LAMBDA_TASK_ROOT", folder).start_as(command);
    leaves_no_zombies(&function, || {
        let children = function.children();
        assert_eq!(children.len(), 1, "unshare has one child");
        children[0].0
    });
}
