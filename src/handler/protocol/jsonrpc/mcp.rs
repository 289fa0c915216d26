//! What the Model Context Protocol asks of who passes its messages on: revision 2026-07-28, in which every request says its
//! own version and nobody shakes hands, and the older ones (2025-11-25 and before), in which `initialize` comes first.

use super::message::{Message, VERSION_KEY};
use crate::http_event::Request;
use crate::json::push_string;
use crate::json::string;

use base64::prelude::{BASE64_STANDARD, Engine as _};

/// The first revision without a handshake. Its later ones compare greater, as dates do.
pub const FIRST_STATELESS: &str = "2026-07-28";

/// The last revision with one: what is agreed on where the caller does not say.
pub const LAST_WITH_HANDSHAKE: &str = "2025-11-25";

/// JSON-RPC's own errors, and those that revision 2026-07-28 adds.
pub const PARSE_ERROR: i64 = -32700;
pub const INVALID_REQUEST: i64 = -32600;
pub const METHOD_NOT_FOUND: i64 = -32601;
pub const INVALID_PARAMS: i64 = -32602;
pub const INTERNAL_ERROR: i64 = -32603;
pub const HEADER_MISMATCH: i64 = -32020;
pub const MISSING_CAPABILITY: i64 = -32021;
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// The HTTP status of an answer to a stateless request, by the code of its error.
pub fn status(code: Option<i64>) -> u16 {
    match code {
        Some(METHOD_NOT_FOUND) => 404,
        Some(
            PARSE_ERROR | INVALID_REQUEST | INVALID_PARAMS | HEADER_MISMATCH | MISSING_CAPABILITY | UNSUPPORTED_VERSION,
        ) => 400,
        _ => 200,
    }
}

/// The revision in the `MCP-Protocol-Version` header.
pub fn version_header(request: &Request) -> Option<String> {
    request
        .header("mcp-protocol-version")
        .filter(|version| version.len() == 10 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

/// Whether the headers of a request say what its body says, as revision 2026-07-28 wants it checked by whoever reads both:
/// what stands between may have judged by the headers. The error is for the caller.
pub fn check_headers(request: &Request, message: &Message) -> Result<(), String> {
    let method = message.method.as_deref().unwrap_or_default();
    let Some(version) = message.stateless_version() else {
        let said = version_header(request).filter(|said| said.as_str() >= FIRST_STATELESS);
        return match said {
            // A client that falls back to the handshake may still send the header of its first attempt.
            Some(said) if method != "initialize" => Err(format!(
                "Header mismatch: MCP-Protocol-Version is {said}, and the request has no params._meta with {VERSION_KEY}"
            )),
            _ => Ok(()),
        };
    };
    same(request, "MCP-Protocol-Version", &version)?;
    same(request, "Mcp-Method", method)?;
    let named = match method {
        "tools/call" | "prompts/get" => message.param("name"),
        "resources/read" => message.param("uri"),
        _ => return Ok(()),
    };
    // Without a name the request is wrong in itself: the server says so.
    named.and_then(string).map_or(Ok(()), |name| same(request, "Mcp-Name", &name))
}

fn same(request: &Request, name: &str, wanted: &str) -> Result<(), String> {
    let value = request.header(&name.to_ascii_lowercase());
    let value = value.ok_or_else(|| format!("Header mismatch: {name} is missing, the body says {wanted:?}"))?;
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let decoded =
        encoded.and_then(|text| BASE64_STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    // `Mcp-Name` alone may be encoded; nothing else that is right looks like it.
    let value = decoded.filter(|_| name == "Mcp-Name").unwrap_or(value);
    if value == wanted {
        Ok(())
    } else {
        Err(format!("Header mismatch: {name} is {value:?}, the body says {wanted:?}"))
    }
}

/// The handshake's first line, to a server whose client shook hands elsewhere.
pub fn initialize(id: u64, version: &str) -> String {
    let mut line =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"initialize\",\"params\":{{\"protocolVersion\":");
    push_string(&mut line, version);
    line.push_str(",\"capabilities\":{},\"clientInfo\":{\"name\":\"lambda-stdio\",\"version\":\"");
    line.push_str(env!("CARGO_PKG_VERSION"));
    line.push_str("\"}}}\n");
    line
}

/// Its last.
pub const INITIALIZED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

/// Whether a server's notification may belong to a request that is being answered: what tells of changes does not.
pub fn is_of_a_request(method: &str) -> bool {
    !method.ends_with("/list_changed")
        && method != "notifications/resources/updated"
        && method != "notifications/cancelled"
}
