//! Where events come from and answers go: Lambda's Runtime API, or a shell in its place.

use crate::fault::Fault;
use crate::idle::Tended;
use crate::invocation::{AnswerStream, Invocation, Whole};

/// A source of events. Every event that `next` gave gets exactly one `respond` or one `report`.
pub trait Source {
    /// From now on, this is tended while the source waits.
    fn tend(&mut self, tended: Tended);

    /// The next event, once there is one. `None`: there will be no more.
    fn next(&mut self) -> anyhow::Result<Option<Invocation>>;

    /// Answers an event. An error is one that ends `bootstrap`: others are logged.
    fn respond(&mut self, invocation: &Invocation, answer: &Whole) -> anyhow::Result<()>;

    /// Answers an event piece by piece. A fault on the way is the answer's end; it is returned.
    fn stream(
        &mut self,
        invocation: &Invocation,
        content_type: Option<&str>,
        answer: &mut dyn AnswerStream,
    ) -> anyhow::Result<Option<Fault>>;

    /// Says that an event failed.
    fn report(&mut self, invocation: &Invocation, fault: &Fault) -> anyhow::Result<()>;
}
