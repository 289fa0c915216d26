//! A response, in the form that the event's kind wants.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::Form;
use crate::json::push_string;

#[cfg(test)]
mod tests;

/// An HTTP response. Its headers are names and values without line ends; cookies are kept apart, since each must be a
/// `Set-Cookie` of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
}

impl Response {
    /// A response that says its status and nothing else: callers hear nothing of the inside.
    pub fn plain(status: u16) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())],
            cookies: Vec::new(),
            body: format!("{}\n", description(status)).into_bytes(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The answer to an event of this form.
    pub fn to_json(&self, form: Form) -> Vec<u8> {
        let mut out = format!("{{\"statusCode\":{}", self.status);
        match form {
            Form::V2 => self.push_v2(&mut out),
            Form::V1 | Form::LoadBalancerMulti => self.push_multi(&mut out),
            Form::LoadBalancer => self.push_single(&mut out),
        }
        if matches!(form, Form::LoadBalancer | Form::LoadBalancerMulti) {
            out.push_str(",\"statusDescription\":");
            push_string(&mut out, &description(self.status));
        }
        let text = std::str::from_utf8(&self.body).ok().filter(|_| self.is_text());
        out.push_str(if text.is_some() {
            ",\"isBase64Encoded\":false,\"body\":"
        } else {
            ",\"isBase64Encoded\":true,\"body\":"
        });
        // A body may be all that an answer can hold: it is written where it stays, and never twice.
        let length = text.map_or(self.body.len().div_ceil(3) * 4, escaped_length);
        out.reserve_exact(length + 3);
        let mut out = if let Some(text) = text {
            let mut out = out.into_bytes();
            // A string is always JSON, and memory can be written to.
            let _ = serde_json::to_writer(&mut out, text);
            out
        } else {
            out.push('"');
            BASE64_STANDARD.encode_string(&self.body, &mut out);
            out.push('"');
            out.into_bytes()
        };
        out.push(b'}');
        out
    }

    /// The beginning of a streamed answer: status, headers and cookies, and eight NUL bytes. The body follows as it is.
    pub fn prelude(&self) -> Vec<u8> {
        let mut out = format!("{{\"statusCode\":{}", self.status);
        self.push_v2(&mut out);
        out.push('}');
        let mut out = out.into_bytes();
        out.extend_from_slice(&[0; 8]);
        out
    }

    /// Whether its type is text and nothing has compressed it. Its bytes are another question.
    fn is_text(&self) -> bool {
        if self.header("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return false;
        }
        let Some(full) = self.header("content-type") else { return true };
        let essence = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let known = [
            "application/json",
            "application/xml",
            "application/javascript",
            "application/ecmascript",
            "application/x-javascript",
            "application/x-www-form-urlencoded",
            "application/graphql",
            "application/yaml",
            "application/toml",
            "application/sql",
            "application/x-ndjson",
        ];
        essence.starts_with("text/")
            || essence.ends_with("+json")
            || essence.ends_with("+xml")
            || known.contains(&essence.as_str())
    }

    /// `headers`, each name once, and `cookies`, which emulators want though there is none.
    fn push_v2(&self, out: &mut String) {
        out.push_str(",\"headers\":");
        push_object(out, grouped(&self.headers), |out, values| push_string(out, &values.join(", ")));
        out.push_str(",\"cookies\":");
        push_list(out, self.cookies.iter().map(String::as_str));
    }

    /// `multiValueHeaders`, with the cookies among them.
    fn push_multi(&self, out: &mut String) {
        let mut headers = grouped(&self.headers);
        if !self.cookies.is_empty() {
            headers.push(("Set-Cookie", self.cookies.iter().map(String::as_str).collect()));
        }
        out.push_str(",\"multiValueHeaders\":");
        push_object(out, headers, |out, values| push_list(out, values.iter().copied()));
    }

    /// `headers`, each name once. Cookies cannot be joined, but the load balancer passes names on as they are written and
    /// HTTP does not look at their case: each cookie has a spelling of `Set-Cookie` of its own.
    fn push_single(&self, out: &mut String) {
        let joined = grouped(&self.headers).into_iter().map(|(name, values)| (name.to_owned(), values.join(", ")));
        let cookies = self.cookies.iter().enumerate().map(|(number, cookie)| (spelling(number), cookie.clone()));
        out.push_str(",\"headers\":");
        push_object(out, joined.chain(cookies).collect(), |out, value| push_string(out, &value));
    }
}

/// How long a text is as a JSON string, less its quotes.
fn escaped_length(text: &str) -> usize {
    let length = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

/// How many cookies one response can have: so many ways there are to write `Set-Cookie`.
pub const MOST_COOKIES: usize = 512;

/// The `number`th way to write `Set-Cookie`.
fn spelling(number: usize) -> String {
    let mut letter = 0;
    let mut spell = |character: char| {
        if !character.is_ascii_alphabetic() {
            return character;
        }
        let turned = number >> letter & 1 == 1;
        letter += 1;
        match (turned, character.is_ascii_uppercase()) {
            (false, _) => character,
            (true, true) => character.to_ascii_lowercase(),
            (true, false) => character.to_ascii_uppercase(),
        }
    };
    "Set-Cookie".chars().map(&mut spell).collect()
}

/// Each name once, as it was written first, with its values in their order.
fn grouped(headers: &[(String, String)]) -> Vec<(&str, Vec<&str>)> {
    let mut order: Vec<usize> = (0..headers.len()).collect();
    order.sort_by_cached_key(|&at| headers[at].0.to_ascii_lowercase());
    let mut groups: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for at in order {
        let (name, value) = &headers[at];
        match groups.last_mut() {
            Some((_, known, values)) if known.eq_ignore_ascii_case(name) => values.push(value),
            _ => groups.push((at, name, vec![value])),
        }
    }
    groups.sort_by_key(|&(at, ..)| at);
    groups.into_iter().map(|(_, name, values)| (name, values)).collect()
}

fn push_object<N: AsRef<str>, V>(out: &mut String, members: Vec<(N, V)>, mut push: impl FnMut(&mut String, V)) {
    out.push('{');
    for (number, (name, value)) in members.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        push_string(out, name.as_ref());
        out.push(':');
        push(out, value);
    }
    out.push('}');
}

fn push_list<'a>(out: &mut String, values: impl Iterator<Item = &'a str>) {
    out.push('[');
    for (number, value) in values.enumerate() {
        if number > 0 {
            out.push(',');
        }
        push_string(out, value);
    }
    out.push(']');
}

/// `404 Not Found`.
fn description(status: u16) -> String {
    let reason = match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    };
    format!("{status} {reason}")
}
