//! What is said of an event in the environment of a process that is started for it: the event's headers, under the names
//! that functions in bash know them by.

use std::ffi::OsString;

use crate::invocation::Invocation;

/// A variable of a process that is started for an event.
pub type Variable = (String, OsString);

/// `Lambda-Runtime-Trace-Id` is `LAMBDA_RUNTIME_TRACE_ID`, and `_X_AMZN_TRACE_ID`, too, where libraries look for it.
pub fn variables(invocation: &Invocation) -> Vec<Variable> {
    let name = |header: &str| -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
        header.chars().map(letter).collect()
    };
    let headers = invocation.headers.iter().map(|(header, value)| (name(header), OsString::from(value)));
    let mut all: Vec<_> = headers.filter(|(name, _)| name.starts_with("LAMBDA_RUNTIME_")).collect();
    if let Some(trace) = invocation.header("Lambda-Runtime-Trace-Id") {
        all.push(("_X_AMZN_TRACE_ID".to_owned(), trace.into()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_lambda_are_variables_and_no_others() {
        let mut invocation = Invocation::default();
        invocation.headers.push("Lambda-Runtime-Aws-Request-Id", "7");
        invocation.headers.push("Lambda-Runtime-Trace-Id", "Root=1");
        invocation.headers.push("Content-Type", "application/json");
        let all = variables(&invocation);
        let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect();
        assert_eq!(
            all,
            [
                ("LAMBDA_RUNTIME_AWS_REQUEST_ID", "7"),
                ("LAMBDA_RUNTIME_TRACE_ID", "Root=1"),
                ("_X_AMZN_TRACE_ID", "Root=1")
            ]
        );
    }
}
