//! HTTP as events: a request is what `serde_json` reads in the same event, and a response is JSON that says the same again.

use super::{is_shallow, parts};
use crate::http_event::{Form, Request, Response};
use crate::json;
use crate::json::{elements, members, string};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

/// Slices of JSON, against values that were built from it.
fn check_members(text: &str) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    match &value {
        Value::Object(map) => {
            let all: Vec<_> = members(text).expect("an object").collect();
            assert!(all.iter().all(|member| map.contains_key(&*member.name)));
            for (name, value) in map {
                let last = all.iter().rfind(|member| member.name == *name).expect("each is there");
                assert_eq!(&serde_json::from_str::<Value>(last.value).expect("JSON"), value);
                assert!(text[last.at..].starts_with(last.value));
            }
        }
        Value::Array(list) => {
            let all: Vec<Value> =
                elements(text).expect("an array").map(|element| serde_json::from_str(element).expect("JSON")).collect();
            assert_eq!(&all, list);
        }
        _ => assert!(members(text).is_none() && elements(text).is_none()),
    }
    assert_eq!(string(text.trim()).as_deref(), value.as_str());
}

fn check_response(response: &Response, form: Form) {
    let answer: Value = serde_json::from_slice(&response.to_json(form)).expect("an answer is JSON");
    assert_eq!(answer["statusCode"], response.status);
    let text = answer["body"].as_str().expect("a body");
    let is_base64 = answer["isBase64Encoded"].as_bool().expect("it says how");
    let body = if is_base64 { BASE64_STANDARD.decode(text).expect("base64") } else { text.as_bytes().to_vec() };
    assert_eq!(body, response.body);
    let cookies = match form {
        Form::V2 => answer["cookies"].as_array().map_or(0, Vec::len),
        Form::V1 | Form::LoadBalancerMulti => answer["multiValueHeaders"]["Set-Cookie"].as_array().map_or(0, Vec::len),
        Form::LoadBalancer => {
            let headers = answer["headers"].as_object().expect("headers");
            headers.keys().filter(|name| name.eq_ignore_ascii_case("set-cookie")).count()
        }
    };
    assert_eq!(cookies, response.cookies.len());
    let prelude = response.prelude();
    let json = prelude.strip_suffix(&[0; 8]).expect("eight NULs");
    assert!(json::is_value(json) && !json.contains(&0));
}

pub fn check(data: &[u8]) {
    let Some((choice, _, event)) = parts(data) else { return };
    if let Some(text) = std::str::from_utf8(event).ok().filter(|text| json::is_value(text.as_bytes()))
        && is_shallow(event)
    {
        check_members(text);
    }
    let Ok(request) = Request::read(event) else { return };
    for (name, values) in &request.headers {
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'));
        assert!(values.iter().all(|value| !value.contains(['\n', '\r', '\0'])));
    }
    assert!(request.raw_path.bytes().chain(request.query.bytes()).all(|byte| byte.is_ascii_graphic()));
    assert!(!request.method.is_empty() && request.headers.is_sorted_by(|one, other| one.0 < other.0));
    let (_, _, _) = (request.host(), request.port(), request.is_https());
    let headers = request.headers.into_iter().filter(|(name, _)| name != "set-cookie");
    let headers = headers.flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    let mut response =
        Response { status: 200, headers: headers.collect(), cookies: request.cookies, body: request.body };
    response.cookies.truncate(512);
    let form = [Form::V1, Form::V2, Form::LoadBalancer, Form::LoadBalancerMulti][usize::from(choice) % 4];
    check_response(&response, form);
}
