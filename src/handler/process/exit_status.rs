//! How a process ended, in a person's words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// `exit status 3`, or `signal SIGSEGV (11), core dumped`.
pub fn describe(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "no exit status: it could not be reaped".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => {
            let name = Signal::try_from(number).map_or_else(|_| "real-time".to_owned(), |signal| signal.to_string());
            format!("signal {name} ({number}){}", if status.core_dumped() { ", core dumped" } else { "" })
        }
        (None, None) => status.to_string(),
    }
}
