//! The table of bounds in SECURITY.md: for each way to talk, memory, processor time, descriptors, threads, and the time to end.

use crate::harness::speaking::SPEAKING;
use crate::harness::watch::Exit;
use crate::harness::{Function, Running, procfs};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const MB: usize = 1 << 20;
const LARGE: usize = 6_000_000;

const LOOP: &str = "import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
";

const FILTER: &str = "import sys
sys.stdout.buffer.write(sys.stdin.buffer.read())
";

/// Each way to talk, by a handler that gives the event back.
fn ways() -> Vec<(&'static str, Function)> {
    let messages =
        format!("{SPEAKING}emit('lambda-stdio/1 ready\\n')\nfor headers, body in events():\n    write(body)");
    vec![
        ("loop", Function::python(LOOP).mode("loop")),
        ("oneshot", Function::python(FILTER).mode("oneshot")),
        ("auto", Function::python(FILTER)),
        ("messages", Function::python(&messages)),
        ("stream", Function::python(FILTER).mode("oneshot").env("HANDLER_RESPONSE", "streaming")),
    ]
}

fn event(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length - 2))
}

/// The processor time of three events of this length.
fn cost(function: &Running, way: &str, length: usize) -> Duration {
    let before = procfs::processor_time(function.pid());
    for _ in 0..3 {
        let answer = function.call(event(length));
        assert_eq!(answer.response().len().abs_diff(length), usize::from(answer.response().ends_with(b"\n")), "{way}");
    }
    procfs::processor_time(function.pid()).saturating_sub(before)
}

#[test]
fn larger_events_cost_their_bytes_and_no_more() {
    for (way, function) in ways() {
        let function = function.start();
        function.call(event(100));
        let before = procfs::peak_memory(function.pid());
        let (small, large) = (cost(&function, way, LARGE / 6), cost(&function, way, LARGE));
        assert!(large < 12 * small + Duration::from_millis(100), "{way}: {small:?} for 1 MB, {large:?} for 6 MB");
        let grown = usize::try_from(procfs::peak_memory(function.pid()) - before).unwrap();
        assert!(grown < 3 * LARGE + 16 * MB, "{way}: grew by {} KiB", grown / 1024);
    }
}

#[test]
fn descriptors_and_threads_are_few_and_the_end_is_near() {
    for (way, function) in ways() {
        let function = function.start();
        for _ in 0..5 {
            function.call("\"1\"");
        }
        function.wait_idle();
        let (descriptors, threads) = (procfs::descriptors(function.pid()), procfs::threads(function.pid()));
        assert!(descriptors <= 16 && threads <= 2, "{way}: {descriptors} descriptors, {threads} threads");
        let began = Instant::now();
        function.signal(Signal::SIGTERM);
        assert_eq!(function.exit(), Exit::Status(0), "{way}: {}", function.story());
        assert!(began.elapsed() < Duration::from_secs(5), "{way}: {:?}", began.elapsed());
    }
}

#[test]
fn a_worker_has_a_thread_and_seven_descriptors_at_most() {
    let function = Function::python(LOOP).mode("loop").workers(10).start();
    function.wait_all_idle(10);
    let (descriptors, threads) = (procfs::descriptors(function.pid()), procfs::threads(function.pid()));
    assert!(descriptors <= 16 + 9 * 7 && threads <= 11, "{descriptors} descriptors, {threads} threads");
}

#[test]
fn a_handler_that_ignores_the_signal_ends_soon_after() {
    let function =
        Function::bash("trap '' TERM; while read -r e; do echo \"$e\"; done; sleep 1000").mode("loop").start();
    function.call("1");
    let began = Instant::now();
    function.signal(Signal::SIGTERM);
    assert_eq!(function.exit(), Exit::Status(0), "{}", function.story());
    let took = began.elapsed();
    assert!((Duration::from_millis(250)..Duration::from_secs(5)).contains(&took), "{took:?}");
}
