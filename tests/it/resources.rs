//! Time and memory: `bootstrap` must be as good as free.

use crate::harness::{Call, Function, Running, procfs};
use std::time::Duration;

const MB: u64 = 1 << 20;

/// Stays with a running function for this long, in which nothing may come of it.
#[track_caller]
fn quiet_for(function: &Running, time: Duration) {
    let before = function.watch().look(|seen| seen.requests.len());
    let changed =
        function.watch().wait_within(time, |seen| (seen.requests.len() != before || seen.exit.is_some()).then_some(()));
    assert!(changed.is_err(), "{}", function.story());
}

#[test]
fn an_idle_bootstrap_uses_no_processor_time() {
    for (mode, script) in [("auto", "while read -r e; do echo $e; done"), ("oneshot", "cat")] {
        let function = Function::bash(script).mode(mode).start();
        function.call("1");
        function.wait_idle();
        // What it still did when it began to wait is not idling.
        quiet_for(&function, Duration::from_millis(300));
        let (time, naps) = (procfs::processor_time(function.pid()), procfs::naps(function.pid()));
        quiet_for(&function, Duration::from_secs(3));
        let (time, naps) =
            (procfs::processor_time(function.pid()).saturating_sub(time), procfs::naps(function.pid()) - naps);
        assert!(time <= Duration::from_millis(20), "{mode}: {time:?} of processor time in three idle seconds");
        assert!(naps <= 6, "{mode}: woke up {naps} times in three idle seconds");
    }
}

#[test]
fn a_working_handler_costs_milliseconds() {
    // Two seconds of work, in every state a handler can be seen in: asleep, waiting for a child, computing.
    for (mode, work) in [
        ("auto", "sleep 2"),
        ("loop", "sleep 2"),
        ("auto", "end=$((SECONDS + 2)); while ((SECONDS < end)); do :; done"),
        ("oneshot", "sleep 2"),
    ] {
        let script = format!(
            "while read -r e; do [ \"$e\" = 1 ] && {{ {work}; }}; echo $e; [ $HANDLER_MODE = oneshot ] && exit; done"
        );
        let function = Function::bash(&script).mode(mode).start();
        // In auto the first event is the one that is watched most closely.
        function.wait_idle();
        let before = procfs::processor_time(function.pid());
        function.call("1");
        let used = procfs::processor_time(function.pid()).saturating_sub(before);
        assert!(used <= Duration::from_millis(100), "{mode}, {work}: {used:?}");
    }
}

#[test]
fn six_megabytes_each_way_at_the_handlers_own_pace_stay_within_bounds() {
    // It reads and writes a little at a time, and answers while it reads.
    let script = "import os
while True:
    chunk = os.read(0, 50000)
    if not chunk:
        break
    while chunk:
        chunk = chunk[os.write(1, chunk[:20000]):]
";
    let event = format!("\"{}\"", "0123456789abcdef".repeat(6 * 65_000));
    let size = event.len() as u64;
    assert!(size < 6_291_556);
    for mode in ["loop", "oneshot", "auto"] {
        let function = Function::python(script).mode(mode).start();
        function.call("\"small\"");
        let before = procfs::peak_memory(function.pid());
        for _ in 0..3 {
            assert!(function.call(event.clone()).response_text().trim_end() == event);
        }
        let grown = grown_since(before, &function);
        // Twice the event, and the answer, and something for pipes and buffers.
        assert!(grown <= 3 * size + 6 * MB, "{mode}: grew by {} KiB for {} KiB each way", grown / 1024, size / 1024);
    }
}

/// A loop that puts out two hundred megabytes without the end of a line, by this command, and then answers.
fn flood(command: &str, close: &str) -> Function {
    Function::bash(&format!(
        "while read -r e; do [ $e = 1 ] && {{ head -c 200000000 /dev/zero | tr '\\0' x {command}; {close}; }}; echo $e; done"
    ))
}

#[test]
fn a_flood_on_stderr_is_read_in_bounded_memory() {
    bounded(&flood(">&2", "echo >&2").mode("loop").start());
}

#[test]
fn a_flood_of_text_on_stdout_is_read_in_bounded_memory() {
    bounded(&flood("", "echo").mode("loop").start());
}

/// By how much the peak of memory has grown. The kernel counts it in pieces, one for each processor: it may read lower
/// afterwards.
fn grown_since(before: u64, function: &Running) -> u64 {
    procfs::peak_memory(function.pid()).saturating_sub(before)
}

fn bounded(function: &Running) {
    function.call("0");
    let before = procfs::peak_memory(function.pid());
    assert_eq!(function.call("1").response(), b"1");
    assert_eq!(function.call("2").response(), b"2");
    let grown = grown_since(before, function);
    assert!(grown <= 10 * MB, "grew by {} KiB", grown / 1024);
}

#[test]
fn an_endless_answer_is_given_up_in_bounded_memory() {
    let script = "while read -r e; do [ $e = 1 ] && { printf '\"'; head -c 200000000 /dev/zero | tr '\\0' x; echo '\"'; }; [ $e = 1 ] || echo $e; done";
    let function = Function::bash(script).mode("loop").start();
    function.call("0");
    let before = procfs::peak_memory(function.pid());
    function.call("1").error("Function.ResponseSizeTooLarge");
    assert_eq!(function.call("2").response(), b"2");
    let grown = grown_since(before, &function);
    assert!(grown <= 40 * MB, "grew by {} KiB", grown / 1024);

    let function = Function::bash("n=$(cat); head -c $n /dev/zero | tr '\\0' x").mode("oneshot").start();
    function.call("1");
    let before = procfs::peak_memory(function.pid());
    function.call("200000000").error("Function.ResponseSizeTooLarge");
    let grown = grown_since(before, &function);
    assert!(grown <= 40 * MB, "grew by {} KiB", grown / 1024);
    assert_eq!(function.requests(Call::Next, 3).len(), 3);
}
