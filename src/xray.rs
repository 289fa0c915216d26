//! What X-Ray is told of an error (`Lambda-Runtime-Function-XRay-Error-Cause`): one line of JSON, in ASCII, since it
//! goes into a header, and short, since a server answers headers without end with a refusal (the Runtime API: 431 at
//! about 1 MiB) and crops the cause at 64 KiB.

use std::fmt::Write;

use crate::fault::Fault;

/// In characters, each of which may take twelve bytes: all together they stay below 32 KiB.
const LONGEST_MESSAGE: usize = 500;
const LONGEST_LABEL: usize = 80;
const MOST_LABELS: usize = 20;

/// The cause of `fault`.
pub fn cause(fault: &Fault) -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let stack: Vec<_> = fault.stack.iter().take(MOST_LABELS).map(|line| frame(line)).collect();
    format!(
        r#"{{"working_directory":{},"exceptions":[{{"type":{},"message":{},"stack":[{}]}}],"paths":[]}}"#,
        quoted(&folder.to_string_lossy(), LONGEST_LABEL),
        quoted(&fault.error_type, LONGEST_LABEL),
        quoted(&fault.message, LONGEST_MESSAGE),
        stack.join(",")
    )
}

/// A line of a stack is all that is known of it, in whatever language.
fn frame(line: &str) -> String {
    format!(r#"{{"path":"","line":0,"label":{}}}"#, quoted(line.trim(), LONGEST_LABEL))
}

/// A JSON string of at most `most` characters of `text`, in visible ASCII.
fn quoted(text: &str, most: usize) -> String {
    let mut out = String::from('"');
    for character in text.chars().take(most) {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_of_ascii_that_says_the_same() {
        let fault = Fault::new("Runtime.ExitError", "no \"é\" here\n\u{1f600}").with_stack(vec!["at \\ x".to_owned()]);
        let cause = cause(&fault);
        assert!(cause.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{cause}");
        let json: serde_json::Value = serde_json::from_str(&cause).expect("JSON");
        assert_eq!(json["exceptions"][0]["message"], "no \"é\" here\n\u{1f600}");
        assert_eq!(json["exceptions"][0]["stack"][0]["label"], "at \\ x");
    }

    #[test]
    fn it_is_short_whatever_is_said() {
        let long = "\u{1f600}".repeat(100_000);
        let fault = Fault::new(&long, long.clone()).with_stack(vec![long; 1000]);
        let cause = cause(&fault);
        assert!(cause.len() < 32 * 1024 && serde_json::from_str::<serde_json::Value>(&cause).is_ok());
    }
}
