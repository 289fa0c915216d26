//! A frozen sandbox: its processes stop for a while, in the middle of anything, and go on as if nothing had been. Deadlines
//! pass meanwhile. No event is lost or gets another's answer.
//!
//! `FROZEN_SECONDS` says for how long; a short while by default.

use crate::harness::{Call, Event, Function, Running, number_from};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

fn a_while() -> Duration {
    Duration::from_secs(number_from("FROZEN_SECONDS").unwrap_or(3))
}

/// A deadline that passes while everything is frozen.
fn hopeless(body: &str) -> Event {
    Event::new(body).deadline_in(a_while() / 2)
}

/// One that does not.
fn patient(body: impl Into<Vec<u8>>) -> Event {
    Event::new(body).deadline_in(Duration::from_secs(60) + 5 * a_while())
}

fn signal_all(processes: &[i32], signal: Signal) {
    for &pid in processes {
        kill(Pid::from_raw(pid), signal).unwrap();
    }
}

/// Stops these processes, does something, and lets them go on after a while in which nothing may come from `bootstrap`.
fn freeze(function: &Running, processes: &[i32], meanwhile: impl FnOnce()) {
    signal_all(processes, Signal::SIGSTOP);
    meanwhile();
    let before = function.watch().look(|seen| seen.requests.len());
    let changed = |seen: &mut crate::harness::watch::Seen| {
        (processes.contains(&function.pid()) && (seen.requests.len() != before || seen.exit.is_some())).then_some(())
    };
    assert!(function.watch().wait_within(a_while(), changed).is_err(), "{}", function.story());
    signal_all(processes, Signal::SIGCONT);
}

/// All that runs because of this function.
fn sandbox(function: &Running) -> Vec<i32> {
    let mut processes = function.others();
    processes.push(function.pid());
    processes
}

/// Answers when the test rings `go`, and says so in `done`.
const WAITS: &str =
    "exec 8<> go 9<> done; while read -r e; do echo \"busy $e\" >&2; read -r -u 8 _; echo \"$e\"; echo $e >&9; done";

fn waits() -> Running {
    Function::bash(WAITS).pipe("go").pipe("done").start()
}

#[test]
fn a_frozen_sandbox_goes_on_with_its_event() {
    let function = waits();
    let id = function.send(patient("1"));
    function.wait_log("busy 1");
    freeze(&function, &sandbox(&function), || {});
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).response(), b"1");
    assert_eq!(function.pipe("done").hear(), "1");
    function.pipe("go").ring();
    assert_eq!(function.call("2").response(), b"2");
}

#[test]
fn an_event_whose_time_ran_out_meanwhile_is_a_time_out() {
    let function = waits();
    let id = function.send(hopeless("1"));
    function.wait_log("busy 1");
    freeze(&function, &sandbox(&function), || {});
    function.answer(&id).error("Runtime.InvokeTimeout");
    // Whoever was late is dead: the next answer is the next event's.
    let second = function.send(patient("2"));
    function.wait_log("busy 2");
    function.pipe("go").ring();
    assert_eq!(function.answer(&second).response(), b"2");
    assert_eq!(function.others().len(), 1);
}

#[test]
fn an_answer_that_was_there_before_the_time_ran_out_counts() {
    let function = waits();
    let id = function.send(hopeless("1"));
    function.wait_log("busy 1");
    freeze(&function, &[function.pid()], || {
        function.pipe("go").ring();
        assert_eq!(function.pipe("done").hear(), "1");
    });
    assert_eq!(function.answer(&id).response(), b"1");
    function.pipe("go").ring();
    assert_eq!(function.call("2").response(), b"2");
}

#[test]
fn an_event_that_comes_while_all_is_frozen_is_answered() {
    let function = waits();
    function.wait_idle();
    let mut id = String::new();
    freeze(&function, &sandbox(&function), || id = function.send(hopeless("1")));
    // Its deadline is past when it is read: that is none, as emulators have it.
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).response(), b"1");
}

#[test]
fn a_connection_that_was_lost_meanwhile_is_opened_again() {
    let function = waits();
    for number in ["1", "2", "3"] {
        let id = function.send(patient(number));
        function.wait_log(&format!("busy {number}"));
        if number == "2" {
            freeze(&function, &sandbox(&function), || function.server().disconnect());
        }
        function.pipe("go").ring();
        assert_eq!(function.answer(&id).response_text(), number);
    }
    function.wait_idle();
    freeze(&function, &sandbox(&function), || function.server().disconnect());
    function.pipe("go").ring();
    assert_eq!(function.call("4").response(), b"4");
}

