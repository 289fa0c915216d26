//! Several events at once: workers, each with a connection, a handler and a context file of its own, so that one's
//! crash, time-out or restart is nobody else's. One worker is the ordinary case, and needs no thread.
//!
//! Each worker lives on a thread that lasts as long as its handler, which would die with it (`os::spawn`).

use std::process::ExitCode;
use std::thread;

use crate::fault::Fault;
use crate::lambda::Lambda;
use crate::setup::Setup;
use crate::{config, log, supervisor};

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
    let first = Lambda::at(address)?;
    if setup.config.graceful {
        first.ask_for_sigterm();
    }
    let left = match count(setup) {
        1 => vec![work(first, setup)],
        count => {
            let others: Vec<_> = (1..count).map(|_| Lambda::at(address)).collect::<Result<_, _>>()?;
            let lambdas = std::iter::once(first).chain(others);
            thread::scope(|scope| {
                let workers: Vec<_> = lambdas.map(|lambda| scope.spawn(|| work(lambda.patient(), setup))).collect();
                workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
            })
        }
    };
    judge(address, left)
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

fn work(mut lambda: Lambda, setup: &Setup) -> Left {
    let served = match setup.start() {
        Ok(handler) => supervisor::serve(&mut lambda, handler),
        Err(_) if setup.signals.pending().is_some() => Ok(()),
        Err(fault) => {
            log::fault(&fault);
            return Left::NotStarted(fault);
        }
    };
    if let Err(error) = &served
        && setup.config.workers > 1
    {
        log::error(format_args!("a worker leaves: {error:#}"));
    }
    Left::Served(served)
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
