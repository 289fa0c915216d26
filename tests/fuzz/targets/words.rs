//! A line of words: whatever words there are, quoted in one way or another they are read again as they were.

use crate::words::split;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A word as a person might quote it: all of it, or the characters that need it.
fn quoted(word: &[u8], way: u8) -> Vec<u8> {
    let mut out = Vec::new();
    match way % 3 {
        0 => {
            out.push(b'\'');
            for &byte in word {
                out.extend(if byte == b'\'' { b"'\\''".to_vec() } else { vec![byte] });
            }
            out.push(b'\'');
        }
        1 => {
            out.push(b'"');
            for &byte in word {
                if matches!(byte, b'"' | b'\\' | b'$' | b'`') {
                    out.push(b'\\');
                }
                out.push(byte);
            }
            out.push(b'"');
        }
        _ if word.is_empty() => out.extend(b"''"),
        _ => {
            for &byte in word {
                // A backslash before the end of a line is no character.
                match byte {
                    b'\n' => out.extend(b"'\n'"),
                    b' ' | b'\t' | b'\'' | b'"' | b'\\' => out.extend([b'\\', byte]),
                    byte => out.push(byte),
                }
            }
        }
    }
    out
}

pub fn check(data: &[u8]) {
    if let Ok(words) = split(data) {
        // No byte comes from nowhere.
        let length: usize = words.iter().map(|word| word.as_bytes().len()).sum();
        assert!(length <= data.len());
        let line: Vec<_> = words.iter().zip(0..).map(|(word, way)| quoted(word.as_bytes(), way)).collect();
        assert_eq!(split(&line.join(&b' ')), Ok(words));
    }
    // The same with any bytes as words.
    let words: Vec<_> = data.split(|&byte| byte == b' ').collect();
    let line: Vec<_> = words.iter().zip(data).map(|(word, &way)| quoted(word, way)).collect();
    let wanted: Vec<_> = words.iter().take(line.len()).map(|word| OsString::from_vec(word.to_vec())).collect();
    assert_eq!(split(&line.join(&b"\t \n"[..])), Ok(wanted));
}
