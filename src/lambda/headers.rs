//! The headers that answers and errors go out with.

use crate::invocation::Invocation;

pub const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";
pub const ERROR_CAUSE: &str = "Lambda-Runtime-Function-XRay-Error-Cause";
pub const INVOCATION_ID: &str = "Lambda-Runtime-Invocation-Id";

/// The longest header of a handler's own that is passed on.
const LONGEST_HEADER: usize = 16 * 1024;

pub fn error_headers(error_type: &str) -> [(&str, &str); 2] {
    [("Content-Type", "application/vnd.aws.lambda.error+json"), (ERROR_TYPE, error_type)]
}

/// `headers`, and the one that says which attempt at the event is answered, where Lambda counts them.
pub fn with_nonce<'a>(headers: &[(&'a str, &'a str)], invocation: &'a Invocation) -> Vec<(&'a str, &'a str)> {
    let nonce = invocation.header(INVOCATION_ID).map(|nonce| (INVOCATION_ID, nonce));
    headers.iter().copied().chain(nonce).collect()
}

/// A handler may call its error what it likes; a header takes visible ASCII only, and not without end.
pub fn header_value(text: &str) -> String {
    text.chars()
        .take(LONGEST_HEADER)
        .map(|character| if character.is_ascii_graphic() || character == ' ' { character } else { '?' })
        .collect()
}
