//! Fuzzing: what reads bytes that others have written is given any bytes, and judged by somebody else who reads the same.
//!
//! `targets` says what must hold. `cargo fuzz` looks for inputs for which it does not (see README.md); `cargo test` tries the
//! kept inputs (`seeds`) and some thousands of changed ones (`short`). `bootstrap` is a program and no library, so its parts
//! are compiled in here by their paths. `staged` stands in for what is outside of it: the log keeps what it is given, and a
//! process, `/proc` and a server do what the input says.

#![allow(dead_code, unused_imports, clippy::missing_panics_doc)]
// What is private to one part there is a target of its own here.
#![allow(clippy::duplicate_mod)]

#[path = "../../src/fault.rs"]
mod fault;
#[path = "../../src/http_event/mod.rs"]
mod http_event;
#[path = "../../src/idle.rs"]
mod idle;
#[path = "../../src/invocation.rs"]
mod invocation_itself;
#[path = "../../src/json/mod.rs"]
mod json;
#[path = "../../src/os.rs"]
mod os;
#[path = "../../src/lambda/mod.rs"]
mod runtime_api;
#[path = "../../src/source.rs"]
mod source;
#[path = "../../src/words.rs"]
mod words;
#[path = "../../src/xray/mod.rs"]
mod xray;

#[path = "../../src/handler"]
mod handler {
    pub mod exchange;
    pub mod instance;
    #[path = "../../tests/fuzz/staged/process/mod.rs"]
    pub mod process;
    pub mod program;
    pub mod protocol;
    pub mod stopping;
}

#[path = "../../src/lambda"]
mod lambda {
    pub mod prelude;
}

#[path = "../../src/process_tree"]
mod looking {
    pub mod activity;
    mod descendants;
    mod descriptors;
    /// What is read of `/proc`, and how it is taken apart.
    #[path = "."]
    pub mod files {
        pub mod proc;
    }
    #[path = "../../tests/fuzz/staged/looking/memory.rs"]
    mod memory;
    pub mod poll_set;
    #[path = "../../tests/fuzz/staged/looking/proc.rs"]
    mod proc;
    pub mod roots;
    mod seen;
    mod service_threads;
    #[path = "../../tests/fuzz/staged/looking/sockets.rs"]
    mod sockets;
    mod times;
    mod wait;
}

#[path = "../../src/shell"]
mod shell {
    pub mod events;
    pub mod input;
}

#[path = "staged/config.rs"]
mod config;
#[path = "staged/invocation.rs"]
mod invocation;
#[path = "staged/log.rs"]
mod log;
#[path = "staged/proc_files.rs"]
mod proc_files;
#[path = "staged/process_tree.rs"]
mod process_tree;
#[path = "staged/server.rs"]
mod server;
pub mod targets;

#[cfg(test)]
#[path = "../it/harness/random.rs"]
mod random;
#[cfg(test)]
mod short;
