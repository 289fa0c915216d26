//! Percent-encoding (RFC 3986), both ways: some forms of an event say a path or a query as it was sent, others decoded.

use std::fmt::Write as _;

/// Every `%41` becomes its byte. What is no such triplet stays as it is.
pub fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |at: usize| bytes.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out
}

/// A name or a value of a query: all but letters, digits and `-._~` as triplets.
pub fn encode_component(out: &mut String, text: &str) {
    encode(out, text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
}

/// What cannot stand in a URI (white space, control characters, quotes, other than ASCII) as triplets; the rest was sent so.
pub fn encode_uri(out: &mut String, text: &str) {
    encode(out, text, |byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
}

fn encode(out: &mut String, text: &str, plain: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_takes_triplets_and_nothing_else() {
        assert_eq!(decode("/a%20b%2fc%C3%BC"), "/a b/cü".as_bytes());
        assert_eq!(decode("100%&%4%zz%"), b"100%&%4%zz%");
        assert_eq!(decode("a+b"), b"a+b");
    }

    #[test]
    fn encoding_leaves_what_may_stand_there() {
        let mut out = String::new();
        encode_component(&mut out, "a b&c=ü~");
        out.push(' ');
        encode_uri(&mut out, "/a b%20?ü");
        assert_eq!(out, "a%20b%26c%3D%C3%BC~ /a%20b%20?%C3%BC");
    }
}
