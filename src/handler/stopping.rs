//! The end that a signal brings: SIGTERM or SIGINT has come, the handler has been told, and has a moment left.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::instance::Instance;
use super::process::poll::{self, Wait};

/// How long a handler has after SIGTERM or SIGINT before it is killed.
pub const GRACE: Duration = Duration::from_millis(300);

/// `bootstrap` has been told to end.
#[derive(Clone, Copy, Debug)]
pub struct Stopping {
    pub signal: Signal,
    /// When what is left of the handler is killed.
    pub kill_at: Instant,
}

impl Stopping {
    pub fn by(signal: Signal) -> Self {
        Self { signal, kill_at: Instant::now() + GRACE }
    }
}

/// Gives the processes until `kill_at` to end by themselves.
pub fn end_by(instances: &mut [&mut Instance], kill_at: Instant) -> io::Result<()> {
    while instances.iter().any(|instance| !instance.process.ended) && Instant::now() < kill_at {
        let mut processes: Vec<_> = instances.iter_mut().map(|instance| &mut instance.process).collect();
        poll::wait(&mut processes, &Wait { until: Some(kill_at), ..Wait::default() })?;
        for instance in instances.iter_mut() {
            instance.set_aside();
        }
    }
    Ok(())
}
