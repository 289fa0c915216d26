//! Large events and answers under AWS's emulator.

use crate::harness::Function;

const LIMIT: usize = 6_291_556;

#[test]
fn six_megabytes_go_both_ways() {
    let event = format!("\"{}\"", "0123456789".repeat(600_000));
    let python = Function::empty().file("app.py", "def handler(event, context): return event").handler("app.handler");
    for (what, function) in [
        ("loop", Function::bash("exec cat").mode("loop")),
        ("oneshot", Function::bash("exec cat").mode("oneshot")),
        ("messages", python),
    ] {
        let function = function.start_emulated();
        for _ in 0..3 {
            let (status, answer) = function.call(&event);
            let same = answer.as_str().is_some_and(|answer| answer == &event[1..event.len() - 1]);
            assert!(status == 200 && same, "{what}: {}", function.story());
        }
        function.has_survived();
    }
}

#[test]
fn an_answer_that_is_too_large_is_an_error() {
    let script = "while read -r n; do printf '\"'; head -c $((n - 2)) /dev/zero | tr '\\0' x; echo '\"'; done";
    let function = Function::bash(script).mode("loop").start_emulated();
    for (size, fits) in [(LIMIT, true), (LIMIT + 1, false), (10, true), (5 * LIMIT, false), (10, true)] {
        let (status, answer) = function.call(size.to_string());
        assert_eq!(status, 200);
        if fits {
            assert_eq!(answer.as_str().map(str::len), Some(size - 2), "{}", function.story());
        } else {
            assert_eq!(answer["errorType"], "Function.ResponseSizeTooLarge", "{}", function.story());
        }
    }
    function.has_survived();
}
