//! Fuzzing: what reads bytes that others have written is given any bytes, and judged by somebody else who reads the same.
//!
//! `targets` says what must hold. `cargo fuzz` looks for inputs for which it does not (see README.md); `cargo test` tries the
//! kept inputs (`seeds`) and some thousands of changed ones (`short`). `bootstrap` is a program and no library, so its parts
//! are compiled in here by their paths; the log is a stand-in that keeps what it is given.

#![allow(dead_code, unused_imports, clippy::missing_panics_doc)]

#[path = "../../src/fault.rs"]
mod fault;
#[path = "../../src/http_event/mod.rs"]
mod http_event;
#[path = "../../src/idle.rs"]
mod idle;
#[path = "../../src/invocation.rs"]
mod invocation;
#[path = "../../src/json/mod.rs"]
mod json;
#[path = "../../src/os.rs"]
mod os;
#[path = "../../src/words.rs"]
mod words;
#[path = "../../src/xray/mod.rs"]
mod xray;

#[path = "../../src/handler"]
mod handler {
    pub mod program;

    pub mod protocol;
}

#[path = "../../src/lambda"]
mod lambda {
    pub mod prelude;
}

#[path = "../../src/process_tree"]
mod process_tree {
    pub mod proc;
}

#[path = "../../src/shell"]
mod shell {
    pub mod events;
    pub mod input;
}

mod config;
mod log;
pub mod targets;

#[cfg(test)]
#[path = "../it/harness/random.rs"]
mod random;
#[cfg(test)]
mod short;
