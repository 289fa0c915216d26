//! The order of SnapStart: the handler hears that a snapshot is about to be taken, the source has it taken, the handler
//! hears that it was restored. Only then is there a first event.

use anyhow::bail;

use super::events::OwnHandler;
use crate::fault::Fault;
use crate::log;
use crate::source::Source;

/// Leads handler and source through the snapshot, where there is to be one. `false`: a signal ends `bootstrap`. A failure
/// is reported, and ends it, too: Lambda has a sandbox made anew.
pub fn lead(source: &mut dyn Source, handler: &OwnHandler) -> anyhow::Result<bool> {
    let Some(snapshots) = source.snapshots() else { return Ok(true) };
    let told = handler.lock().before_snapshot();
    if let Err(fault) = told {
        return fail(handler, &fault, |fault| snapshots.before_snapshot_error(fault));
    }
    let restored = snapshots.wait_restored();
    if handler.lock().is_stopping() {
        return Ok(false);
    }
    // Why the handler is gone says more than how the wait ended.
    handler.lock().is_alive()?;
    restored?;
    let told = handler.lock().after_restore();
    if let Err(fault) = told {
        return fail(handler, &fault, |fault| snapshots.after_restore_error(fault));
    }
    Ok(true)
}

fn fail(
    handler: &OwnHandler,
    fault: &Fault,
    report: impl FnOnce(&Fault) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    if handler.lock().is_stopping() {
        // What a handler that was told to stop did not manage is not its fault.
        return Ok(false);
    }
    log::fault(fault);
    report(fault)?;
    bail!("the handler did not get through SnapStart: {}", fault.error_type)
}
