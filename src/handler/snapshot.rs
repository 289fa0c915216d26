//! SnapStart as the handler sees it. The sandboxes that are restored from one snapshot begin with the same memory: the
//! same random numbers to come, the same connections, which lead nowhere. So a handler may want to be told, in order to
//! close things before the snapshot is taken, and to open or seed them after it was restored.
//!
//! A handler that speaks messages says so in its greeting, and gets two messages that are no events of Lambda's. It
//! answers each like an event: when it is done, or has failed. Any other handler is not disturbed. A second process that
//! stands by is in the snapshot, too, and is treated as the first.
//!
//! Lambda's side of it is in `lambda::snapstart`; which errors it expects is seen in AWS's own runtimes, such as
//! <https://github.com/aws/aws-lambda-python-runtime-interface-client>.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::exchange::{self, Outcome};
use super::process::{Process, describe};
use super::{Handler, pipes_fault};
use crate::fault::Fault;
use crate::invocation::{Answer, Invocation};
use crate::log;

/// The word in a greeting that asks for the messages.
const GREETED: &str = "snapstart";

/// The header that says what has come to pass. An event of Lambda's never has it.
const EVENT: &str = "Lambda-Stdio-Event";

/// What Lambda gives to a restore is 10 s: this leaves time for the report.
const RESTORING: Duration = Duration::from_millis(9500);

impl Handler {
    /// Tells the handler that a snapshot is about to be taken, and waits until it agrees.
    pub fn before_snapshot(&mut self) -> Result<(), Fault> {
        self.tell("before-snapshot", "Runtime.BeforeSnapshotError", self.config.ready_timeout)
    }

    /// Tells the handler that it was restored from a snapshot, and waits until it is ready for events again.
    pub fn after_restore(&mut self) -> Result<(), Fault> {
        self.tell("after-restore", "Runtime.AfterRestoreError", self.config.ready_timeout.min(RESTORING))
    }

    fn tell(&mut self, event: &str, error_type: &str, limit: Duration) -> Result<(), Fault> {
        // What has failed is not started again while that is reported.
        self.busy = true;
        self.began = Instant::now();
        if let Some(process) = self.current.take_if(|process| process.stdout.greeted(GREETED)) {
            self.current = Some(self.tell_process(process, event, error_type, limit)?);
        }
        if let Some(process) = self.spare.take_if(|process| process.stdout.greeted(GREETED)) {
            self.spare = Some(self.tell_process(process, event, error_type, limit)?);
        }
        self.busy = false;
        Ok(())
    }

    fn tell_process(
        &mut self,
        mut process: Process,
        event: &str,
        error_type: &str,
        limit: Duration,
    ) -> Result<Process, Fault> {
        let headers = vec![(Cow::Borrowed(EVENT), event.to_owned())];
        let message = Invocation { headers, ..Invocation::default() };
        let mut watch = self.watch_until(Some(Instant::now() + limit));
        let outcome = exchange::carry_out(&mut process, &message, Vec::new(), None, &mut watch);
        let in_time = !watch.is_over();
        let failed = |message: &str, stack| Err(Fault::new(error_type, message).with_stack(stack));
        match outcome.map_err(|error| pipes_fault(&error))? {
            Outcome::Answer(Answer::Whole(_)) => {
                log::debug(format_args!("the handler has answered {event} after {:.1?}", self.began.elapsed()));
                process.stdin.take_back();
                Ok(process)
            }
            Outcome::Fault { mut fault, keep: true } => {
                error_type.clone_into(&mut fault.error_type);
                Err(fault)
            }
            Outcome::Fault { fault, keep: false } if in_time => failed(&fault.message, fault.stack),
            Outcome::Fault { fault, .. } => {
                let limit = limit.as_millis();
                let message = format!(
                    "The handler had not answered {event} within {limit} ms (HANDLER_READY_TIMEOUT_MS), and was killed"
                );
                failed(&message, fault.stack)
            }
            Outcome::Untouched => {
                let status = describe(process.kill());
                failed(&format!("The handler ended with {status} before it had read {event}"), process.stderr.stack())
            }
            Outcome::Answer(Answer::Stream { .. }) | Outcome::ReadsToEnd(_) => {
                failed(&format!("The handler answered {event} with a stream: an answer without a body will do"), vec![])
            }
        }
    }
}
