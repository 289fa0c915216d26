//! What a message from a handler process means: an answer, an error, and which event it is about.

use super::message::Message;
use super::output;
use super::reader::Broken;
use crate::fault::Fault;
use crate::invocation::{Answer, LARGEST_ANSWER, Whole};
use crate::log;

/// The content type of a message that holds a program's output, of which JSON is made as in oneshot.
const OUTPUT: &str = "application/vnd.lambda-stdio.output";

/// Names of headers and trailers, as the Runtime API has them.
pub const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";
/// The handler has logged the error itself.
const LOGGED: &str = "Lambda-Stdio-Logged";
const ERROR_CAUSE: &str = "Lambda-Runtime-Function-XRay-Error-Cause";
const REQUEST_ID: &str = "Lambda-Runtime-Aws-Request-Id";
pub const INVOCATION_ID: &str = "Lambda-Runtime-Invocation-Id";

/// The event that a message is about, where it says so.
pub fn request_id(message: &Message) -> Option<&str> {
    message.header(REQUEST_ID)
}

/// The attempt at the event that a message is about, where it says so.
pub fn invocation_id(message: &Message) -> Option<&str> {
    message.header(INVOCATION_ID)
}

/// Says that a message was no answer to anything. Its bytes may be an answer all the same: they are not logged.
pub fn log_dropped(message: &Message) {
    let id = request_id(message).map(|id| format!(" to {id}")).unwrap_or_default();
    log::warn(format_args!("an answer{id} of {} bytes was dropped: no such event is in flight", message.body.len()));
}

/// Why a process is replaced whose messages cannot be read any further.
pub fn broken_fault(broken: &Broken) -> Fault {
    match broken {
        Broken::Malformed(reason) => {
            Fault::marshal(format!("The handler broke off its messages, and was replaced: {reason}"))
        }
        Broken::TooLarge(length) => Fault::too_large(LARGEST_ANSWER, *length, false),
    }
}

/// What a message says of its event: an answer, or an error. `stack` gives the end of what the process wrote to stderr.
pub fn result(message: Message, stack: impl FnOnce() -> Vec<String>) -> Result<Answer, Fault> {
    if let Some(length) = message.too_large {
        return Err(Fault::too_large(LARGEST_ANSWER, length, true));
    }
    let content_type = message.header("Content-Type").map(str::to_owned);
    let is_output = content_type.as_deref() == Some(OUTPUT);
    if let Some(error_type) = message.header(ERROR_TYPE) {
        let body = message.header(ERROR_BODY).map_or(message.body.as_slice(), str::as_bytes);
        let mut fault = match Fault::from_error_object(body) {
            Some(own) if is_output => own,
            None if is_output => {
                let text = String::from_utf8_lossy(body);
                Fault::new(error_type, text.strip_suffix('\n').unwrap_or(&text)).with_stack(stack())
            }
            _ => Fault::from_message(error_type, body, message.header(ERROR_CAUSE)),
        };
        fault.logged = message.header(LOGGED).is_some();
        return Err(fault);
    }
    if is_output {
        return output::answer(message.body).map(Answer::json);
    }
    Ok(Answer::Whole(Whole { body: message.body, content_type }))
}
