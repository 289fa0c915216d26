//! What callers send: messages, batches, HTTP with these, and what is wrong with them.

use serde_json::{Value, json};

use super::*;

fn http(method: &str, headers: &Value, body: &str) -> Vec<u8> {
    json!({"version": "2.0", "rawPath": "/mcp", "headers": headers, "body": body, "requestContext": {"http": {"method": method}}})
        .to_string()
        .into_bytes()
}

fn refused(event: &[u8]) -> Value {
    let event = Event::read(event, false).expect("an event");
    serde_json::from_slice(&event.refused.expect("refused")).expect("JSON")
}

fn error(answer: &Value) -> (i64, &Value) {
    (answer["error"]["code"].as_i64().expect("a code"), &answer["id"])
}

fn asked(event: &Event) -> &Asked {
    match event.entries.as_slice() {
        [Entry::Request(asked)] => asked,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_becomes_one_line_and_stays_what_it_is() {
    let event =
        Event::read(b"\n{\"jsonrpc\":\"2.0\",\r\n \"method\":\"m\",\n\"id\":\"a\\n\",\"params\":[1.0]}\n", false)
            .expect("one");
    let asked = asked(&event);
    assert_eq!(asked.line, b"{\"jsonrpc\":\"2.0\",   \"method\":\"m\", \"id\":\"a\\n\",\"params\":[1.0]}\n");
    assert_eq!((&asked.line[asked.id.clone()], asked.kind), (&b"\"a\\n\""[..], Kind::Other));
}

#[test]
fn what_is_wrong_with_a_message_is_said_by_an_error() {
    for (event, code, id) in [
        (r#"{"jsonrpc":"2.0","method":"m","id":{}}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","method":"m","id":null}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","method":"m","id":[1]}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","method":"m","id":true}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","method":7,"id":1}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"1.0","method":"m","id":"x"}"#, -32600, json!("x")),
        (r#"{"method":"m","id":1}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","method":"m","id":1,"id":2}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","method":"m","id":1,"params":7}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","method":"subscriptions/listen","id":1}"#, -32601, json!(1)),
        ("[]", -32600, json!(null)),
    ] {
        assert_eq!(error(&refused(event.as_bytes())), (code, &id), "{event}");
        let answer = refused(&http("POST", &json!({}), event));
        let status = if code == -32601 { 404 } else { 400 };
        assert_eq!(answer["statusCode"], status, "{event}");
        let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!(error(&body), (code, &id), "{event}");
    }
    let many = format!("[{}1]", "1,".repeat(10_000));
    assert_eq!(error(&refused(many.as_bytes())).0, -32600);
}

#[test]
fn in_a_batch_only_the_wrong_ones_are_refused() {
    let event = Event::read(br#"[7,{"jsonrpc":"2.0","method":"m","id":1},{"jsonrpc":"2.0","method":"n"}]"#, false)
        .expect("one");
    assert!(event.is_batch);
    assert!(matches!(event.entries.as_slice(), [Entry::Refused(_), Entry::Request(_), Entry::Notification(Some(_))]));
}

#[test]
fn what_is_neither_a_message_nor_http_fails() {
    for event in ["{}", "7", r#"{"version":"0","id":"x","detail-type":"y"}"#, r#"{"Records":[]}"#, "{oops"] {
        let fault = Event::read(event.as_bytes(), false).expect_err("no event");
        assert_eq!(fault.error_type, "Runtime.UnmarshalError");
        assert!(fault.message.contains("\"jsonrpc\":\"2.0\""), "{}", fault.message);
    }
}

#[test]
fn http_is_posted_and_takes_json_or_events() {
    let message = r#"{"jsonrpc":"2.0","method":"m","id":1}"#;
    for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
        let answer = refused(&http(method, &json!({"accept": "text/event-stream"}), ""));
        assert_eq!(
            (&answer["statusCode"], &answer["headers"]["Allow"], &answer["body"]),
            (&json!(405), &json!("POST"), &json!(""))
        );
    }
    assert_eq!(refused(&http("POST", &json!({"accept": "image/png"}), message))["statusCode"], 406);
    assert_eq!(refused(&http("POST", &json!({}), "{oops"))["statusCode"], 400);
    for (accept, buffered, streaming) in [
        ("application/json, text/event-stream", false, true),
        ("text/event-stream", true, true),
        ("Text/Event-Stream;q=1", true, true),
        ("application/json", false, false),
        ("*/*", false, false),
    ] {
        for (is_streaming, wanted) in [(false, buffered), (true, streaming)] {
            let event = Event::read(&http("POST", &json!({"accept": accept}), message), is_streaming).expect("one");
            let http = event.http.expect("HTTP");
            assert_eq!((http.events, http.streamed), (wanted, is_streaming), "{accept}");
        }
    }
}

#[test]
fn notifications_that_are_not_the_servers_are_kept_back() {
    for (method, passed) in [("notifications/initialized", false), ("notifications/cancelled", false), ("other", true)]
    {
        let event =
            Event::read(json!({"jsonrpc": "2.0", "method": method}).to_string().as_bytes(), false).expect("one");
        assert!(
            matches!(event.entries.as_slice(), [Entry::Notification(line)] if line.is_some() == passed),
            "{method}"
        );
    }
    let event = Event::read(br#"{"jsonrpc":"2.0","id":7,"result":{}}"#, false).expect("one");
    assert!(matches!(event.entries.as_slice(), [Entry::Notification(None)]));
}

fn stateless(method: &str, params: &Value) -> String {
    let mut params = params.clone();
    params["_meta"] =
        json!({crate::handler::protocol::jsonrpc::message::VERSION_KEY: "2026-07-28", "progressToken": "t"});
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

#[test]
fn a_stateless_request_has_headers_that_say_the_same() {
    let call = stateless("tools/call", &json!({"name": "ü"}));
    let good = json!({"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "mcp-name": "=?base64?w7w=?="});
    let event = Event::read(&http("POST", &good, &call), false).expect("one");
    assert_eq!(asked(&event).kind, Kind::Stateless { discover: false });
    assert_eq!(asked(&event).token.as_deref(), Some("\"t\""));
    assert!(event.http.expect("HTTP").stateless);
    for (name, value) in [
        ("MCP-Protocol-Version", json!("2025-11-25")),
        ("MCP-Protocol-Version", json!(null)),
        ("Mcp-Method", json!("tools/list")),
        ("Mcp-Method", json!("=?base64?dG9vbHMvY2FsbA==?=")),
        ("mcp-name", json!("u")),
        ("mcp-name", json!(null)),
    ] {
        let mut headers = good.clone();
        if value.is_null() {
            headers.as_object_mut().expect("an object").remove(name);
        } else {
            headers[name] = value;
        }
        let answer = refused(&http("POST", &headers, &call));
        let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!((&answer["statusCode"], error(&body)), (&json!(400), (-32020, &json!(1))), "{headers}");
    }
    let event = Event::read(call.as_bytes(), false).expect("without HTTP there are no headers");
    assert_eq!(event.is_stateless(), Some(true));
}

#[test]
fn the_version_for_a_handshake_is_the_callers() {
    let message = r#"{"jsonrpc":"2.0","method":"tools/list","id":1}"#;
    let version = |header: Value| Event::read(&http("POST", &header, message), false).expect("one").version;
    assert_eq!(version(json!({"mcp-protocol-version": "2025-06-18"})), "2025-06-18");
    assert_eq!(version(json!({})), "2025-11-25");
    for none in ["\",\"x\":\"", "2025-06-18\"", "2025-06-\"8", "2025-6-18", "latest-one"] {
        assert_eq!(version(json!({"mcp-protocol-version": none})), "2025-11-25", "{none}");
    }
    let answer = refused(&http("POST", &json!({"mcp-protocol-version": "2026-07-28"}), message));
    assert_eq!(answer["statusCode"], 400, "a header of a stateless request, and a body of another");
    let first = r#"{"jsonrpc":"2.0","method":"initialize","id":1}"#;
    let event = Event::read(&http("POST", &json!({"mcp-protocol-version": "2026-07-28"}), first), false).expect("one");
    assert_eq!((asked(&event).kind, event.version.as_str()), (Kind::Initialize, "2025-11-25"));
}
