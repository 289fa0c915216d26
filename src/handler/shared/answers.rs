//! What a shared process has said, given to those who wait for it.

use super::busy::Busy;
use crate::fault::Fault;
use crate::handler::exchange::trace;
use crate::handler::protocol::Protocol;
use crate::handler::protocol::reader::{Broken, Item};
use crate::handler::protocol::reply::{self, log_dropped};
use crate::log;

/// Passes on the answers that a process has given. Why it cannot be read any further, if so.
pub fn pass_on(busy: &mut Busy, trace_all: bool) -> Option<Fault> {
    match busy.instance.protocol() {
        Protocol::JsonRpc => outputs(busy, trace_all),
        _ => messages(busy, trace_all).map(|broken| reply::broken_fault(&broken)),
    }
}

fn messages(busy: &mut Busy, trace_all: bool) -> Option<Broken> {
    loop {
        let instance = &mut busy.instance;
        match instance.dialogue.next_message(&mut instance.process.stdout.output) {
            Ok(Some(Item::Message { message, .. })) => match busy.take(&message) {
                Some(mut event) => {
                    let instance = &mut busy.instance;
                    instance.process.empty_stderr();
                    instance.answers += 1;
                    let result = reply::result(message, || instance.process.stderr.stack());
                    if trace_all {
                        trace(&result);
                    }
                    event.reply.first(result, None);
                }
                None => log_dropped(&message),
            },
            // Put together: while one answer were streamed, all others would have to wait for whoever reads it.
            Ok(Some(Item::StreamHead(_))) => {}
            Ok(None) => return None,
            Err(broken) => return Some(broken),
        }
    }
}

fn outputs(busy: &mut Busy, trace_all: bool) -> Option<Fault> {
    let instance = &mut busy.instance;
    instance.set_aside();
    if instance.is_silent() {
        instance.dialogue.talk.hear_last(&mut instance.process.stdout.output);
    }
    while let Some(output) = busy.instance.dialogue.talk.next() {
        busy.instance.process.empty_stderr();
        busy.instance.answers += u64::from(output.last);
        if trace_all && let Ok(bytes) = &output.bytes {
            log::trace('<', bytes);
        }
        busy.deliver(output);
    }
    busy.instance.dialogue.talk.broken().cloned()
}
