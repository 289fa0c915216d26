//! One source with a handler of its own, which is the ordinary case.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use super::events::{self, OwnHandler};
use super::setup::Setup;
use super::snapstart;
use crate::handler::Handler;
use crate::log;
use crate::shell::Shell;
use crate::source::Source;

/// Serves events until there are no more, or a signal says so. An error ends the worker.
pub fn serve_source(source: &mut dyn Source, handler: Handler) -> anyhow::Result<()> {
    let mut handler = OwnHandler(Arc::new(Mutex::new(handler)));
    source.tend(handler.0.clone());
    let served = match snapstart::lead(source, &handler) {
        Ok(true) => events::serve(source, &mut handler),
        ended => ended.map(drop),
    };
    handler.lock().stop();
    served
}

/// Serves the events of a shell until there are no more. The exit status tells whether one of them failed.
pub fn serve_shell(mut shell: Shell, setup: &Setup) -> anyhow::Result<ExitCode> {
    match setup.start() {
        Ok(handler) => match serve_source(&mut shell, handler) {
            Err(_) if shell.is_unread() => {}
            served => served?,
        },
        Err(_) if setup.signals.pending().is_some() => {}
        Err(fault) => {
            log::fault(&fault);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(if shell.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
