//! SnapStart as the handler sees it. The sandboxes that are restored from one snapshot begin with the same memory: the
//! same random numbers to come, the same connections, which lead nowhere. So a handler may want to be told, in order to
//! close things before the snapshot is taken, and to open or seed them after it was restored.
//!
//! A handler that speaks messages says so in its greeting, and gets two messages that are no events of Lambda's. It
//! answers each like an event: when it is done, or has failed. Any other handler is not disturbed. A process that stands by
//! is in the snapshot, too, and is treated as the first.
//!
//! Lambda's side of it is in `lambda::snapstart`; which errors it expects is seen in AWS's own runtimes, such as
//! <https://github.com/aws/aws-lambda-python-runtime-interface-client>.

use std::time::{Duration, Instant};

use super::exchange::{self, Limits, Manner, Outcome};
use super::instance::Instance;
use super::lifecycle::Lifecycle;
use super::process::describe;
use crate::fault::Fault;
use crate::invocation::{Answer, Invocation};
use crate::log;

/// The word in a greeting that asks for the messages.
const GREETED: &str = "snapstart";

/// The header that says what has come to pass. An event of Lambda's never has it.
const EVENT: &str = "Lambda-Stdio-Event";

/// What Lambda gives to a restore is 10 s: this leaves time for the report.
const RESTORING: Duration = Duration::from_millis(9500);

/// What the handler is told.
pub struct News {
    event: &'static str,
    error_type: &'static str,
    longest: Duration,
}

pub const BEFORE: News =
    News { event: "before-snapshot", error_type: "Runtime.BeforeSnapshotError", longest: Duration::MAX };
pub const AFTER: News = News { event: "after-restore", error_type: "Runtime.AfterRestoreError", longest: RESTORING };

/// Whether the process asked to be told.
fn concerns(instance: &Instance) -> bool {
    instance.dialogue.greeting().offers(GREETED)
}

impl News {
    /// Tells each process that asked to be told. What has failed is not started again while that is reported.
    pub fn tell_all(&self, lifecycle: &mut Lifecycle, ready_timeout: Duration) -> Result<(), Fault> {
        lifecycle.busy = true;
        let (began, limit) = (Instant::now(), self.limit(ready_timeout));
        for standby in [false, true] {
            let pool = &mut lifecycle.pool;
            let place = if standby { &mut pool.standby } else { &mut pool.current };
            let Some(mut instance) = place.take_if(|instance| concerns(instance)) else { continue };
            self.tell(&mut instance, &mut Limits::of(lifecycle.for_limits(), began, Some(began + limit)), limit)?;
            let pool = &mut lifecycle.pool;
            *(if standby { &mut pool.standby } else { &mut pool.current }) = Some(instance);
        }
        lifecycle.busy = false;
        Ok(())
    }

    /// How long a handler may take that has `ready_timeout` for its start.
    fn limit(&self, ready_timeout: Duration) -> Duration {
        ready_timeout.min(self.longest)
    }

    /// Tells the process, and waits until it agrees. After a fault it is of no more use.
    fn tell(&self, instance: &mut Instance, limits: &mut Limits<'_>, limit: Duration) -> Result<(), Fault> {
        let event = self.event;
        let mut message = Invocation::default();
        message.headers.push(EVENT, event);
        let outcome = exchange::carry_out(instance, &message, Vec::new(), Manner::default(), limits);
        let in_time = !limits.is_over();
        let failed = |message: &str, stack| Err(Fault::new(self.error_type, message).with_stack(stack));
        match outcome.map_err(|error| Fault::pipes(&error))? {
            Outcome::Answer(Answer::Whole(_)) => {
                log::debug(format_args!("the handler has answered {event} after {:.1?}", limits.began.elapsed()));
                instance.take_back();
                Ok(())
            }
            Outcome::Fault { mut fault, keep: true } => {
                self.error_type.clone_into(&mut fault.error_type);
                Err(fault)
            }
            Outcome::Fault { fault, keep: false } if in_time => failed(&fault.message, fault.stack),
            Outcome::Fault { fault, .. } | Outcome::Buffered(fault) => {
                let limit = limit.as_millis();
                let message = format!(
                    "The handler had not answered {event} within {limit} ms (HANDLER_READY_TIMEOUT_MS), and was killed"
                );
                failed(&message, fault.stack)
            }
            Outcome::Untouched => {
                let status = describe(instance.process.kill());
                let message = format!("The handler ended with {status} before it had read {event}");
                failed(&message, instance.process.stderr.stack())
            }
            Outcome::Answer(Answer::Stream { .. }) | Outcome::ReadsToEnd { .. } => {
                failed(&format!("The handler answered {event} with a stream: an answer without a body will do"), vec![])
            }
        }
    }
}
