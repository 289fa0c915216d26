//! CGI: a program's output is read the same however it is cut, and no request sets a variable that is not its own.

use super::parts;
use crate::handler::protocol::cgi::{Broken, Page, environment, is_meta_variable};
use crate::http_event::{Form, Request};
use serde_json::Value;

fn buffered(pieces: &[&[u8]], method: &str) -> Result<Vec<u8>, Broken> {
    let mut page = Page::new(Form::V2, method);
    pieces.iter().try_for_each(|piece| page.push(piece))?;
    page.finish()
}

/// What has gone out, and whether it was all.
fn streamed(pieces: &[&[u8]]) -> (Vec<u8>, Option<Broken>) {
    let mut page = Page::new(Form::V2, "GET");
    let mut out = Vec::new();
    for piece in pieces {
        match page.push_streamed(piece) {
            Ok(bytes) => out.extend(bytes),
            Err(broken) => return (out, Some(broken)),
        }
        assert_eq!(page.has_begun(), !out.is_empty());
    }
    match page.finish_streamed() {
        Ok(bytes) => out.extend(bytes),
        Err(broken) => return (out, Some(broken)),
    }
    (out, None)
}

pub fn check(data: &[u8]) {
    let Some((choice, cuts, output)) = parts(data) else { return };
    if let Ok(request) = Request::read(output)
        && let Ok(all) = environment(&request)
    {
        for (number, (name, value)) in all.iter().enumerate() {
            assert!(
                is_meta_variable(name)
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            );
            assert!(!value.as_encoded_bytes().contains(&0));
            assert!(!all[..number].iter().any(|(other, _)| other == name), "{name} is set twice");
        }
    }
    let method = if choice & 1 == 1 { "HEAD" } else { "GET" };
    let pieces = cuts.cut(output);
    let whole = buffered(&[output], method);
    assert_eq!(buffered(&pieces, method), whole, "cut differently");
    let stream = streamed(&[output]);
    let cut = streamed(&pieces);
    assert_eq!(stream.1, cut.1, "cut differently");
    match (&whole, &stream) {
        (Ok(answer), (out, problem)) => {
            assert_eq!(out, &cut.0);
            let answer: Value = serde_json::from_slice(answer).expect("an answer is JSON");
            assert!((200..600).contains(&answer["statusCode"].as_u64().expect("a status")));
            if method == "GET" {
                assert_eq!(problem, &None);
                assert!(out.windows(8).any(|eight| eight == [0; 8]));
            }
        }
        (Err(broken), (_, problem)) if method == "GET" => assert_eq!(problem.as_ref(), Some(broken)),
        _ => {}
    }
}
