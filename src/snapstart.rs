//! The order of SnapStart: the handler hears that a snapshot is about to be taken, the source has it taken, the handler
//! hears that it was restored. Only then is there a first event.

use std::sync::Mutex;

use anyhow::bail;

use crate::fault::Fault;
use crate::handler::Handler;
use crate::log;
use crate::source::Source;
use crate::supervisor::lock;

/// Leads handler and source through the snapshot, where there is to be one. `false`: a signal ends `bootstrap`. A failure
/// is reported, and ends it, too: Lambda has a sandbox made anew.
pub fn lead(source: &mut dyn Source, handler: &Mutex<Handler>) -> anyhow::Result<bool> {
    let Some(snapshots) = source.snapshots() else { return Ok(true) };
    let told = lock(handler).before_snapshot();
    if let Err(fault) = told {
        return fail(handler, &fault, |fault| snapshots.before_snapshot_error(fault));
    }
    let restored = snapshots.wait_restored();
    if lock(handler).is_stopping() {
        return Ok(false);
    }
    // Why the handler is gone says more than how the wait ended.
    lock(handler).is_alive()?;
    restored?;
    let told = lock(handler).after_restore();
    if let Err(fault) = told {
        return fail(handler, &fault, |fault| snapshots.after_restore_error(fault));
    }
    Ok(true)
}

fn fail(
    handler: &Mutex<Handler>,
    fault: &Fault,
    report: impl FnOnce(&Fault) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    if lock(handler).is_stopping() {
        // What a handler that was told to stop did not manage is not its fault.
        return Ok(false);
    }
    log::fault(fault);
    report(fault)?;
    bail!("the handler did not get through SnapStart: {}", fault.error_type)
}
