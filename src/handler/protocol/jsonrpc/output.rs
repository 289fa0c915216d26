//! What goes back to the events in flight.

use crate::fault::Fault;

/// An event in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call(pub u64);

/// The answer to an event, or a piece of it.
#[derive(Debug)]
pub struct Output {
    pub call: Call,
    /// A fault is the event's invocation error.
    pub bytes: Result<Vec<u8>, Fault>,
    /// Nothing more follows for this event.
    pub last: bool,
}
