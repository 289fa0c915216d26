//! Ready: not while the start still waits for something else than stdin, and at once when somebody waits for stdin, in
//! whatever way and thread and process.

use crate::harness::{Call, Function, need};
use std::fs;

/// Its start is over, and has noted so, when the first event is asked for.
#[track_caller]
fn is_not_ready_too_early(function: Function) {
    let state = function.tmp().join("state");
    let function = function.in_task_root().start();
    function.server().probe(Box::new(move || fs::read_to_string(&state).unwrap_or_default()));
    let asked = function.requests(Call::Next, 1);
    assert_eq!(asked[0].probe.trim(), "booted", "an event was asked for too early\n{}", function.story());
    assert_eq!(function.call("1").value(), "[1]");
}

/// It is seen to be ready. If it were not, the test's own time would be over first.
#[track_caller]
fn is_seen_to_be_ready(function: Function) {
    let function = function.env("HANDLER_READY_TIMEOUT_MS", "120000").start();
    function.requests(Call::Next, 1);
    for event in 1..=2 {
        assert_eq!(function.call(event.to_string()).value(), format!("[{event}]"), "{}", function.story());
    }
}

#[test]
fn a_start_that_waits_in_select_for_some_time() {
    is_not_ready_too_early(Function::of(
        "perl",
        "$| = 1;
select undef, undef, undef, 1;
open my $state, '>', '/tmp/state';
print $state 'booted';
close $state;
while (my $line = <STDIN>) { chomp $line; print \"[$line]\\n\" }
",
    ));
}

#[test]
fn a_start_that_waits_for_a_socket_with_a_time_out() {
    // What any HTTP client does. The other end speaks when the clock says so.
    is_not_ready_too_early(Function::python(
        "import socket, subprocess, sys
ours, theirs = socket.socketpair()
ours.settimeout(30)
server = subprocess.Popen(['sh', '-c', 'sleep 1; echo'], stdin=subprocess.DEVNULL, stdout=theirs)
ours.recv(1)
server.wait()
open('/tmp/state', 'w').write('booted')
for line in sys.stdin:
    print('[%s]' % line.strip())
",
    ));
}

#[test]
fn a_start_that_waits_for_a_socket_for_ever() {
    // In poll without a time-out, but not for stdin: the set can be seen.
    is_not_ready_too_early(Function::python(
        "import select, socket, subprocess, sys
ours, theirs = socket.socketpair()
server = subprocess.Popen(['sh', '-c', 'sleep 1; echo'], stdin=subprocess.DEVNULL, stdout=theirs)
for waits in (select.poll(), select.epoll()):
    waits.register(ours, select.POLLIN)
    waits.poll()
select.select([ours], [], [])
server.wait()
open('/tmp/state', 'w').write('booted')
for line in sys.stdin:
    print('[%s]' % line.strip())
",
    ));
}

#[test]
fn a_start_with_await_in_node() {
    let script = format!(
        "#!{}
import {{ writeFileSync }} from 'node:fs';
import {{ createInterface }} from 'node:readline';
await new Promise((resolve) => setTimeout(resolve, 1000));
writeFileSync('/tmp/state', 'booted');
for await (const line of createInterface({{ input: process.stdin }})) console.log(`[${{line}}]`);
",
        need("node").display()
    );
    is_not_ready_too_early(Function::empty().program("handler.mjs", script).handler("handler.mjs"));
}

#[test]
fn a_start_that_waits_for_a_child() {
    let script = "sleep 1; echo booted > /tmp/state; while read -r e; do echo \"[$e]\"; done";
    is_not_ready_too_early(Function::bash(script));
    // The child has stdin, and does not read it.
    let script = "(exec sleep 1 3<&0); echo booted > /tmp/state; while read -r e; do echo \"[$e]\"; done";
    is_not_ready_too_early(Function::bash(script));
}

#[test]
fn tcl_waits_in_a_thread_of_its_own() {
    is_seen_to_be_ready(Function::of(
        "tclsh",
        "proc take {} {
    if {[gets stdin line] >= 0} { puts \"\\[$line\\]\"; flush stdout } elseif {[eof stdin]} { exit }
}
fileevent stdin readable take
vwait forever
",
    ));
}

#[test]
fn expect_waits_for_its_user() {
    is_seen_to_be_ready(Function::of(
        "expect -f",
        "log_user 0
set timeout -1
while 1 {
    expect_user {
        -re \"(\\[^\\n\\]*)\\n\" { puts \"\\[$expect_out(1,string)\\]\"; flush stdout }
        eof { exit }
    }
}
",
    ));
}

#[test]
fn a_thread_that_is_not_the_first_waits() {
    for wait in [
        "select.select([0], [], [])",
        "(lambda waits: (waits.register(0, select.POLLIN), waits.poll()))(select.poll())",
        "(lambda waits: (waits.register(0, select.POLLIN), waits.poll()))(select.epoll())",
        "None",
    ] {
        is_seen_to_be_ready(Function::python(&format!(
            "import select, sys, threading
def work():
    while True:
        {wait}
        line = sys.stdin.readline()
        if not line:
            return
        print('[%s]' % line.strip(), flush=True)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"
        )));
    }
}

#[test]
fn a_poll_over_stdin_may_have_a_time_out() {
    // It wakes now and then for something else; with stdin in its set it is ready all the same.
    is_seen_to_be_ready(Function::python(
        "import select, sys
while True:
    if select.select([sys.stdin], [], [], 0.5)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        print('[%s]' % line.strip(), flush=True)
",
    ));
}

#[test]
fn a_childs_child_waits() {
    let script = "bash -c 'bash -c \"while read -r e; do echo [\\$e]; done\"; exit $?'; exit $?";
    is_seen_to_be_ready(Function::bash(script));
}
