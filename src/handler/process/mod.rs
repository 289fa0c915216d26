//! One handler process and its pipes. What is here knows Linux, and nothing of what is said over the pipes.
//!
//! `process` starts, signals, kills and reaps it; `stdin`, `stdout` and `stderr` hold what is on its way through a `pipe`; `poll` is the
//! one place where `bootstrap` waits, on the set of `watch`; `exit_status` says how it ended. What it is seen doing, and its
//! descendants, are `process_tree`'s; `cadence` says how often to look.

mod cadence;
mod exit_status;
mod pipe;
pub mod poll;
#[allow(clippy::module_inception)] // The type that the folder is named after.
mod process;
mod stderr;
mod stdin;
mod stdout;
mod watch;

pub use cadence::Cadence;
pub use exit_status::describe;
pub use process::Process;
