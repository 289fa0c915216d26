//! Control characters in what `bootstrap` itself writes: shown, never sent. Whoever's words they are in, they could forge a
//! line, overwrite one, or speak to a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with control characters (C0 but for tab, DEL, C1) and the two characters that Unicode calls line and paragraph
/// separators written as `\x1b`. Line feeds are for the caller to deal with: they are kept.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match u32::from(character) {
            code if !is_shown(character) || code == 0x0a => out.push(character),
            code if code < 0x100 => drop(write!(out, "\\x{code:02x}")),
            code => drop(write!(out, "\\u{code:04x}")),
        }
    }
    Cow::Owned(out)
}

fn is_shown(character: char) -> bool {
    (character.is_control() && character != '\t' && character != '\n') || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_forge_a_line_is_shown() {
        assert_eq!(shown("plain\ttext é\nsecond"), "plain\ttext é\nsecond");
        assert_eq!(shown("a\rb\x1b[2J\0\x7f\u{85}\u{9b}\u{2028}"), "a\\x0db\\x1b[2J\\x00\\x7f\\x85\\x9b\\u2028");
    }
}
