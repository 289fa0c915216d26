//! JSON as bytes. Events and answers pass through as they are, so nothing here builds a value: `finder` says where
//! one ends in a stream, `layout` changes the white space between tokens and nothing else, `members` takes objects and
//! arrays apart.

mod finder;
mod layout;
mod members;

pub use finder::{Finder, Scalars, Step};
pub use layout::{compact, flatten, pretty};
pub use members::{Member, elements, members, string};

/// Whether `bytes` are one complete JSON value in UTF-8, with nothing but white space around it. Any depth.
pub fn is_value(bytes: &[u8]) -> bool {
    let value = trim(bytes);
    let mut finder = Finder::new(Scalars::EndAtLine);
    let whole = match finder.push(value) {
        Step::End(used) => used == value.len(),
        Step::More => finder.finish(),
        Step::Bad(_) => false,
    };
    whole && std::str::from_utf8(value).is_ok()
}

/// Less the white space around it: JSON's own, which has no form feed.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = bytes.iter().position(is_text).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(is_text).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut String, text: &str) {
    if finder::plain_text(text.as_bytes()) == text.len() {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// Whether `line` is one complete JSON object.
pub fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && is_value(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_what_json_says() {
        assert!(is_value(b" \t\r\n1 \t\r\n") && is_object(b"{}\r"));
        for bytes in [&b""[..], b" ", b"1\x0c", b"\x0c1", b"{}\x0c", b"1\x0b"] {
            assert!(!is_value(bytes), "{bytes:?}");
        }
    }
}
