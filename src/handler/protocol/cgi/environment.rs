//! The request's meta-variables (RFC 3875, 4.1). A header can set a variable that begins with `HTTP_` and no other.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::http_event::Request;

#[cfg(test)]
mod tests;

/// A variable for the program's environment.
pub type Variable = (String, OsString);

/// One string of an environment may be 128 KiB long, with its name and a NUL; Linux starts no program with a longer one.
const LONGEST: usize = 128 * 1024 - 1;

/// All of them together, with what the system adds to each. Function URLs and gateways let less than a tenth of it through,
/// and Linux takes 2 MiB of arguments and environment, the inherited one too.
const LARGEST: usize = 1024 * 1024;

/// The environment for a request, or the status that the caller gets instead of a program's answer.
pub fn environment(request: &Request) -> Result<Vec<Variable>, u16> {
    let mut all = Vec::with_capacity(request.headers.len() + 24);
    let mut set = |name: &str, value: Vec<u8>| all.push((name.to_owned(), OsString::from_vec(value)));
    let host = request.host();
    let mut uri = request.raw_path.clone();
    if !request.query.is_empty() {
        uri.push('?');
        uri.push_str(&request.query);
    }
    set("GATEWAY_INTERFACE", b"CGI/1.1".to_vec());
    set("SERVER_SOFTWARE", concat!("lambda-stdio/", env!("CARGO_PKG_VERSION")).into());
    set("SERVER_PROTOCOL", request.protocol.clone().into());
    set("SERVER_NAME", host.into());
    set("SERVER_PORT", request.port().into());
    set("REQUEST_METHOD", request.method.clone().into());
    set("REQUEST_URI", uri.into());
    set("SCRIPT_NAME", request.script_name.clone().into());
    set("PATH_INFO", request.path.clone());
    set("QUERY_STRING", request.query.clone().into());
    set("REMOTE_ADDR", request.source_ip.clone().into());
    // Nobody looks the name up: the address may stand in its place.
    set("REMOTE_HOST", request.source_ip.clone().into());
    if request.is_https() {
        set("HTTPS", b"on".to_vec());
    }
    if let Some((how, who)) = &request.caller {
        set("AUTH_TYPE", (*how).into());
        set("REMOTE_USER", who.clone().into());
    }
    if !request.body.is_empty() {
        set("CONTENT_LENGTH", request.body.len().to_string().into());
    }
    if let Some(value) = request.header("content-type").filter(|value| !value.is_empty()) {
        set("CONTENT_TYPE", value.into());
    }
    for (name, values) in &request.headers {
        if let Some(variable) = variable(name) {
            set(&variable, values.join(", ").into());
        }
    }
    if !request.cookies.is_empty() {
        set("HTTP_COOKIE", request.cookies.join("; ").into());
    }
    check(&all).map(|()| all)
}

/// What a header is called in the environment. `None`: it is not there.
///
/// A name with anything but letters, digits and hyphens has no variable: `X_Forwarded_For` would else be taken for
/// `X-Forwarded-For`, which it is not. `Proxy` would set what many programs read as their own configuration. A length and a
/// type have their own variables.
fn variable(name: &str) -> Option<String> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    if ["proxy", "content-type", "content-length", "cookie"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
        return None;
    }
    Some(format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_")))
}

fn check(all: &[Variable]) -> Result<(), u16> {
    let mut sum = 0;
    for (name, value) in all {
        if value.as_encoded_bytes().contains(&0) {
            // A path with %00 in it: no environment can say that.
            return Err(400);
        }
        let length = name.len() + value.len() + 2;
        sum += length + size_of::<usize>();
        if length > LONGEST || sum > LARGEST {
            return Err(if name == "REQUEST_URI" || name == "PATH_INFO" || name == "QUERY_STRING" { 414 } else { 431 });
        }
    }
    Ok(())
}

/// Whether a variable that `bootstrap` inherited would be taken for one of the request's: it is not passed on to the program.
/// `HTTP_PROXY` is its owner's own, since no request can set it.
pub fn is_meta_variable(name: &str) -> bool {
    const NAMES: [&str; 20] = [
        "AUTH_TYPE",
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "GATEWAY_INTERFACE",
        "HTTPS",
        "PATH_INFO",
        "PATH_TRANSLATED",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "REMOTE_IDENT",
        "REMOTE_PORT",
        "REMOTE_USER",
        "REQUEST_METHOD",
        "REQUEST_URI",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "SERVER_SOFTWARE",
    ];
    NAMES.contains(&name) || name.starts_with("HTTP_") && name != "HTTP_PROXY"
}
