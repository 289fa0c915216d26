//! The short form, for `cargo test`: each target gets its kept inputs, and some thousands of changed ones.
//!
//! `FUZZ_SEED` repeats a run (a failing one prints its seed), `FUZZ_SECONDS` makes it longer.

use crate::random::{Random, number_from};
use crate::targets;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where no time is said, so many changed inputs.
const CHANGED: usize = 5000;

/// The kept inputs of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn fuzz(target: &str, check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "no inputs are kept for {target}");
    let others: Vec<_> = seeds.iter().map(Vec::as_slice).collect();
    let tried = |input: &[u8]| {
        let shown = || format!("{target}: {} is {input:?}", String::from_utf8_lossy(input));
        assert!(catch_unwind(AssertUnwindSafe(|| check(input))).is_ok(), "{}", shown());
    };
    for seed in &others {
        tried(seed);
    }
    let mut random = Random::seeded("FUZZ_SEED");
    let time = number_from("FUZZ_SECONDS").map(Duration::from_secs);
    let started = Instant::now();
    let mut count = 0;
    while time.map_or(count < CHANGED, |time| started.elapsed() < time) {
        let mut input = others[random.below(others.len())].to_vec();
        random.change(&mut input, &others);
        tried(&input);
        count += 1;
    }
    println!("{target}: {count} changed inputs in {:.1?}", started.elapsed());
}

macro_rules! fuzzed {
    ($($target:ident),*) => {$(
        #[test]
        fn $target() {
            fuzz(stringify!($target), targets::$target::check);
        }
    )*};
}

fuzzed!(
    cgi,
    dialogue,
    events,
    fault,
    find,
    finder,
    http_event,
    jsonrpc,
    layout,
    looks,
    message,
    poll_set,
    prelude,
    proc,
    runtime_api,
    scan,
    words
);
