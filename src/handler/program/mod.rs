//! What `$_HANDLER` means: from a name to a program that can be started.
//!
//! `find` looks a name up by what is `sought`: `modules` says in which files a function may be, `adapters` has the programs that
//! run a function of one language, `entrypoint` reads `#!` lines and says why a file cannot be run, and `near` what a name that
//! nothing has may have been meant to be.

mod adapters;
mod entrypoint;
mod find;
mod modules;
mod near;
mod sought;

pub use entrypoint::{Program, cannot_run};
pub use find::find;
pub use sought::Sought;
