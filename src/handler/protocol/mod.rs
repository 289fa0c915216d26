//! Ways to talk to a handler that others have laid down, as protocols without any I/O: what to send for an event, and what
//! that means which comes back. Who drives them has the pipes and the clock.

pub mod cgi;
pub mod jsonrpc;
