//! The handler: what the function's author wrote, kept running.
//!
//! `program` says what it is; `process` is one process of it with its pipes, and `protocol` what is said over those; an
//! `instance` is both together. `exchange` gives one event to one instance; `lifecycle` starts, restarts and ends them, until
//! a signal comes (`stopping`); `shared` does both for a handler that works on several events in one process. `context` keeps
//! the context file, `variables` are what Lambda says of an event for a process that is started for it, `refusal` is what an
//! HTTP caller is told, and `snapshot` tells the handler of SnapStart. A `Handler` is all of it.

mod context;
mod exchange;
#[allow(clippy::module_inception)] // The type that the folder is named after.
mod handler;
mod instance;
mod lifecycle;
mod process;
pub mod program;
mod protocol;
mod refusal;
mod shared;
mod snapshot;
mod stopping;
mod variables;

pub use handler::Handler;
pub use program::Program;
pub use shared::{Queue, Replies};
