//! A line of words: read as the rules of the shell say it, byte by byte; and whatever words there are, quoted in one way or
//! another they are read again as they were.

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

/// Where in a line a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Word,
    Single,
    Double,
    Escaped { in_word: bool },
    EscapedInDouble,
}

/// POSIX, Shell Command Language, 2.2, without what else a shell does: each byte, and where it stands, say what it is and where
/// the next one stands. `None`: something has no end.
fn by_the_rules(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut place) = (Vec::<Vec<u8>>::new(), Place::Between);
    for &byte in line {
        let (begins, kept, next): (bool, &[u8], Place) = match (place, byte) {
            (Place::Between | Place::Word, b' ' | b'\t' | b'\n') => (false, &[], Place::Between),
            (Place::Between | Place::Word, b'\'') => (place == Place::Between, &[], Place::Single),
            (Place::Between | Place::Word, b'"') => (place == Place::Between, &[], Place::Double),
            (Place::Between | Place::Word, b'\\') => (false, &[], Place::Escaped { in_word: place == Place::Word }),
            (Place::Between | Place::Word, byte) => (place == Place::Between, &[byte], Place::Word),
            (Place::Single, b'\'') | (Place::Double, b'"') => (false, &[], Place::Word),
            (Place::Single, byte) => (false, &[byte], Place::Single),
            (Place::Double, b'\\') => (false, &[], Place::EscapedInDouble),
            (Place::Double, byte) => (false, &[byte], Place::Double),
            // A line that goes on begins no word.
            (Place::Escaped { in_word }, b'\n') => (false, &[], if in_word { Place::Word } else { Place::Between }),
            (Place::Escaped { in_word }, byte) => (!in_word, &[byte], Place::Word),
            (Place::EscapedInDouble, b'\n') => (false, &[], Place::Double),
            (Place::EscapedInDouble, b'$' | b'`' | b'"' | b'\\') => (false, &[byte], Place::Double),
            (Place::EscapedInDouble, byte) => (false, &[b'\\', byte], Place::Double),
        };
        place = next;
        if begins {
            words.push(Vec::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !kept.is_empty()) {
            word.extend_from_slice(kept);
        }
    }
    matches!(place, Place::Between | Place::Word).then_some(words)
}

pub fn check(data: &[u8]) {
    let words = split(data).ok();
    assert_eq!(words, by_the_rules(data).map(|words| words.into_iter().map(OsString::from_vec).collect()));
    if let Ok(words) = split(data) {
        // No byte comes from nowhere.
        let length: usize = words.iter().map(|word| word.as_bytes().len()).sum();
        assert!(length <= data.len());
        let ways = (0..3).cycle();
        let line: Vec<_> = words.iter().zip(ways).map(|(word, way)| quoted(word.as_bytes(), way)).collect();
        assert_eq!(split(&line.join(&b' ')), Ok(words));
    }
    // The same with any bytes as words.
    let words: Vec<_> = data.split(|&byte| byte == b' ').collect();
    let line: Vec<_> = words.iter().zip(data).map(|(word, &way)| quoted(word, way)).collect();
    let wanted: Vec<_> = words.iter().take(line.len()).map(|word| OsString::from_vec(word.to_vec())).collect();
    assert_eq!(split(&line.join(&b"\t \n"[..])), Ok(wanted));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::fmt::Write as _;
    use std::process::Command;

    /// Lines in which a shell does nothing but split: it is asked itself.
    #[test]
    fn words_are_what_a_shell_makes_of_them() {
        let mut random = Random::seeded("FUZZ_SEED");
        let (mut script, mut wanted) = (String::new(), Vec::new());
        for _ in 0..3000 {
            let length = random.below(12);
            let line: String = (0..length).map(|_| char::from(b"ab=\t  ''\"\"\\\\"[random.below(12)])).collect();
            let Ok(words) = split(line.as_bytes()) else { continue };
            // A command is one line; its words come with their number.
            let _ = writeln!(script, "show {line}");
            wanted.extend_from_slice(words.len().to_string().as_bytes());
            for word in &words {
                wanted.extend([b"[", word.as_bytes(), b"]"].concat());
            }
            wanted.push(b'\n');
        }
        let show = r#"show() { printf %s $#; for word do printf '[%s]' "$word"; done; echo; }"#;
        let said = Command::new("sh").args(["-c", &format!("{show}\n{script}")]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&wanted));
        assert!(said.stderr.is_empty() && wanted.len() > 1000, "{}", String::from_utf8_lossy(&said.stderr));
    }
}
