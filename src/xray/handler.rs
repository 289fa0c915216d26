//! Where in the handler's own file a function is defined, for languages whose stacks name functions alone, and for errors without
//! a stack. The file is read when there is an error, and no more of it than a person writes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const LOOKED_AT: u64 = 256 * 1024;

/// What stands before a function's name in shells, Python, Ruby, JavaScript and Lisp.
const BEFORE: [&str; 9] = [
    "",
    "function ",
    "def ",
    "async def ",
    "export function ",
    "export async function ",
    "(defun ",
    "(defmethod ",
    "(defgeneric ",
];

static HANDLER: OnceLock<Handler> = OnceLock::new();

/// The handler: its file, and the function in it where it is not the whole file.
#[derive(Debug)]
pub struct Handler {
    file: PathBuf,
    function: Option<String>,
}

/// Says which it is, once, at the start.
pub fn set_handler(file: &Path, function: Option<&OsStr>) {
    let function = function.map(|name| name.to_string_lossy().into_owned());
    let _ = HANDLER.set(Handler { file: file.to_owned(), function });
}

pub fn handler() -> Option<&'static Handler> {
    HANDLER.get()
}

impl Handler {
    pub fn path(&self) -> String {
        self.file.display().to_string()
    }

    /// Its file's text, if it is some.
    pub fn source(&self) -> Option<String> {
        let mut bytes = Vec::new();
        // To open a pipe may take for ever.
        if self.file.is_file() {
            File::open(&self.file).ok()?.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
        }
        let text = String::from_utf8_lossy(&bytes);
        (!bytes.contains(&0)).then(|| text.into_owned())
    }

    /// Its function's name, or its file's.
    pub fn label(&self) -> String {
        let name = || self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.function.clone().unwrap_or_else(name)
    }

    /// The line on which its function begins; a program is all of its file.
    pub fn line(&self, source: &str) -> u32 {
        self.function.as_deref().map_or(1, |name| line_of(source, name).unwrap_or(1))
    }
}

/// The line that defines this function. Lisp prints names in capitals, and with their packages.
pub fn line_of(source: &str, function: &str) -> Option<u32> {
    let name = function.rsplit(':').next().filter(|name| !name.is_empty() && !name.contains([' ', '(']))?;
    let defines = |line: &str| {
        let line = line.trim_start();
        BEFORE.iter().any(|before| {
            let is_lisp = before.starts_with('(');
            let Some((begin, rest)) = line.split_at_checked(before.len() + name.len()) else { return false };
            let same = if is_lisp {
                // A name may be of any letters, and so may what only looks like one.
                let (before_it, it) = begin.split_at_checked(before.len()).unwrap_or_default();
                before_it.eq_ignore_ascii_case(before) && it.eq_ignore_ascii_case(name)
            } else {
                begin.strip_prefix(before) == Some(name)
            };
            // What follows is no part of the name.
            let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || "_-.".contains(c));
            same && if before.is_empty() { rest.trim_start().starts_with("()") } else { ends }
        })
    };
    let at = source.lines().position(defines)?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_where_it_is_defined() {
        for (source, name, wanted) in [
            ("# handler() is below\n\nhandler() {\n}", "handler", Some(3)),
            ("  handler () (echo 1)", "handler", Some(1)),
            ("function other {\n}\nfunction handler {\n}", "handler", Some(3)),
            ("handlers() { :; }", "handler", None),
            ("import os\nasync def handler(event, context):\n", "handler", Some(2)),
            ("handler(1)\ndef handler(event:, context:)\n", "handler", Some(2)),
            ("(print 1)\n(defun pick-apples (n)\n  n)", "PICK-APPLES", Some(2)),
            ("(DEFUN pick-apples (n) n)", "FRUIT::PICK-APPLES", Some(1)),
            ("(defun pick-apples-twice (n) n)", "PICK-APPLES", None),
            ("(defun f () 1)", "(LAMBDA () :IN F)", None),
            ("\u{e9}\u{e9}\u{e9}", "f", None),
            ("(error \"\u{17c}\u{f3}\u{142}w\")\n(defun \u{17c}\u{f3}\u{142}w () 1)", "\u{17c}\u{f3}\u{142}w", Some(2)),
            ("(defu\u{f3} f () 1)", "f", None),
            ("", "", None),
        ] {
            assert_eq!(line_of(source, name), wanted, "{name} in {source}");
        }
    }
}
