//! The members of a JSON object and the elements of an array, as slices of the JSON itself: nothing is built, numbers and
//! the order of members stay what they are, and a body of megabytes costs nothing until it is asked for.

use std::borrow::Cow;

use memchr::memchr2;

/// A member of an object.
#[derive(Debug)]
pub struct Member<'a> {
    pub name: Cow<'a, str>,
    /// Its value, less the white space around it.
    pub value: &'a str,
    /// Where the value begins.
    pub at: usize,
}

/// The members of an object, in its order. `json` is one valid JSON value (`json::is_value` says so).
/// `None`: it is no object.
pub fn members(json: &str) -> Option<impl Iterator<Item = Member<'_>>> {
    let at = opening(json, b'{')?;
    Some(Parts { json, at }.map(move |(start, end)| {
        let part = &json[start..end];
        let name = &part[..string_end(part)];
        let behind = part[name.len()..].find(':').map_or(part.len(), |colon| name.len() + colon + 1);
        let value = part[behind..].trim_start_matches(SPACE);
        Member { name: string(name).unwrap_or_default(), value, at: end - value.len() }
    }))
}

/// The elements of an array, less the white space around each. `None`: it is no array.
pub fn elements(json: &str) -> Option<impl Iterator<Item = &str>> {
    let at = opening(json, b'[')?;
    Some(Parts { json, at }.map(move |(start, end)| &json[start..end]))
}

/// What a JSON string says; borrowed where it has no escapes. `None`: it is no string.
pub fn string(json: &str) -> Option<Cow<'_, str>> {
    let text = json.strip_prefix('"')?;
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return text.strip_suffix('"').map(Cow::Borrowed);
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Where the inside of the object or array begins.
fn opening(json: &str, bracket: u8) -> Option<usize> {
    let at = json.len() - json.trim_start_matches(SPACE).len();
    (json.as_bytes().get(at) == Some(&bracket)).then_some(at + 1)
}

/// How long the string is that `json` begins with.
fn string_end(json: &str) -> usize {
    let mut at = 1;
    while let Some(found) = json.as_bytes().get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if json.as_bytes()[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    json.len()
}

/// What stands between the commas of an object or an array: from, to.
struct Parts<'a> {
    json: &'a str,
    at: usize,
}

impl Iterator for Parts<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let bytes = self.json.as_bytes();
        let start = self.at;
        let (mut at, mut depth) = (start, 0_usize);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at += string_end(&self.json[at..]);
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' if depth > 0 => {}
                b'}' | b']' | b',' => break,
                _ => {}
            }
            at += 1;
        }
        let part = self.json.get(start..at)?;
        // Behind the closing bracket nothing follows.
        self.at = if bytes.get(at) == Some(&b',') { at + 1 } else { bytes.len() + 1 };
        let inside = part.trim_start_matches(SPACE);
        let from = at - inside.len();
        let to = from + inside.trim_end_matches(SPACE).len();
        (from < to).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(json: &str) -> Vec<(String, String)> {
        let members = members(json).expect("an object");
        members
            .map(|member| {
                assert!(json[member.at..].starts_with(member.value));
                (member.name.into_owned(), member.value.to_owned())
            })
            .collect()
    }

    #[test]
    fn members_are_slices_in_their_order() {
        let json = " { \"b\" : 1.0 ,\"\\u0061\\\"\":{\"x\":[1,2]}, \"b\":\"},\\\\\" ,\"\":[ ] } ";
        let wanted = [("b", "1.0"), ("a\"", "{\"x\":[1,2]}"), ("b", "\"},\\\\\""), ("", "[ ]")];
        assert_eq!(all(json), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(all("{}").is_empty() && all("{ }").is_empty());
        assert!(members("[1]").is_none() && members("7").is_none() && members("").is_none());
    }

    #[test]
    fn elements_are_slices_in_their_order() {
        let list: Vec<_> = elements("[ 1 , [2,3],{\"a\":\",\"} ]").expect("an array").collect();
        assert_eq!(list, ["1", "[2,3]", "{\"a\":\",\"}"]);
        assert_eq!(elements("[ ]").expect("an array").count(), 0);
        assert!(elements("{}").is_none());
    }

    #[test]
    fn strings_are_what_they_say() {
        assert!(matches!(string("\"ü\""), Some(Cow::Borrowed("ü"))));
        assert_eq!(string("\"\\u00fc\\/\"").as_deref(), Some("ü/"));
        assert!(string("7").is_none() && string("null").is_none());
    }
}
