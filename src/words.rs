//! Text as others write it. A line of words as a shell reads it: quotes and backslashes, and nothing else that a shell does (no
//! word is expanded, none is a comment, and no character ends the command). And the marks that editors put before a text.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The words of `line` (POSIX, Shell Command Language, 2.2). An error says what is not closed.
pub fn split(line: &[u8]) -> Result<Vec<OsString>, &'static str> {
    let mut words = Vec::new();
    // A word may be empty, if it has quotes.
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' => words.extend(word.take().map(OsString::from_vec)),
            b'\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next().ok_or("a ' has no second one")? {
                        b'\'' => break,
                        byte => word.push(byte),
                    }
                }
            }
            b'"' => quoted(word.get_or_insert_default(), &mut bytes)?,
            b'\\' => match bytes.next().ok_or("a backslash has nothing behind it")? {
                // The line goes on.
                b'\n' => {}
                byte => word.get_or_insert_default().push(byte),
            },
            byte => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word.map(OsString::from_vec));
    Ok(words)
}

/// What stands between double quotes: a backslash counts only before what would mean something there.
fn quoted(word: &mut Vec<u8>, bytes: &mut impl Iterator<Item = u8>) -> Result<(), &'static str> {
    const OPEN: &str = "a \" has no second one";
    loop {
        match bytes.next().ok_or(OPEN)? {
            b'"' => return Ok(()),
            b'\\' => match bytes.next().ok_or(OPEN)? {
                b'\n' => {}
                byte @ (b'"' | b'\\' | b'$' | b'`') => word.push(byte),
                byte => word.extend([b'\\', byte]),
            },
            byte => word.push(byte),
        }
    }
}

/// What a text begins with that is no part of it, if this is the beginning of one: with words that say what to do.
pub fn encoding_mark(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xef, 0xbb, 0xbf, ..] => Some("a byte order mark: save it as UTF-8 without one"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("the mark of UTF-16: save it as UTF-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_a_shells() {
        let words = |line: &str| split(line.as_bytes());
        let are = |line, wanted: &[&str]| {
            assert_eq!(words(line), Ok(wanted.iter().map(OsString::from).collect()), "{line}");
        };
        are("", &[]);
        are(" \t\n", &[]);
        are("-c .a", &["-c", ".a"]);
        are(r#"-c '.a | "b\n"'  x"#, &["-c", r#".a | "b\n""#, "x"]);
        are(r#"'' "" a''b"#, &["", "", "ab"]);
        are(r#"a\ b "c\"d\$e\f" \'"#, &["a b", r#"c"d$e\f"#, "'"]);
        are("one\\\ntwo \"three\\\nfour\"", &["onetwo", "threefour"]);
        are("$HOME * #no ~ a;b", &["$HOME", "*", "#no", "~", "a;b"]);
        for open in ["'", "a 'b", "\"", "\"a\\\"", "a\\"] {
            assert!(words(open).is_err(), "{open}");
        }
    }
}
