//! The order of SnapStart: the handler hears that a snapshot is about to be taken, the source has it taken, the handler
//! hears that it was restored. Only then is there a first event.

use std::sync::Mutex;

use crate::fault::Fault;
use crate::handler::Handler;
use crate::log;
use crate::source::Source;
use crate::supervisor::lock;

/// Leads handler and source through the snapshot, where there is to be one. Whether events may follow: if not, what failed
/// has been reported, or a signal ends `bootstrap`.
pub fn lead(source: &mut dyn Source, handler: &Mutex<Handler>) -> anyhow::Result<bool> {
    if source.snapshots().is_none() {
        return Ok(true);
    }
    let told = lock(handler).before_snapshot();
    if let Err(fault) = told {
        return fail(handler, &fault, |fault| source.init_error(fault));
    }
    let Some(snapshots) = source.snapshots() else { return Ok(true) };
    let restored = snapshots.wait_restored();
    if lock(handler).is_stopping() {
        return Ok(false);
    }
    // Why the handler is gone says more than how the wait ended.
    lock(handler).is_alive()?;
    restored?;
    let told = lock(handler).after_restore();
    if let Err(fault) = told {
        return fail(handler, &fault, |fault| snapshots.restore_error(fault));
    }
    Ok(true)
}

/// What a handler that was told to stop did not manage is not its fault.
fn fail(
    handler: &Mutex<Handler>,
    fault: &Fault,
    report: impl FnOnce(&Fault) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    if !lock(handler).is_stopping() {
        log::fault(fault);
        report(fault)?;
    }
    Ok(false)
}
