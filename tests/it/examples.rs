//! The examples: every folder in examples/ is a handler with an event and its answer, on a shell and on Lambda.
//!
//! The handler is the file `handler.*`, or what the file `env` says that `_HANDLER` is. What `build.sh` makes belongs to it.

use crate::harness::files::{Folder, search_path, spawn};
use crate::harness::tools::mcp_tool;
use crate::harness::{Function, Shell};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of all examples.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Those whose toolchains are large: tried with `LAMBDA_STDIO_LARGE=1`.
const LARGE: [&str; 3] = ["deno", "go", "java"];

/// The names of the examples that are tried: the folders' names, less those in `LAMBDA_STDIO_WITHOUT_EXAMPLES`, for a machine
/// that cannot build them.
pub fn names() -> Vec<String> {
    let large = std::env::var_os("LAMBDA_STDIO_LARGE").is_some_and(|value| value == "1");
    let without = std::env::var("LAMBDA_STDIO_WITHOUT_EXAMPLES").unwrap_or_default();
    let is_tried = |name: &String| {
        (large || !LARGE.contains(&name.as_str())) && !without.split_whitespace().any(|word| word == name)
    };
    all_names().into_iter().filter(is_tried).collect()
}

fn all_names() -> Vec<String> {
    let entries = root().read_dir().unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    assert!(LARGE.iter().all(|large| names.iter().any(|name| name == large)), "{names:?}");
    names
}

/// The files in an example's folder, less what its `build.sh` or Python may have made there.
pub fn files(name: &str) -> Vec<String> {
    let built = |file: &String| {
        let endings = ["bundle", "class", "fasl"];
        let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
        ["handler", "__pycache__"].contains(&file.as_str()) || ending.is_some_and(|ending| endings.contains(&ending))
    };
    files_in(&root().join(name)).into_iter().filter(|file| !built(file)).collect()
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// One folder, as a function needs it: a copy, built.
pub struct Example {
    pub folder: Folder,
    pub handler: String,
    /// What its file `env` sets besides.
    pub environment: Vec<(String, String)>,
    pub event: String,
    pub response: Value,
    /// Its handler is a program that is installed elsewhere.
    is_installed: bool,
}

impl Example {
    pub fn new(name: &str) -> Self {
        let folder = Folder::new();
        for file in files(name) {
            folder.copy(&root().join(name).join(&file), &file);
        }
        if folder.path().join("build.sh").exists() {
            build(name, &folder);
        }
        let text = |file: &str| {
            fs::read_to_string(folder.path().join(file)).unwrap_or_else(|e| panic!("examples/{name}/{file}: {e}"))
        };
        let readme = text("README.md");
        let settings = if folder.path().join("env").exists() { text("env") } else { String::new() };
        let mut environment: Vec<_> = settings.lines().map(|line| setting(line, &readme)).collect();
        let named = environment.iter().position(|(variable, _)| variable == "_HANDLER");
        let handler = match named {
            Some(at) => environment.remove(at).1,
            None => the_file_called_handler(name),
        };
        let (event, response) = (text("event.json"), serde_json::from_str(&text("response.json")).unwrap());
        let is_installed = folder.path().join("requirements.txt").exists();
        Self { folder, handler, environment, event, response, is_installed }
    }

    /// Its files, where they are and what they are called.
    pub fn files(&self) -> impl Iterator<Item = (PathBuf, String)> {
        files_in(self.folder.path()).into_iter().map(|file| (self.folder.path().join(&file), file))
    }
}

fn the_file_called_handler(name: &str) -> String {
    let mut handlers: Vec<_> = files(name).into_iter().filter(|file| file.starts_with("handler.")).collect();
    assert_eq!(handlers.len(), 1, "examples/{name} has not one handler.*, but {handlers:?}");
    handlers.remove(0)
}

fn build(name: &str, folder: &Folder) {
    let mut command = Command::new("./build.sh");
    let build = spawn(command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = build.wait_with_output().unwrap();
    assert!(output.status.success(), "examples/{name}/build.sh: {}", String::from_utf8_lossy(&output.stderr));
}

/// A line of `env`, which the README must tell of.
fn setting(line: &str, readme: &str) -> (String, String) {
    let (variable, value) = line.split_once('=').unwrap();
    let told = if variable == "_HANDLER" { value } else { line };
    assert!(readme.contains(told), "the README does not say {told}:\n{readme}");
    (variable.to_owned(), value.to_owned())
}

#[test]
fn the_gallery_shows_each() {
    let gallery = fs::read_to_string(root().join("README.md")).unwrap();
    for name in all_names() {
        assert!(gallery.contains(&format!("[{name}]({name})")), "examples/README.md lacks {name}");
        for file in ["README.md", "event.json", "response.json"] {
            assert!(root().join(&name).join(file).exists(), "examples/{name} has no {file}");
        }
    }
}

#[test]
fn each_answers_on_a_shell() {
    for name in names() {
        let example = Example::new(&name);
        let temporary = example.folder.path().to_str().unwrap();
        let mut shell = Shell::bare().arg(&example.handler).arg("event.json").env("TMPDIR", temporary);
        if example.is_installed {
            let installed = mcp_tool(&example.handler);
            shell = shell.env("PATH", &format!("{}:{}", search_path(), installed.parent().unwrap().display()));
        }
        for (path, file) in example.files() {
            shell = shell.copy(&path, &file);
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
        let example = Example::new(&name);
        let mut function = Function::empty().handler(&example.handler);
        if example.is_installed {
            function = function.with_mcp_server(&example.handler.replace('-', "_"), &example.handler);
        }
        for (path, file) in example.files() {
            function = function.copy(&path, &file);
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
