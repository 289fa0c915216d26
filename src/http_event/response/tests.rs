//! One response in each of the forms.

use serde_json::{Value, json};

use super::*;

fn response() -> Response {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Response {
        status: 201,
        headers: vec![
            header("Content-Type", "text/plain"),
            header("Vary", "a"),
            header("X-B", "1"),
            header("vary", "b"),
        ],
        cookies: vec!["k=v; Path=/".to_owned(), "l=w".to_owned()],
        body: "hü\"\n\u{1}".into(),
    }
}

fn value(response: &Response, form: Form) -> Value {
    serde_json::from_slice(&response.to_json(form)).expect("JSON")
}

#[test]
fn cookies_are_kept_apart_in_each_form() {
    let headers = json!({"Content-Type": "text/plain", "Vary": "a, b", "X-B": "1"});
    let wanted = json!({"statusCode": 201, "headers": headers, "cookies": ["k=v; Path=/", "l=w"], "isBase64Encoded": false, "body": "hü\"\n\u{1}"});
    assert_eq!(value(&response(), Form::V2), wanted);
    let many =
        json!({"Content-Type": ["text/plain"], "Vary": ["a", "b"], "X-B": ["1"], "Set-Cookie": ["k=v; Path=/", "l=w"]});
    let wanted = json!({"statusCode": 201, "multiValueHeaders": many, "isBase64Encoded": false, "body": "hü\"\n\u{1}"});
    assert_eq!(value(&response(), Form::V1), wanted);
    let multi = value(&response(), Form::LoadBalancerMulti);
    assert_eq!((&multi["multiValueHeaders"], &multi["statusDescription"]), (&many, &json!("201 Created")));
    let single = value(&response(), Form::LoadBalancer);
    assert_eq!(
        (&single["headers"]["Set-Cookie"], &single["headers"]["set-Cookie"]),
        (&json!("k=v; Path=/"), &json!("l=w"))
    );
    assert_eq!(single["headers"]["Vary"], "a, b");
}

#[test]
fn there_is_a_spelling_for_each_cookie() {
    let all: std::collections::BTreeSet<_> = (0..MOST_COOKIES).map(spelling).collect();
    assert_eq!(all.len(), MOST_COOKIES);
    assert!(all.iter().all(|name| name.eq_ignore_ascii_case("Set-Cookie")));
}

#[test]
fn a_body_is_text_by_its_type_and_its_bytes() {
    let is_base64 = |content_type: &str, coding: &str, body: &[u8]| {
        let headers = [("Content-Type", content_type), ("Content-Encoding", coding)];
        let headers = headers.iter().filter(|(_, value)| !value.is_empty());
        let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let response = Response { status: 200, headers, cookies: Vec::new(), body: body.to_vec() };
        let value = value(&response, Form::V2);
        let text = value["body"].as_str().expect("a string");
        let is_base64 = value["isBase64Encoded"] == true;
        let bytes = if is_base64 { BASE64_STANDARD.decode(text).expect("base64") } else { text.as_bytes().to_vec() };
        assert_eq!(bytes, body);
        is_base64
    };
    for content_type in
        ["text/html; charset=utf-8", "Application/JSON", "image/svg+xml", "application/problem+json", ""]
    {
        assert!(!is_base64(content_type, "", b"text"), "{content_type}");
        assert!(is_base64(content_type, "", b"\xff"), "{content_type}");
        assert!(is_base64(content_type, "gzip", b"text"), "{content_type}");
        assert!(!is_base64(content_type, "identity", b"text"), "{content_type}");
    }
    assert!(
        is_base64("image/png", "", b"text")
            && is_base64("application/octet-stream", "", b"")
            && is_base64("a", "", b"x")
    );
}

#[test]
fn the_room_for_a_body_is_known_before_it_is_written() {
    for text in ["", "plain", "\"\\\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}ü😀"] {
        assert_eq!(escaped_length(text) + 2, serde_json::to_string(text).expect("JSON").len(), "{text:?}");
    }
}

#[test]
fn a_prelude_is_json_and_eight_nuls() {
    let prelude = response().prelude();
    let json = prelude.strip_suffix(&[0; 8]).expect("eight NULs");
    let value: Value = serde_json::from_slice(json).expect("JSON");
    assert_eq!(
        (&value["statusCode"], &value["cookies"][1], &value["headers"]["Vary"]),
        (&json!(201), &json!("l=w"), &json!("a, b"))
    );
    assert!(!json.contains(&0) && value.get("body").is_none());
}

#[test]
fn a_refusal_says_its_status_and_no_more() {
    let value = value(&Response::plain(502), Form::V2);
    assert_eq!((&value["statusCode"], &value["body"]), (&json!(502), &json!("502 Bad Gateway\n")));
}
