//! What is said over a handler process's pipes: bytes become events and answers here, and nothing else happens. No file
//! here reads, writes or waits, and none knows processes, so that all of it is tested and fuzzed without one.
//!
//! `kind` lists the ways to talk, and a way that is added begins there. `input` turns an event into what is written to
//! stdin. `scan` finds the answer in lines of output, `output` makes an answer of all of it, and `reader` reads `message`s,
//! whose meaning is in `reply`. A `Dialogue` holds what one process has said so far. `cgi` and `jsonrpc` are laid down by
//! others, and drive programs that nobody wrote for Lambda.

pub mod cgi;
mod dialogue;
mod grammar;
mod greeting;
mod input;
pub mod jsonrpc;
mod kind;
pub mod message;
pub mod output;
pub mod reader;
pub mod reply;
pub mod scan;

pub use dialogue::Dialogue;
pub use input::{Frame, Input};
pub use kind::Protocol;
