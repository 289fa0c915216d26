//! What was made of the environment and the command line: all that it takes to start a handler.

use std::sync::Arc;

use crate::config::Config;
use crate::fault::Fault;
use crate::handler::program::Sought;
use crate::handler::{Handler, Program};
use crate::os::Signals;

/// All that it takes to start a handler, as often as there are workers.
pub struct Setup {
    pub config: Config,
    pub sought: Sought,
    /// `None` where it may change: then it is found anew at each start.
    pub program: Option<Program>,
    pub signals: Arc<Signals>,
}

impl Setup {
    /// Starts the handler of one worker.
    pub fn start(&self) -> Result<Handler, Fault> {
        Handler::start(self.config.clone(), &self.sought, self.program.clone(), self.signals.clone())
    }
}
