//! The examples: every folder in examples/ is a handler with an event and its answer, on a shell and on Lambda.

use crate::harness::{Function, Shell};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of all examples.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The examples' names: the folders' names.
pub fn names() -> Vec<String> {
    let entries = root().read_dir().unwrap().map(Result::unwrap);
    let mut names: Vec<_> =
        entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// The files in an example's folder.
pub fn files(name: &str) -> Vec<String> {
    let entries = root().join(name).read_dir().unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// One folder, as a function needs it.
struct Example {
    files: Vec<(PathBuf, String)>,
    handler: String,
    /// What its file `env` sets.
    environment: Vec<(String, String)>,
    event: String,
    response: Value,
}

impl Example {
    fn read(name: &str) -> Self {
        let folder = root().join(name);
        let text = |file: &str| {
            fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("examples/{name}/{file}: {e}"))
        };
        let files = files(name);
        let handlers: Vec<_> = files.iter().filter(|file| file.starts_with("handler.")).collect();
        let [handler] = handlers[..] else { panic!("examples/{name} has not one handler.*, but {handlers:?}") };
        let readme = text("README.md");
        let settings = if files.contains(&"env".to_owned()) { text("env") } else { String::new() };
        Self {
            handler: handler.clone(),
            environment: settings.lines().map(|line| setting(line, &readme)).collect(),
            event: text("event.json"),
            response: serde_json::from_str(&text("response.json")).unwrap(),
            files: files.into_iter().map(|file| (folder.join(&file), file)).collect(),
        }
    }
}

/// A line of `env`, which the README must tell of.
fn setting(line: &str, readme: &str) -> (String, String) {
    assert!(readme.contains(line), "the README does not say {line}:\n{readme}");
    let (variable, value) = line.split_once('=').unwrap();
    (variable.to_owned(), value.to_owned())
}

#[test]
fn each_answers_on_a_shell() {
    for name in names() {
        let example = Example::read(&name);
        let mut shell = Shell::bare().arg(&example.handler).arg("event.json");
        for (path, file) in &example.files {
            shell = shell.copy(path, file);
        }
        for (variable, value) in &example.environment {
            shell = shell.env(variable, value);
        }
        let output = shell.run().expect_status(0);
        let answer: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{name}: {e}: {}", output.stdout));
        assert_eq!(answer, example.response, "{name}");
    }
}

#[test]
fn each_answers_on_lambda_and_goes_on() {
    for name in names() {
        let example = Example::read(&name);
        let mut function = Function::empty().handler(&example.handler);
        for (path, file) in &example.files {
            function = function.copy(path, file);
        }
        for (variable, value) in &example.environment {
            function = function.env(variable, value.as_str());
        }
        let running = function.start();
        for _ in 0..3 {
            let answer = running.call(example.event.as_str());
            let answer: Value = serde_json::from_slice(answer.response()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(answer, example.response, "{name}");
        }
    }
}
