//! The parts of an event: strings, objects and headers, each refused with its name where it is of another kind.

use crate::fault::Fault;
use crate::json::{Member, elements, members, string};

/// The strings in a JSON value: an array's, or the one that it is. `null` has none.
pub(super) fn values(what: &str, json: &str) -> Result<Vec<String>, Fault> {
    let one = |json: &str| {
        string(json).map(std::borrow::Cow::into_owned).ok_or_else(|| wrong(format!("a value in {what} is no string")))
    };
    match elements(json) {
        Some(list) => {
            let found: Vec<_> = list.take(MOST_HEADERS + 1).map(one).collect::<Result<_, _>>()?;
            if found.len() > MOST_HEADERS {
                return Err(wrong(format!("{what} has more than {MOST_HEADERS} values")));
            }
            Ok(found)
        }
        None if json == "null" => Ok(Vec::new()),
        None => Ok(vec![one(json)?]),
    }
}

/// How many members an object of an event is looked through for: these events have some twenty.
const MOST_MEMBERS: usize = 1000;

/// How many headers, or values of one, a request may have. AWS lets no more than some hundreds through; memory is bounded.
const MOST_HEADERS: usize = 10_000;

/// An object's members, or none where there is no such object.
pub(super) struct Object<'a>(Vec<Member<'a>>);

impl<'a> Object<'a> {
    pub fn of(json: &'a str) -> Self {
        Self(members(json).map(|all| all.take(MOST_MEMBERS).collect()).unwrap_or_default())
    }

    /// The value of a member; of two with one name it is the last, as JSON parsers have it.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|member| member.name == name).map(|member| member.value)
    }

    pub fn object(&self, name: &str) -> Self {
        Self::of(self.get(name).unwrap_or_default())
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.get(name) {
            None | Some("null") => Ok(None),
            Some(value) => match string(value) {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(wrong(format!("{name} is no string"))),
            },
        }
    }

    /// All headers: `multiValueHeaders` where the event has them, since `headers` then says only the last of each.
    pub fn headers(&self) -> Result<Vec<(String, Vec<String>)>, Fault> {
        let many = self.get("multiValueHeaders").filter(|value| *value != "null");
        let name = if many.is_some() { "multiValueHeaders" } else { "headers" };
        let Some(found) = many.or_else(|| self.get("headers")).filter(|value| *value != "null") else {
            return Ok(Vec::new());
        };
        let found = members(found).ok_or_else(|| wrong(format!("{name} is no object")))?;
        let mut headers: Vec<(String, Vec<String>)> = Vec::new();
        let mut count = 0;
        for header in found {
            let values = values(name, header.value)?;
            count += values.len().max(1);
            if count > MOST_HEADERS {
                return Err(wrong(format!("the request has more than {MOST_HEADERS} headers")));
            }
            if header.name.is_empty() || !header.name.bytes().all(is_token) {
                return Err(wrong(format!("{name} has {:?}, which is no name of a header", header.name)));
            }
            if values.iter().any(|value| !is_value(value)) {
                return Err(wrong(format!(
                    "the header {} has a line end or a NUL in it, which HTTP cannot carry",
                    header.name
                )));
            }
            headers.push((header.name.to_ascii_lowercase(), values));
        }
        // Stable: the values of one name stay in their order.
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        headers.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1.append(&mut next.1);
            }
            same
        });
        Ok(headers)
    }
}

/// A byte of a method's or a header's name (RFC 9110, 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A header's value, as HTTP carries it.
pub(super) fn is_value(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// A word without white space or control characters.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The fault of an event that is no HTTP request, or one that HTTP could not have carried.
pub(super) fn wrong(problem: impl AsRef<str>) -> Fault {
    Fault::new(
        "Runtime.UnmarshalError",
        format!("The event cannot be passed on as an HTTP request: {}", problem.as_ref()),
    )
}