#[test]
fn a_stopped_handler_runs_out_of_time() {
    let function = waits();
    let id = function.send(hopeless("1"));
    function.wait_log("busy 1");
    let stopped = function.others();
    signal_all(&stopped, Signal::SIGSTOP);
    function.answer(&id).error("Runtime.InvokeTimeout");
    function.pipe("go").ring();
    assert_eq!(function.call("2").response(), b"2");
    assert!(function.others().iter().all(|pid| !stopped.contains(pid)), "it lives on");
}

#[test]
fn a_handler_that_was_stopped_in_a_large_event_reads_on() {
    // It stops in the middle, before it has read all.
    let script = "import os, sys
while True:
    line = b''
    while not line.endswith(b'\\n'):
        line += os.read(0, 10000)
        if 100000 <= len(line) < 110000:
            sys.stderr.write('reading\\n'); sys.stderr.flush()
            open('go').readline()
    sys.stdout.buffer.write(line); sys.stdout.flush()
";
    let event = format!("\"{}\"", "x".repeat(1_000_000));
    for mode in ["loop", "auto"] {
        let function = Function::python(script).mode(mode).pipe("go").start();
        let id = function.send(patient(event.clone()));
        function.wait_log("reading");
        freeze(&function, &sandbox(&function), || {});
        function.pipe("go").ring();
        assert!(function.answer(&id).value() == event, "{mode}");
        assert_eq!(function.call("1").value(), "1", "{mode}");
    }
}

#[test]
fn a_loop_that_was_frozen_in_its_first_event_is_still_a_loop() {
    // In auto, what it does is watched most closely then.
    let function = Function::bash(WAITS).mode("auto").pipe("go").pipe("done").start();
    let id = function.send(patient("1"));
    function.wait_log("busy 1");
    freeze(&function, &function.others(), || {});
    freeze(&function, &sandbox(&function), || {});
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).response(), b"1");
    assert!(!function.stderr().contains("end-of-file"), "{}", function.story());
    function.pipe("go").ring();
    assert_eq!(function.call("2").response(), b"2");
}

#[test]
fn a_oneshot_and_the_next_one_go_on() {
    let script = "exec 8<> go; e=$(cat); echo \"busy $e\" >&2; read -r -u 8 _; echo \"$e\"";
    let function = Function::bash(script).mode("oneshot").pipe("go").start();
    let id = function.send(patient("1"));
    function.wait_log("busy 1");
    freeze(&function, &sandbox(&function), || {});
    function.pipe("go").ring();
    assert_eq!(function.answer(&id).value(), "1");
    function.wait_idle();
    freeze(&function, &sandbox(&function), || {});
    function.pipe("go").ring();
    assert_eq!(function.call("2").value(), "2");
}

#[test]
fn eight_frozen_workers_each_go_on_with_their_own_event() {
    let function = Function::bash(WAITS).pipe("go").pipe("done").workers(8).start();
    let ids: Vec<_> = (0..8)
        .map(|number| {
            function.send(if number % 2 == 0 { patient(number.to_string()) } else { hopeless(&number.to_string()) })
        })
        .collect();
    (0..8).for_each(|number| function.wait_log(&format!("busy {number}")));
    freeze(&function, &sandbox(&function), || {});
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 2 == 1) {
        let answer = function.answer(id);
        assert_eq!(answer.0.call, Call::Error, "{number}: {}", answer.0);
        answer.error("Runtime.InvokeTimeout");
    }
    (0..4).for_each(|_| function.pipe("go").ring());
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        assert_eq!(function.answer(id).response_text(), number.to_string());
    }
}

#[test]
fn a_shared_handler_goes_on_with_all_its_events() {
    let script = format!(
        "{}
import threading
lock = threading.Lock()
emit('lambda-stdio/1 ready concurrency=4\\n')
def work(headers, event):
    sys.stderr.write('busy %s\\n' % event.decode()); sys.stderr.flush()
    open('go%s' % event.decode()).readline()
    with lock:
        write(event, Lambda_Runtime_Aws_Request_Id=headers['Lambda-Runtime-Aws-Request-Id'])
for headers, event in events():
    threading.Thread(target=work, args=(headers, event), daemon=True).start()
",
        crate::harness::speaking::SPEAKING
    );
    let mut function = Function::python(&script).workers(4);
    for number in 0..4 {
        function = function.pipe(&format!("go{number}"));
    }
    let function = function.start();
    let ids: Vec<_> = (0..4)
        .map(|number| function.send(if number == 0 { hopeless("0") } else { patient(number.to_string()) }))
        .collect();
    (0..4).for_each(|number| function.wait_log(&format!("busy {number}")));
    freeze(&function, &sandbox(&function), || {});
    function.answer(&ids[0]).error("Runtime.InvokeTimeout");
    for number in (1..4).rev() {
        function.pipe(&format!("go{number}")).ring();
        assert_eq!(function.answer(&ids[number]).response_text(), number.to_string());
    }
}
