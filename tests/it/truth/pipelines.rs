//! Pipelines: what reads our stdin has handed the event on, and somebody behind it works. They are at rest only when all
//! of them are.

use super::learned;
use crate::harness::{Function, need};

/// Behind what the first program of a pipeline prints, a loop that counts, and takes this time for each.
#[track_caller]
fn keeps_its_count(reader: &str, work: &str) {
    need(reader.split(' ').next().unwrap());
    let script = format!(
        "{reader} | {{ n=0; while read -r e; do n=$((n+1)); {work} echo \"{{\\\"n\\\":$n,\\\"e\\\":$e}}\"; done; }}"
    );
    let function = Function::bash(&script).start();
    for n in 1..=4 {
        let answer = function.call((n * 10).to_string());
        assert_eq!(answer.response_text(), format!("{{\"n\":{n},\"e\":{}}}", n * 10), "{}", function.story());
    }
    assert_eq!(learned(&function), 0, "a pipeline was taken for a filter\n{}", function.story());
}

#[test]
fn a_reader_that_flushes_hands_its_lines_to_a_loop() {
    for reader in ["jq -c --unbuffered .", "sed -u s/x/y/", "cat", "stdbuf -oL tr x y"] {
        keeps_its_count(reader, "");
    }
}

#[test]
fn a_loop_behind_a_reader_takes_its_time() {
    keeps_its_count("cat", "sleep 0.3;");
    keeps_its_count("jq -c --unbuffered .", "for i in {1..100000}; do :; done;");
}

#[test]
fn a_pipeline_that_reads_to_the_end_is_a_oneshot() {
    // Nobody but the first reads our stdin, and all the others wait for one another.
    for script in [
        "cat | sort | tr a-z A-Z",
        "(cat; :) | { sort; } | tr a-z A-Z",
        "exec 3< <(tr a-z A-Z | sort); exec < /dev/null; cat <&3",
    ] {
        let function = Function::bash(script).start();
        for _ in 0..3 {
            assert_eq!(function.call("\"ada\"").value(), "\"ADA\"", "{script}\n{}", function.story());
        }
        assert_eq!(learned(&function), 1, "{script}\n{}", function.story());
    }
}

#[test]
fn a_slow_filter_behind_a_reader_is_waited_for() {
    // While it sleeps, the others are at rest; end-of-file would not hurt, but nothing is proved by it.
    let function = Function::bash("cat | { sleep 0.4; sort; }").start();
    for _ in 0..3 {
        assert_eq!(function.call("\"b\"").value(), "\"b\"");
    }
}

#[test]
fn a_coprocess_of_the_handlers_own_keeps_its_state() {
    // The co-process waits for the handler, the handler for us: neither waits for end-of-file.
    let script = "coproc total { n=0; while read -r e; do n=$((n+e)); sleep 0.2; echo $n; done; }
while read -r e; do echo \"$e\" >&${total[1]}; read -r n <&${total[0]}; echo \"$n\"; done";
    let function = Function::bash(script).start();
    for (event, sum) in [("1", "1"), ("2", "3"), ("3", "6")] {
        assert_eq!(function.call(event).response_text(), sum, "{}", function.story());
    }
    assert_eq!(learned(&function), 0, "{}", function.story());
}
