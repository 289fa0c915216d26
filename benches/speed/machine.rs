//! What it was measured on, and with.

use super::entry::peers;
use super::interpreters::{find, shown, version};
use super::lineup;
use super::shipped;
use std::fs;
use std::path::{Path, PathBuf};

/// One line for the documents: the processor, the kernel, and the versions of what took part, with paths of the system alone. Whole paths
/// are printed.
pub fn describe() -> String {
    let mut parts = vec![processor()];
    let bootstrap = shipped::bootstrap();
    println!("bootstrap: {}, linked with {}", bootstrap.file.display(), bootstrap.libc);
    parts.push(format!("`bootstrap` linked with {}", bootstrap.libc));
    parts.extend(version("rustc", &["--version"]).map(|number| format!("Rust {number}")));
    parts.extend(with_path("Python", find("python3").ok(), &["--version"]));
    parts.extend(nodes());
    parts.extend(with_path("bash", find("bash").ok(), &["-c", "echo $BASH_VERSION"]));
    parts.extend(with_path("PHP", find("php-cgi").ok(), &["-v"]));
    parts.extend(with_path("curl", find("curl").ok(), &["--version"]));
    let lisp = lineup::layer().map(|folder| folder.join("sbcl")).or_else(|_| find("sbcl"));
    parts.extend(with_path("SBCL", lisp.ok(), &["--version"]));
    let python = peers().join("python/bin/python3");
    let question = "import importlib.metadata as m; print(m.version('awslambdaric'))";
    parts.extend(version(&python, &["-c", question]).map(|number| format!("awslambdaric {number}")));
    let clients: Vec<_> = [20, 22, 24].into_iter().filter_map(client).collect();
    if !clients.is_empty() {
        parts.push(format!("aws-lambda-ric {}", list(&clients)));
    }
    let client = include_str!("../peers/rust/Cargo.toml").split("lambda_runtime = { version = \"=").nth(1);
    let client = client.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    if peers().join("in-process").exists() {
        parts.push(format!("lambda_runtime {client}"));
    }
    println!();
    parts.join(", ")
}

fn processor() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = processors.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let number = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split(['-', '+']).next().unwrap_or_default().trim();
    format!("{model}, {number} processors, Linux {kernel}")
}

fn with_path(name: &str, file: Option<PathBuf>, arguments: &[&str]) -> Option<String> {
    let file = file?;
    let number = version(&file, arguments)?;
    tell(name, &file, &number);
    Some(match shown(&file) {
        Some(path) => format!("{name} {number} ({path})"),
        None => format!("{name} {number}"),
    })
}

/// What is printed here, and nowhere else.
fn tell(name: &str, file: &Path, number: &str) {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    println!("{name}: {}, {number}", real.display());
}

fn nodes() -> Option<String> {
    let mut numbers = Vec::new();
    for node in [20, 22, 24].into_iter().filter_map(|release| lineup::node_program(release).ok()) {
        let Some(number) = version(&node, &["--version"]) else { continue };
        tell("Node.js", &node, &number);
        numbers.push(number);
    }
    (!numbers.is_empty()).then(|| format!("Node.js {} (npm's package `node`)", list(&numbers)))
}

fn client(release: u32) -> Option<String> {
    let about = fs::read_to_string(lineup::node_client(release).join("package.json")).ok()?;
    let about: serde_json::Value = serde_json::from_str(&about).ok()?;
    Some(about.get("version")?.as_str()?.to_owned())
}

/// `a, b and c`, each once.
fn list(words: &[String]) -> String {
    let mut words = words.to_vec();
    words.dedup();
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}
