//! cargo-lambda's emulator between real clients, the AWS CLI and boto3, and `bootstrap`: the whole way that an event goes, with
//! no part of it written here.
//!
//! The emulator has no `FunctionError`: it tells a client of an error by the status 500, with the error as the body.

mod readme;

use crate::examples::Example;
use crate::harness::clients;
use crate::harness::fifo::Fifo;
use crate::harness::files::{Folder, bootstrap};
use crate::harness::http::client;
use crate::harness::tools::{Background, free_port, tool};
use serde_json::Value;
use std::io::Read;

/// The emulator, and the functions that were started for it.
pub struct Emulator {
    functions: Vec<Background>,
    server: Background,
    port: u16,
}

impl Emulator {
    /// It knows functions by the names of the binaries in a Cargo.toml.
    pub fn new(names: &[&str]) -> Self {
        let folder = Folder::new();
        let package = "[package]\nname = \"functions\"\nversion = \"0.0.0\"\nedition = \"2024\"\n".to_owned();
        let binaries = names.iter().map(|name| format!("[[bin]]\nname = \"{name}\"\npath = \"main.rs\"\n"));
        let manifest: String = [package].into_iter().chain(binaries).collect();
        folder.write("Cargo.toml", manifest.as_bytes(), 0o644);
        let port = free_port();
        let number = port.to_string();
        let arguments = ["lambda", "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", &number];
        let server = Background::start(&tool("cargo-lambda"), &arguments, &[], folder);
        server.wait_emulator(port);
        Self { functions: Vec::new(), server, port }
    }

    /// Starts `bootstrap` with this handler, in a folder with its files.
    pub fn serve(&mut self, name: &str, handler: &str, environment: &[(String, String)], folder: Folder) {
        let mut variables = vec![
            ("AWS_LAMBDA_RUNTIME_API".to_owned(), format!("127.0.0.1:{}/.rt/{name}", self.port)),
            ("_HANDLER".to_owned(), handler.to_owned()),
            ("LAMBDA_TASK_ROOT".to_owned(), folder.path().to_str().unwrap().to_owned()),
            ("PATH".to_owned(), crate::harness::files::search_path()),
        ];
        variables.extend_from_slice(environment);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.functions.push(Background::start(bootstrap(), &[], &variables, folder));
    }

