//! A guess is never a wrong success: the kinds of handlers that auto, readiness, deadlines and the process tree could be
//! wrong about, each with small cases.
//!
//! A handler that reads on while it works is no filter, a filter is found whatever it waits in, and what was learned of one
//! event holds for the next. Where that cannot be known, the event fails, and says why.

mod beginning;
mod buffers;
mod deadlines;
mod filters;
mod learning;
mod lengths;
mod pipelines;
mod preloads;
mod ready;
mod same_ids;
mod servers;
mod tree;

use crate::harness::{Function, Running};
use serde_json::Value;

/// What stands in the log once a handler is known to be a oneshot.
const LEARNED: &str = "from now on it is started once per event.";

/// How often `bootstrap` has learned that the handler is a oneshot.
fn learned(function: &Running) -> usize {
    function.stderr().matches(LEARNED).count()
}

/// The handler answers `[its process id, the event]`: all these events, in one process, which is a loop.
#[track_caller]
fn is_a_server(function: Function) {
    let function = function.start();
    let first = answer(&function, 1);
    for event in 2..=3 {
        assert_eq!(answer(&function, event), first, "another process answered the event {event}\n{}", function.story());
    }
    assert_eq!(learned(&function), 0, "it was taken for a filter\n{}", function.story());
}

/// The process id in the answer to this number.
#[track_caller]
fn answer(function: &Running, event: u32) -> Value {
    let answer = function.call(event.to_string());
    answer.response();
    let json = answer.json();
    assert_eq!(json[1], event, "{}\n{}", answer.0, function.story());
    json[0].clone()
}

/// Waits until something is so. For what nobody tells of: a process that ends, a zombie that is reaped.
fn is_soon(so: impl Fn() -> bool) -> bool {
    let end = std::time::Instant::now() + crate::harness::watch::LIMIT;
    loop {
        if so() {
            return true;
        }
        if std::time::Instant::now() > end {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
