//! JSON-RPC 2.0 over stdin and stdout, a message a line, as the stdio transport of the Model Context Protocol (MCP) has it.
//!
//! An `Event` is what the caller sent: a message, a batch, or an HTTP request with one of these. A `Session` is one server
//! process and the events in flight in it: it gives each request an id of its own on the way in and the caller's back on
//! the way out, and shakes hands where MCP wants that. A `Talk` has the session and what came of it. Messages pass to the byte, but for their ids and raw line ends.

mod event;
mod flight;
mod mcp;
mod message;
mod output;
mod reply;
mod session;
mod talk;

pub use event::Event;
pub use session::{Call, Opened, Output, Serves, Session};
pub use talk::Talk;