    /// Serves this script.
    pub fn serve_script(&mut self, name: &str, script: &str, environment: &[(&str, &str)]) -> &Background {
        let folder = Folder::new();
        folder.write("handler", script.as_bytes(), 0o755);
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.serve(name, "handler", &environment, folder);
        self.functions.last().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn story(&self) -> String {
        let all = [&self.server].into_iter().chain(&self.functions);
        all.map(Background::story).collect::<Vec<_>>().join("\n")
    }
}

fn boto3(emulator: &Emulator, calls: &[(&str, &str)]) -> Vec<(u64, Value)> {
    let url = emulator.url();
    let calls: Vec<_> = calls.iter().map(|(name, event)| (url.as_str(), *name, *event)).collect();
    clients::boto3(&calls).unwrap_or_else(|error| panic!("{error}\n{}", emulator.story()))
}

#[test]
fn an_example_of_every_kind_answers_the_aws_cli_and_boto3() {
    // A loop, a oneshot, messages, and functions through adapters.
    let names = ["hello", "jq", "messages", "sbcl-function", "bash-function", "python-handler"];
    let mut emulator = Emulator::new(&names);
    let mut calls = Vec::new();
    let mut answers = Vec::new();
    for name in names {
        let example = Example::new(name);
        calls.push((name, example.event.clone()));
        answers.push(example.response.clone());
        emulator.serve(name, &example.handler, &example.environment, example.folder);
    }
    for ((name, event), answer) in calls.iter().zip(&answers) {
        let got = clients::aws(&emulator.url(), name, event).unwrap_or_else(|e| panic!("{e}\n{}", emulator.story()));
        assert_eq!(got, *answer, "{name}, for the AWS CLI");
    }
    // And again: they go on.
    let twice: Vec<_> = calls.iter().chain(&calls).map(|(name, event)| (*name, event.as_str())).collect();
    let results = boto3(&emulator, &twice);
    assert_eq!(results.len(), 2 * names.len());
    for ((status, got), (name, answer)) in results.iter().zip(names.iter().zip(&answers).cycle()) {
        assert_eq!((*status, got), (200, answer), "{name}, for boto3");
    }
}

#[test]
fn a_client_hears_of_errors_and_the_next_event_is_answered() {
    let mut emulator = Emulator::new(&["crashing", "complaining", "ending"]);
    let crashing =
        "#!/usr/bin/env bash\nwhile read -r e; do [[ $e == 1 ]] && echo no ones >&2 && exit 3; echo \"$e\"; done";
    emulator.serve_script("crashing", crashing, &[]);
    let complaining =
        "#!/usr/bin/env bash\nwhile read -r e; do echo '{\"errorMessage\":\"no\",\"errorType\":\"A.B\"}'; done";
    emulator.serve_script("complaining", complaining, &[]);
    let call = |name: &str, event: &str| {
        let url = format!("{}/2015-03-31/functions/{name}/invocations", emulator.url());
        let mut answer = client().post(&url).send(event).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, error) = call("crashing", "1");
    assert_eq!(
        (status, &error["errorType"], &error["stackTrace"][0]),
        (500, &"Runtime.ExitError".into(), &"no ones".into())
    );
    assert!(error["errorMessage"].as_str().unwrap().contains("exit status 3"), "{error}");
    let (status, error) = call("complaining", "1");
    assert_eq!((status, &error["errorType"], &error["errorMessage"]), (500, &"A.B".into(), &"no".into()));
    let results = boto3(&emulator, &[("crashing", "1"), ("crashing", "2"), ("complaining", "3")]);
    assert_eq!(results, [(500, Value::Null), (200, 2.into()), (500, Value::Null)]);
}

#[test]
fn a_function_url_gets_status_headers_and_body() {
    let mut emulator = Emulator::new(&["page"]);
    // The emulator wants the cookies, though Lambda does not.
    let filter = "#!/usr/bin/env -S jq -f\n{statusCode: 201, cookies: [\"a=b\"], headers: {\"x-path\": .rawPath}, body: \"read\"}";
    emulator.serve_script("page", filter, &[]);
    let mut answer = client().get(format!("{}/lambda-url/page/some/path", emulator.url())).call().unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(
        (&answer.headers()["x-path"], &answer.headers()["set-cookie"]),
        (&"/some/path".parse().unwrap(), &"a=b".parse().unwrap())
    );
    assert_eq!(answer.body_mut().read_to_string().unwrap(), "read");
}

#[test]
fn a_function_url_streams_as_the_handler_prints() {
    let mut emulator = Emulator::new(&["stream"]);
    let script = "#!/usr/bin/env bash\n\
        printf '{\"statusCode\":203,\"headers\":{\"content-type\":\"text/html\"},\"cookies\":[]}\\0\\0\\0\\0\\0\\0\\0\\0'\n\
        cat >/dev/null; printf first; read -r _ <go; printf second\n";
    let environment = [
        ("HANDLER_MODE", "oneshot"),
        ("HANDLER_RESPONSE", "streaming"),
        ("HANDLER_CONTENT_TYPE", "application/vnd.awslambda.http-integration-response"),
    ];
    let go = Fifo::line(emulator.serve_script("stream", script, &environment).folder().path(), "go");
    let mut answer = client().get(format!("{}/lambda-url/stream/", emulator.url())).call().unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (203, &"text/html".parse().unwrap()));
    // The handler waits until the beginning has been read over here.
    let mut body = answer.body_mut().as_reader();
    let mut text = [0; 5];
    body.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"first");
    go.ring();
    let mut rest = String::new();
    body.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "second");
}
