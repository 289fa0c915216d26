//! The way of an event: from its source to the handler, and the answer back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::handler::Handler;
use crate::log;
use crate::source::Source;

/// Serves events until there are no more, or a signal says so. An error ends `bootstrap`.
pub fn serve(source: &mut dyn Source, handler: Handler) -> anyhow::Result<()> {
    let handler = Arc::new(Mutex::new(handler));
    source.tend(handler.clone());
    let served = serve_events(source, &handler);
    lock(&handler).stop();
    served
}

fn serve_events(source: &mut dyn Source, handler: &Mutex<Handler>) -> anyhow::Result<()> {
    loop {
        let next = source.next();
        if lock(handler).is_stopping() && !matches!(next, Ok(Some(_))) {
            return Ok(());
        }
        // Why the handler is gone says more than how the wait for its event ended.
        lock(handler).is_alive()?;
        let Some(mut invocation) = next? else { return Ok(()) };
        log::set_request(Some(&invocation.id));
        let result = lock(handler).exchange(&mut invocation);
        match result {
            Ok(answer) => source.respond(&invocation, &answer)?,
            Err(fault) => {
                log::fault(&fault);
                source.report(&invocation, &fault)?;
            }
        }
        lock(handler).renew(invocation.deadline)?;
        log::set_request(None);
        if lock(handler).is_stopping() {
            return Ok(());
        }
    }
}

/// Nobody else holds the handler while events are served: a source lets go of it when its wait is over.
fn lock(handler: &Mutex<Handler>) -> MutexGuard<'_, Handler> {
    handler.lock().unwrap_or_else(PoisonError::into_inner)
}
