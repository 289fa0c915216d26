//! Libraries that Node.js functions on Lambda are written with, each in a typical handler: frameworks, and agents that get
//! between the runtime and the handler.
//!
//! Together they are some 400 MB, hence `LAMBDA_STDIO_LARGE=1`. Nothing leaves the loopback interface: what an agent would
//! send goes to a receiver of the test's own.

mod agents;
mod frameworks;
mod receiver;

use crate::harness::{Event, Function};
use std::os::unix::fs::symlink;

/// The version of Node.js that they run on.
const NODE: u32 = 22;

/// A function with these packages in its `node_modules`, and the environment that Lambda gives one.
fn with(folder: &str, packages: &[&str]) -> Function {
    let function = Function::empty().handler("app.handler").in_task_root().with_node(NODE);
    let (function, installed) = function.with_packages(folder, packages);
    symlink(installed, function.folder().join("node_modules")).expect("a link");
    let environment = [
        ("AWS_LAMBDA_FUNCTION_NAME", "name"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
    ];
    environment.iter().fold(function, |function, (name, value)| function.env(name, value))
}

/// An event with what Lambda says of one.
fn event(body: &str) -> Event {
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:name";
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    Event::new(body).header("Lambda-Runtime-Invoked-Function-Arn", arn).header("Lambda-Runtime-Trace-Id", trace)
}

/// An event of a function URL.
fn request(method: &str, path: &str, body: &str) -> Event {
    let request = serde_json::json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "who=Ada",
        "queryStringParameters": {"who": "Ada"},
        "headers": {"host": "example.com", "content-type": "application/json"},
        "requestContext": {
            "accountId": "123456789012", "apiId": "id", "domainName": "example.com", "domainPrefix": "example",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
            "requestId": "id", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64,
        },
        "body": body, "isBase64Encoded": false,
    });
    event(&request.to_string())
}
