//! JSON as bytes. Events and answers pass through as they are, so nothing here builds a value: `finder` says where
//! one ends in a stream, `layout` changes the white space between tokens and nothing else.

mod finder;
mod layout;

pub use finder::{Finder, Scalars, Step};
pub use layout::{compact, flatten, pretty};

/// Whether `bytes` are one complete JSON value in UTF-8, with nothing but white space around it. Any depth.
pub fn is_value(bytes: &[u8]) -> bool {
    let value = bytes.trim_ascii();
    let mut finder = Finder::new(Scalars::EndAtLine);
    let whole = match finder.push(value) {
        Step::End(used) => used == value.len(),
        Step::More => finder.finish(),
        Step::Bad(_) => false,
    };
    whole && std::str::from_utf8(value).is_ok()
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
