//! What `$_HANDLER` means: from a name to a program that can be started.
//!
//! `find` looks a name up, `adapters` has the programs that run a function of one language, and `entrypoint` reads
//! `#!` lines and says why a file cannot be run.

mod adapters;
mod entrypoint;
mod find;

pub use entrypoint::{Program, cannot_run};
pub use find::find;
