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
    fn respond(&mut self, invocation: &Invocation, answer: Whole) -> anyhow::Result<()>;

    /// Answers an event piece by piece. A fault on the way is the answer's end; it is returned.
    fn stream(
        &mut self,
        invocation: &Invocation,
        content_type: Option<&str>,
        answer: &mut dyn AnswerStream,
    ) -> anyhow::Result<Option<Fault>>;

    /// Says that an event failed.
    fn report(&mut self, invocation: &Invocation, fault: &Fault) -> anyhow::Result<()>;

    /// Where there will be a snapshot before the first event: what leads through it.
    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        None
    }
}

/// A source that has a snapshot taken of the whole sandbox once the handler is ready: events come to what was restored
/// from it, any number of times.
pub trait Snapshots {
    /// Says that the handler cannot be in a snapshot. Nothing comes after it.
    fn before_snapshot_error(&mut self, fault: &Fault) -> anyhow::Result<()>;

    /// Lets the snapshot be taken, and returns in a sandbox that was restored from it.
    fn wait_restored(&mut self) -> anyhow::Result<()>;

    /// Says that the handler could not go on after that. Nothing comes after it.
    fn after_restore_error(&mut self, fault: &Fault) -> anyhow::Result<()>;
}
