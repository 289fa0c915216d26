//! `bootstrap` under AWS's own emulator, in the sandbox: every example with real clients, and what may go wrong. No part of the
//! way that an event goes is written here.

mod faults;
mod sizes;
mod soak;

use crate::examples::{self, Example};
use crate::harness::Function;
use crate::harness::clients;
use crate::harness::rie::{Emulated, FUNCTION};
use serde_json::Value;

fn serve(name: &str) -> (Emulated, Example) {
    let example = Example::new(name);
    let mut function = Function::empty().handler(&example.handler);
    for (path, file) in example.files() {
        function = function.copy(&path, &file);
    }
    for (variable, value) in &example.environment {
        function = function.env(variable, value.as_str());
    }
    (function.start_emulated(), example)
}

#[test]
fn every_example_answers_curl_the_aws_cli_and_boto3() {
    // The server of mcp-time is a package that an image has; it has tests of its own.
    let names = examples::names().into_iter().filter(|name| name != "mcp-time");
    let served: Vec<_> = names.map(|name| (serve(&name), name)).collect();
    for ((emulated, example), name) in &served {
        let url = emulated.url();
        let said =
            clients::curl(&url, FUNCTION, &example.event).unwrap_or_else(|e| panic!("{e}\n{}", emulated.story()));
        let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{name}: {e}: {said}"));
        assert_eq!(answer, example.response, "{name}, for curl\n{}", emulated.story());
        let answer =
            clients::aws(&url, FUNCTION, &example.event).unwrap_or_else(|e| panic!("{e}\n{}", emulated.story()));
        assert_eq!(answer, example.response, "{name}, for the AWS CLI");
    }
    let urls: Vec<_> = served.iter().map(|((emulated, _), _)| emulated.url()).collect();
    let calls: Vec<_> = served
        .iter()
        .zip(&urls)
        .map(|(((_, example), _), url)| (url.as_str(), FUNCTION, example.event.as_str()))
        .collect();
    let answers = clients::boto3(&calls).unwrap();
    assert_eq!(answers.len(), served.len());
    for (answer, ((emulated, example), name)) in answers.iter().zip(&served) {
        assert_eq!(*answer, (200, example.response.clone()), "{name}, for boto3");
        emulated.has_survived();
    }
}
