//! What an HTTP caller gets where a CGI program has not answered: a status, and nothing of the inside.

use super::protocol::cgi;
use crate::fault::Fault;
use crate::http_event::Form;
use crate::invocation::Answer;

/// The answer with this status.
pub fn answer(form: Form, streaming: bool, status: u16) -> Answer {
    if streaming {
        Answer::http_stream(cgi::refusal_streamed(status), true)
    } else {
        Answer::json(cgi::refusal(form, status))
    }
}

/// The status that tells of a fault.
pub fn status(fault: &Fault) -> u16 {
    match fault.error_type.as_str() {
        "Runtime.InvokeTimeout" => 504,
        _ if fault.is_of_the_event() => 431,
        _ => 502,
    }
}
