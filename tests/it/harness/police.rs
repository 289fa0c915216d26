//! What must hold for every single request, whatever a test is about.

use super::calls::Call;
use super::event::Request;
use serde_json::value::RawValue;

/// What a registered extension is known by.
pub const EXTENSION_ID: &str = "9a6cd0d5-4ff9-42bf-ab6e-1fd1a1bb1ce3";

/// What is wrong with this request. `nonce` is the invocation id of the event that it is about, where it has one.
pub fn complaints(request: &Request, nonce: Option<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    if !request.header("User-Agent").is_some_and(|agent| agent.starts_with("lambda-stdio/")) {
        wrong.push("no User-Agent lambda-stdio/VERSION");
    }
    match request.call {
        Call::Register if request.header("Lambda-Extension-Name").is_none_or(str::is_empty) => {
            wrong.push("an extension without a name");
        }
        Call::ExtensionNext if request.header("Lambda-Extension-Identifier") != Some(EXTENSION_ID) => {
            wrong.push("not the identifier that came back");
        }
        _ => {}
    }
    if matches!(request.call, Call::Response) || request.call.is_error() {
        let is_error = request.call.is_error();
        // A handler that speaks messages may say what its answers are; errors are what they are.
        let content_type = request.header("Content-Type").unwrap_or_default();
        if content_type.is_empty() || is_error && content_type != "application/vnd.aws.lambda.error+json" {
            wrong.push("the wrong Content-Type");
        }
        let streams = request.header("Lambda-Runtime-Function-Response-Mode");
        if streams.is_some_and(|mode| mode != "streaming" || request.header("Trailer").is_none()) {
            wrong.push("a stream that does not say so properly");
        }
        // A stream says what went wrong in its trailers.
        if request.header("Lambda-Runtime-Function-Error-Type").is_some() != is_error && streams.is_none() {
            wrong.push("an error type where there is no error, or none where there is one");
        }
        let is_json = is_error || content_type == "application/json";
        if is_json && serde_json::from_slice::<&RawValue>(&request.body).is_err() {
            wrong.push("the body is not JSON");
        }
        if request.header("Lambda-Runtime-Invocation-Id") != nonce {
            wrong.push("the invocation id was not echoed, or invented");
        }
    }
    wrong.into_iter().map(|what| format!("{what}: {request} {:?}", request.headers)).collect()
}
