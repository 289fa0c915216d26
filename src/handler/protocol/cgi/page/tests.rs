//! Whole outputs: what the caller gets of them, buffered and streamed.

use serde_json::{Value, json};

use super::*;

fn buffered(method: &str, pieces: &[&[u8]]) -> Result<Value, String> {
    let mut page = Page::new(Form::V2, method);
    for piece in pieces {
        page.push(piece).map_err(|broken| broken.0)?;
    }
    page.finish().map(|answer| serde_json::from_slice(&answer).expect("JSON")).map_err(|broken| broken.0)
}

fn streamed(pieces: &[&[u8]]) -> Result<Vec<u8>, (String, bool)> {
    let mut page = Page::new(Form::V2, "GET");
    let mut out = Vec::new();
    for piece in pieces {
        out.extend(page.push_streamed(piece).map_err(|broken| (broken.0, page.has_begun()))?);
    }
    let begun = page.has_begun();
    out.extend(page.finish_streamed().map_err(|broken| (broken.0, begun))?);
    Ok(out)
}

#[test]
fn a_page_is_an_answer() {
    let wanted = json!({"statusCode": 200, "headers": {"Content-Type": "text/html"}, "cookies": [], "isBase64Encoded": false, "body": "<p>ü"});
    assert_eq!(buffered("GET", &["Content-Type: text/html\n\n<p>ü".as_bytes()]), Ok(wanted.clone()));
    assert_eq!(buffered("GET", &[b"Content-Type: text/", b"html\n", b"\n<p>\xc3", b"\xbc"]), Ok(wanted));
    let image = buffered("GET", &[b"Content-Type: image/png\n\n\x89PNG"]).expect("an answer");
    assert_eq!((&image["isBase64Encoded"], &image["body"]), (&json!(true), &json!("iVBORw==")));
    let empty = buffered("GET", &[b"Status: 204\n\n"]).expect("an answer");
    assert_eq!((&empty["statusCode"], &empty["body"]), (&json!(204), &json!("")));
}

#[test]
fn a_stream_begins_with_its_prelude_and_goes_on_as_it_comes() {
    let out = streamed(&[b"Content-Type: text/plain\nStatus: 201\n\n", b"one", b"\0two"]).expect("a stream");
    let at = memchr::memmem::find(&out, &[0; 8]).expect("NULs");
    assert_eq!(serde_json::from_slice::<Value>(&out[..at]).expect("JSON")["statusCode"], 201);
    assert_eq!(&out[at + 8..], b"one\0two");
    let mut page = Page::new(Form::V2, "GET");
    assert!(!page.push_streamed(b"Content-Type: a/b\n\n").expect("a head").is_empty(), "it does not wait for the body");
    assert!(page.has_begun());
    assert!(streamed(&[b"Status: 204\n\n"]).expect("a stream").ends_with(&[0; 8]));
}

#[test]
fn a_body_has_a_type_and_the_length_that_is_said() {
    let untyped: &[&[u8]] = &[b"Status: 200\n\n", b"body"];
    assert!(buffered("GET", untyped).expect_err("no type").contains("no Content-Type"));
    assert!(matches!(streamed(untyped), Err((problem, false)) if problem.contains("no Content-Type")));
    for output in [
        &b"Content-Type: text/plain\nContent-Length: 3\n\nab"[..],
        b"Content-Type: text/plain\nContent-Length: 3\n\nabcd",
        b"Content-Type: text/plain\nContent-Length: 3\n\n",
    ] {
        assert!(buffered("GET", &[output]).expect_err("cut off").contains("Content-Length says 3"));
        assert!(streamed(&[output]).is_err_and(|(_, begun)| begun), "what has gone out is cut off");
    }
    let head = buffered("HEAD", &[b"Content-Type: text/plain\nContent-Length: 3\n\n"]).expect("an answer");
    assert_eq!((&head["headers"]["Content-Length"], &head["body"]), (&json!("3"), &json!("")));
    let head = buffered("HEAD", &[b"Content-Type: text/plain\n\nbody"]).expect("an answer");
    assert_eq!(head["body"], "", "HEAD has no body");
    let unchanged = buffered("GET", &[b"Status: 304\nContent-Length: 3\n\n"]).expect("an answer");
    assert_eq!((&unchanged["statusCode"], &unchanged["body"]), (&json!(304), &json!("")));
    for (method, status) in [("HEAD", 200), ("GET", 304)] {
        let output = format!("Status: {status}\nContent-Type: text/plain\nContent-Length: 3\n\nab");
        assert!(buffered(method, &[output.as_bytes()]).expect_err("a part").contains("Content-Length says 3"));
    }
}

#[test]
fn a_page_can_be_too_large() {
    let head: &[u8] = b"Content-Type: image/png\n\n";
    let half = vec![b'x'; LARGEST_ANSWER / 2 - 200];
    let full = buffered("GET", &[b"Content-Type: text/plain\n\n", &half, &half]).expect("what fits");
    assert_eq!(full["body"].as_str().map(str::len), Some(2 * half.len()));
    let large = vec![0xff; LARGEST_ANSWER * 3 / 4];
    assert!(buffered("GET", &[head, &large]).expect_err("base64 makes it larger").contains("larger than"));
    assert!(buffered("GET", &[head, &large, &large]).expect_err("too large").contains("larger than"));
    assert!(streamed(&[head, &large, &large]).is_ok());
}

#[test]
fn a_refusal_is_a_status() {
    let value: Value = serde_json::from_slice(&refusal(Form::V1, 504)).expect("JSON");
    assert_eq!((&value["statusCode"], &value["body"]), (&json!(504), &json!("504 Gateway Timeout\n")));
    assert!(refusal_streamed(502).ends_with(b"\0\0\0\0\0\0\0\x00502 Bad Gateway\n"));
}
