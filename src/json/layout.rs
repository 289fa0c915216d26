//! The white space between the tokens of a JSON value: on one line for a pipe, indented for a person. Numbers, strings
//! and the order of keys stay as they are to the byte.

/// Replaces raw CR and LF by spaces: in JSON they only stand between tokens. The length stays.
pub fn flatten(json: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &json[from..]) {
        json[from + at] = b' ';
        from += at + 1;
    }
}

/// The value on one line without the white space that it does not need.
pub fn compact(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    for token in Tokens(json) {
        out.extend_from_slice(token);
    }
    out
}

/// The value as a person reads it: two spaces a level, empty containers closed at once.
pub fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth: usize = 0;
    let mut fresh = false;
    for token in Tokens(json) {
        let closes = matches!(token[0], b'}' | b']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if fresh != closes {
            new_line(&mut out, depth);
        }
        out.extend_from_slice(token);
        fresh = matches!(token[0], b'{' | b'[');
        match token[0] {
            b'{' | b'[' => depth += 1,
            b',' => new_line(&mut out, depth),
            b':' => out.push(b' '),
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', depth * 2));
}

/// The tokens of a valid JSON value: a bracket, a comma, a colon, a string, or a scalar.
struct Tokens<'a>(&'a [u8]);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let json = self.0.trim_ascii_start();
        let length = match json.first()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_length(json),
            _ => json.iter().position(|byte| b"{}[],:\" \t\r\n".contains(byte)).unwrap_or(json.len()),
        };
        let (token, rest) = json.split_at(length);
        self.0 = rest;
        Some(token)
    }
}

fn string_length(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &json[at..]) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        at = (at + 1).min(json.len());
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOSE: &str =
        "{ \"b\" : [ 1 ,\n 12345678901234567890.10 ], \"a\" : { } , \"t\": \"x \\\" , {\\\\\",\r\n\"n\":[ null,[]]}";

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("the layout is text")
    }

    #[test]
    fn compact_takes_nothing_but_white_space() {
        assert_eq!(
            text(compact(LOOSE.as_bytes())),
            r#"{"b":[1,12345678901234567890.10],"a":{},"t":"x \" , {\\","n":[null,[]]}"#
        );
        assert_eq!(text(compact(b" 1.0 ")), "1.0");
    }

    #[test]
    fn pretty_indents_by_two() {
        assert_eq!(text(pretty(br#"{"a":[1,{}],"b":"x"}"#)), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}");
        assert_eq!(compact(&pretty(LOOSE.as_bytes())), compact(LOOSE.as_bytes()));
        assert_eq!(text(pretty(b"[]")), "[]");
    }

    #[test]
    fn flatten_keeps_the_length() {
        let mut json = b"{\r\n\"a\":\n1}".to_vec();
        flatten(&mut json);
        assert_eq!(json, b"{  \"a\": 1}");
    }
}
