//! Several events at once: workers, each with a connection, a handler and a context file of its own, so that one's
//! crash, time-out or restart is nobody else's. One worker is the ordinary case, and needs no thread.
//!
//! Each worker lives on a thread that lasts as long as its handler, which would die with it (`os::spawn`). A handler that
//! works on several events at once by itself is shared by all workers instead.

use std::io;
use std::process::ExitCode;
use std::thread;

use super::events::{self, SharedHandler};
use super::one::serve_source;
use super::setup::Setup;
use crate::fault::Fault;
use crate::handler::Handler;
use crate::lambda::Lambda;
use crate::{config, log};

/// How a worker left.
enum Left {
    /// Its handler could not be started in the first place.
    NotStarted(Fault),
    /// It served events until a signal or an error ended that.
    Served(anyhow::Result<()>),
}

/// Serves events from the Runtime API at `address` until a signal ends that. Any other end is a failure, so that Lambda
/// replaces the sandbox: all workers have left.
pub fn serve(address: &str, setup: &Setup) -> anyhow::Result<ExitCode> {
    if setup.config.graceful {
        Lambda::at(address)?.ask_for_sigterm();
    }
    let count = count(setup);
    // The first handler tells whether it works on several events by itself.
    let first = start(setup);
    match first {
        Ok(Some(handler)) if count > 1 && handler.concurrency() > 1 => share(address, handler, count),
        first => {
            let lambda = || Lambda::at(address).map(|lambda| if count > 1 { lambda.patient() } else { lambda });
            let lambdas: Vec<_> = (0..count).map(|_| lambda()).collect::<Result<_, _>>()?;
            judge(address, work_apart(lambdas, first, setup))
        }
    }
}

/// Starts a worker's handler; `None` if a signal came instead.
fn start(setup: &Setup) -> Result<Option<Handler>, Fault> {
    match setup.start() {
        Ok(handler) => Ok(Some(handler)),
        Err(_) if setup.signals.pending().is_some() => Ok(None),
        Err(fault) => Err(fault).inspect_err(log::fault),
    }
}

/// How many workers there are. A sandbox that is restored from a snapshot gets one event at a time, and a snapshot is taken
/// once: there is nothing for a second worker to do.
fn count(setup: &Setup) -> u16 {
    let wanted = setup.config.workers;
    if wanted == 1 || !config::is_snapstart() {
        return wanted;
    }
    log::warn(format_args!("one worker is started and not {wanted}: with SnapStart, events come one at a time"));
    1
}

/// Each worker has a handler of its own, which the first has started already.
fn work_apart(lambdas: Vec<Lambda>, first: Result<Option<Handler>, Fault>, setup: &Setup) -> Vec<Left> {
    let mut lambdas = lambdas.into_iter();
    let own = lambdas.next();
    thread::scope(|scope| {
        let worker = |lambda| thread::Builder::new().spawn_scoped(scope, || work(lambda, start(setup), setup));
        // Where a sandbox has no thread for one more, the others have its events.
        let others: Vec<_> = lambdas.map_while(|lambda| worker(lambda).inspect_err(no_thread).ok()).collect();
        let own = own.map(|lambda| work(lambda, first, setup));
        own.into_iter().chain(others.into_iter().filter_map(|worker| worker.join().ok())).collect()
    })
}

fn work(mut lambda: Lambda, handler: Result<Option<Handler>, Fault>, setup: &Setup) -> Left {
    let served = match handler {
        Ok(Some(handler)) => serve_source(&mut lambda, handler),
        Ok(None) => Ok(()),
        Err(fault) => return Left::NotStarted(fault),
    };
    if let Err(error) = &served
        && setup.config.workers > 1
    {
        log::error(format_args!("a worker leaves: {error:#}"));
    }
    Left::Served(served)
}

/// All workers share one process, which works on so many events at once as it has said. This thread looks after it.
fn share(address: &str, handler: Handler, count: u16) -> anyhow::Result<ExitCode> {
    let count = count.min(handler.concurrency());
    let mut shared = handler.share(count.into())?;
    for _ in 0..count {
        let (mut lambda, queue) = (Lambda::at(address)?.patient(), shared.queue());
        // They wait for Lambda without end, and end with bootstrap.
        let serve = move || {
            if let Err(error) = events::serve(&mut lambda, &mut SharedHandler::new(queue.clone())) {
                log::error(format_args!("a worker leaves: {error:#}"));
            }
            queue.leave();
        };
        if let Err(error) = thread::Builder::new().spawn(serve) {
            no_thread(&error);
            shared.queue().leave();
        }
    }
    shared.run().map(|()| ExitCode::SUCCESS)
}

fn no_thread(error: &io::Error) {
    log::error(format_args!("there is no thread for one more worker (HANDLER_WORKERS): {error}"));
}

/// What it means that all workers have left: an init error, where not one of them could start.
fn judge(address: &str, left: Vec<Left>) -> anyhow::Result<ExitCode> {
    let mut not_started = None;
    let mut served = None;
    for worker in left {
        match worker {
            Left::Served(result) => served = Some(result),
            Left::NotStarted(fault) => not_started = Some(fault),
        }
    }
    match (served, not_started) {
        (Some(result), _) => result.map(|()| ExitCode::SUCCESS),
        (None, Some(fault)) => init_error(address, &fault),
        (None, None) => Ok(ExitCode::SUCCESS),
    }
}

/// Tells Lambda why there is no handler, which is the end.
pub fn init_error(address: &str, fault: &Fault) -> anyhow::Result<ExitCode> {
    Lambda::at(address)?.init_error(fault)?;
    Ok(ExitCode::FAILURE)
}
