//! What X-Ray is told of an error (`Lambda-Runtime-Function-XRay-Error-Cause`): one line of JSON, in ASCII, since it
//! goes into a header, and short, since a server answers headers without end with a refusal (the Runtime API: 431 at
//! about 1 MiB) and crops the cause at 64 KiB.

mod handler;

use std::fmt::Write;

pub use handler::set_handler;

use crate::fault::Fault;

/// In characters, each of which may take twelve bytes: all together they stay below 32 KiB.
const LONGEST_MESSAGE: usize = 500;
const LONGEST_LABEL: usize = 80;
const LONGEST_PATH: usize = 80;
const MOST_LABELS: usize = 15;

/// The cause of `fault`.
pub fn cause(fault: &Fault) -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let stack = frames(&fault.stack);
    format!(
        r#"{{"working_directory":{},"exceptions":[{{"type":{},"message":{},"stack":[{}]}}],"paths":[]}}"#,
        quoted(&folder.to_string_lossy(), LONGEST_LABEL),
        quoted(&fault.error_type, LONGEST_LABEL),
        quoted(&fault.message, LONGEST_MESSAGE),
        stack.join(",")
    )
}

/// A line of a stack for each frame. Where none names its place, one more says where the handler is.
fn frames(stack: &[String]) -> Vec<String> {
    let handler = handler::handler();
    let mut source = None;
    let mut placed = false;
    let mut frames: Vec<_> = stack
        .iter()
        .take(MOST_LABELS)
        .map(|line| {
            let whole = line.trim();
            let known = place(whole.lines().next().unwrap_or_default());
            placed |= known.is_some();
            if let Some((path, number, name)) = known {
                return frame(path, number, if name.is_empty() { whole } else { name });
            }
            // What is only a name may be a function of the handler's.
            let defined = handler.and_then(|handler| {
                let source = source.get_or_insert_with(|| handler.source().unwrap_or_default());
                Some((handler.path(), handler::line_of(source, whole)?))
            });
            placed |= defined.is_some();
            let (path, number) = defined.unwrap_or_default();
            frame(&path, number, whole)
        })
        .collect();
    if let Some(handler) = handler.filter(|_| !placed) {
        let line = handler.source().map_or(0, |source| handler.line(&source));
        frames.push(frame(&handler.path(), line, &handler.label()));
    }
    frames
}

fn frame(path: &str, line: u32, label: &str) -> String {
    format!(r#"{{"path":{},"line":{line},"label":{}}}"#, quoted(path, LONGEST_PATH), quoted(label, LONGEST_LABEL))
}

/// The file, the line, and the function if it is told, as Python, Node.js, bash, Ruby and compilers write them.
fn place(line: &str) -> Option<(&str, u32, &str)> {
    if let Some(rest) = line.strip_prefix("File \"") {
        let (path, rest) = rest.split_once("\", line ")?;
        let (number, name) = rest.split_once(", in ").unwrap_or((rest, ""));
        return Some((path, number.parse().ok()?, name));
    }
    if let Some(rest) = line.strip_prefix("at ") {
        let (name, place) = rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")).unwrap_or(("", rest));
        let (path, number) = numbered(place.strip_prefix("async ").unwrap_or(place))?;
        return Some((path.strip_prefix("file://").unwrap_or(path), number, name));
    }
    if let Some((path, rest)) = line.split_once(": line ") {
        let number = rest.split(':').next().unwrap_or(rest);
        return Some((path, number.parse().ok()?, ""));
    }
    let (place, name) = line.split_once(":in ").unwrap_or((line, ""));
    let (path, number) = numbered(place.split_once(": ").map_or(place, |(place, _)| place))?;
    Some((path, number, name.trim_matches(['\'', '`'])))
}

/// `path:line` or `path:line:column`.
fn numbered(place: &str) -> Option<(&str, u32)> {
    let (before, last) = place.rsplit_once(':')?;
    let last = last.parse().ok()?;
    let with_column = before.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?)));
    with_column.or(Some((before, last))).filter(|(path, _)| !path.is_empty())
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
    fn a_line_of_a_stack_names_its_place() {
        for (line, wanted) in [
            ("  File \"/var/task/app.py\", line 3, in handler\n    return x\n", ("/var/task/app.py", 3, "handler")),
            ("File \"app.py\", line 7", ("app.py", 7, "")),
            ("    at handler (/var/task/app.js:12:5)", ("/var/task/app.js", 12, "handler")),
            ("at async file:///var/task/app.mjs:1:2", ("/var/task/app.mjs", 1, "")),
            ("/var/task/app.rb:4:in 'Object#handler'", ("/var/task/app.rb", 4, "Object#handler")),
            ("/var/task/app.rb:4:in `handler'", ("/var/task/app.rb", 4, "handler")),
            ("./handler: line 3: no_such: command not found", ("./handler", 3, "")),
            ("main.c:10:2: error", ("main.c", 10, "")),
        ] {
            assert_eq!(place(line.trim().lines().next().expect("a line")), Some(wanted), "{line}");
        }
        for line in ["", "something failed", "at: noon", "12:30", "ERROR: x", "0: (FOO 1)", ":1:2"] {
            assert!(place(line).is_none_or(|(path, ..)| !path.is_empty()), "{line}");
        }
    }

    #[test]
    fn it_is_short_whatever_is_said() {
        let long = "\u{1f600}".repeat(100_000);
        let fault = Fault::new(&long, long.clone()).with_stack(vec![long; 1000]);
        let cause = cause(&fault);
        assert!(cause.len() < 32 * 1024 && serde_json::from_str::<serde_json::Value>(&cause).is_ok());
    }
}
